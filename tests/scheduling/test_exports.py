"""Records as files: harmless in a spreadsheet, on record, and the same when they are read again (S69)."""

import csv
import io
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.core.management import CommandError, call_command
from django.test import AsyncClient, Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import AuditEvent
from scheduling import services
from scheduling.exchange.csv_columns import COLUMNS, names_of
from scheduling.models import Appointment, Availability, Nurse, Patient
from scheduling.services import exports
from tests.factories import (
    NOW,
    make_appointment,
    make_availability,
    make_nurse,
    make_patient,
    make_specialization,
    make_user,
)

pytestmark = pytest.mark.django_db

KINDS = list(COLUMNS)
MODELS = {
    "patients": Patient,
    "nurses": Nurse,
    "availability": Availability,
    "appointments": Appointment,
}
FORMULA = "=HYPERLINK(1)"
STRANGE = st.one_of(
    st.sampled_from(
        ["<img src=x onerror=alert(1)>", FORMULA, "+1", "-1", "@a", "'=1", "a\r\nb", "\t=1"]
    ),
    st.text(alphabet="'=+-@\t\r\n\",;aé漢 ", min_size=1, max_size=40),
).filter(str.strip)


@pytest.fixture(autouse=True)
def _clinic_clock(settings: Any) -> None:
    settings.CAREMATIX_NOW = NOW


@pytest.fixture
def chief(client: Client) -> Client:
    client.force_login(make_user(role="admin", is_staff=True, is_superuser=True))
    return client


def fill() -> None:
    """Store records with every oddity that a file has to carry."""
    nurse = make_nurse(
        specializations=[make_specialization(), make_specialization()],
        languages=["es", "en"],
        buffer_after_minutes=10,
        daily_cap=9,
    )
    make_availability(nurse=nurse, weekdays=[6], kind="break", valid_from=NOW.date())
    patient = make_patient(reference_number="R1", first_name=FORMULA, last_name="\tO'Brien")
    make_appointment(nurse=nurse, reason="'=1\r\nsecond line")
    for status in ("cancelled", "cancelled", "noshow", "fulfilled", "entered-in-error"):
        make_appointment(nurse=nurse, patient=patient, start=NOW - timedelta(days=3), status=status)
    make_appointment(nurse=nurse, patient=patient, start=NOW, status="arrived")
    make_appointment(nurse=nurse, patient=patient, start=NOW - timedelta(days=1))  # not recorded


def exported(kind: str, **options: Any) -> bytes:
    return b"".join(services.export_csv(kind=kind, surface="cli", **options))


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline=""), strict=True))


class TestAnExport:
    @pytest.mark.parametrize("kind", KINDS)
    def test_changes_nothing_when_it_is_imported(self, kind: str) -> None:
        fill()
        before = list(MODELS[kind]._default_manager.order_by("pk").values())
        content = exported(kind)

        result = services.import_file(kind=kind, content=content, actor="test", now=NOW)

        assert (result.new, result.changed) == (0, 0)
        assert result.unchanged == len(rows_of(content)) > 0
        assert list(MODELS[kind]._default_manager.order_by("pk").values()) == before

    @pytest.mark.parametrize("kind", KINDS)
    def test_has_a_header_and_no_formula(self, kind: str) -> None:
        fill()

        content = exported(kind)

        assert content.decode().splitlines()[0] == ",".join(names_of(kind))
        cells = [cell for row in rows_of(content) for cell in row.values()]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]

    def test_leaves_out_what_was_entered_in_error(self) -> None:
        fill()

        statuses = [row["status"] for row in rows_of(exported("appointments"))]

        assert sorted(statuses) == [
            "arrived", "booked", "booked", "cancelled", "cancelled", "fulfilled", "noshow",
        ]  # fmt: skip

    def test_shows_the_time_of_the_clinic_with_its_offset(self) -> None:
        make_appointment()

        (row,) = rows_of(exported("appointments"))

        assert row["start"] == "2026-03-06T09:00:00-05:00"

    @settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(first=STRANGE, last=STRANGE, reason=STRANGE)
    def test_carries_any_text_there_and_back(self, first: str, last: str, reason: str) -> None:
        Appointment.objects.all().delete()
        Patient.objects.all().delete()
        visit = make_appointment(
            patient=make_patient(reference_number="R1", first_name=first, last_name=last),
            reason=reason,
            start=NOW - timedelta(days=3),
            status="fulfilled",
        )
        patients, visits = exported("patients"), exported("appointments")
        Appointment.objects.all().delete()
        Patient.objects.all().delete()

        for kind, content in (("patients", patients), ("appointments", visits)):
            services.import_file(kind=kind, content=content, actor="test", now=NOW)

        again = Appointment.objects.select_related("patient").get()
        assert (again.patient.first_name, again.patient.last_name) == (first, last)
        assert (again.reason, again.start, again.end) == (reason, visit.start, visit.end)

    def test_of_an_empty_clinic_is_a_header(self) -> None:
        assert rows_of(exported("patients")) == []

    def test_comes_in_batches_of_bounded_size(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(exports, "ROWS_AT_ONCE", 2)
        for _ in range(5):
            make_patient()

        parts = list(services.export_csv(kind="patients", surface="cli"))

        assert [part.count(b"\r\n") for part in parts] == [1, 2, 2, 1]

    def test_is_on_record_before_it_leaves(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(exports, "ROWS_AT_ONCE", 2)
        ids = {str(make_patient().pk) for _ in range(3)}
        user = make_user()
        parts = services.export_csv(
            kind="patients", surface="admin", user_id=user.pk, address="192.0.2.1"
        )

        next(parts)  # the header
        assert not AuditEvent.objects.exists()
        next(parts)
        (event,) = AuditEvent.objects.all()
        list(parts)

        assert (event.action, event.object_type, event.actor_id, event.address) == (
            "export", "patients", str(user.pk), "192.0.2.1",
        )  # fmt: skip
        recorded = [one for event in AuditEvent.objects.all() for one in event.patient_ids]
        assert sorted(recorded) == sorted(ids)

    def test_of_nothing_is_on_record_too(self) -> None:
        exported("appointments")

        assert AuditEvent.objects.get().patient_ids == []


class TestTheCommand:
    def test_writes_a_new_file_that_only_its_owner_reads(self, tmp_path: Path) -> None:
        make_patient(reference_number="R1")
        path = tmp_path / "patients.csv"

        call_command("export_csv", "patients", str(path), stdout=io.StringIO())

        assert rows_of(path.read_bytes())[0]["reference_number"] == "R1"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_overwrites_nothing(self, tmp_path: Path) -> None:
        path = tmp_path / "patients.csv"
        path.write_text("mine")

        with pytest.raises(CommandError, match="exists already"):
            call_command("export_csv", "patients", str(path))

        assert path.read_text() == "mine"


def changelist(kind: str) -> str:
    return reverse(f"admin:scheduling_{MODELS[kind]._meta.model_name}_changelist")


class TestTheLists:
    @pytest.mark.parametrize("kind", KINDS)
    def test_export_the_chosen_records(self, chief: Client, kind: str) -> None:
        fill()
        rows = MODELS[kind]._default_manager.order_by("pk")
        chosen = next(row for row in rows if getattr(row, "status", "") != "entered-in-error")

        response = chief.post(
            changelist(kind), {"action": "export_selected", "_selected_action": [str(chosen.pk)]}
        )

        assert response.headers["Content-Disposition"] == (
            f'attachment; filename="{kind}-2026-03-05.csv"'
        )
        assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert "no-store" in response.headers["Cache-Control"]
        assert len(rows_of(response.getvalue())) == 1
        assert AuditEvent.objects.get(action="export").object_type == kind

    @pytest.mark.parametrize("kind", KINDS)
    def test_lead_to_an_export_of_everything(self, chief: Client, kind: str) -> None:
        fill()
        address = f"{changelist(kind)}export/"
        assert address in chief.get(changelist(kind)).content.decode()
        assert chief.get(address).status_code == 200
        assert not AuditEvent.objects.filter(action="export").exists()

        response = chief.post(address)

        assert len(rows_of(response.getvalue())) == len(rows_of(exported(kind))) > 0

    @pytest.mark.parametrize("kind", KINDS)
    def test_export_nothing_for_those_who_may_not_see_the_records(
        self, client: Client, kind: str
    ) -> None:
        client.force_login(make_user(is_staff=True))

        assert client.post(f"{changelist(kind)}export/").status_code == 403
        assert not AuditEvent.objects.filter(action="export").exists()

    @pytest.mark.django_db(transaction=True)
    async def test_stream_part_by_part_from_the_real_server(self) -> None:
        await database_sync_to_async(fill)()
        user = await database_sync_to_async(make_user)(
            role="admin", is_staff=True, is_superuser=True
        )
        client = AsyncClient()
        await client.aforce_login(user)

        response: Any = await client.post(f"{changelist('patients')}export/")

        assert response.is_async
        parts = [part async for part in response.streaming_content]
        assert len(rows_of(b"".join(parts))) == await Patient.objects.acount()
