"""Files of patients, nurses and hours: checked, and applied whole or not at all (S68)."""

from datetime import time, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEvent
from scheduling import services
from scheduling.exchange.csv_text import FileRefused, Problem
from scheduling.models import Availability, DataImport, Message, Nurse, Patient, StaffTask
from scheduling.services import imports
from tests.factories import (
    NOW,
    make_appointment,
    make_consent,
    make_hold,
    make_nurse,
    make_patient,
    make_specialization,
)
from tests.scheduling.import_files import PATIENT, WINDOW, file_of

NURSE = {
    "license_state": "NY",
    "license_number": "RN1",
    "first_name": "Nan",
    "last_name": "Cy",
    "license_expires_on": "2030-12-31",
}
ONE_DAY = timedelta(days=1)
FEW_MORE = 10


@pytest.fixture(autouse=True)
def _clinic_clock(settings: Any) -> None:
    settings.CAREMATIX_NOW = NOW


def bring(kind: str, content: bytes) -> tuple[int, int, int]:
    result = services.import_file(kind=kind, content=content, actor="test", now=NOW)
    return result.new, result.changed, result.unchanged


def problems_of(kind: str, content: bytes) -> list[Problem]:
    """Return the problems of a file, which are the same whether it is checked or to be stored."""
    with pytest.raises(FileRefused) as checked:
        services.check_file(kind=kind, content=content, now=NOW)
    with pytest.raises(FileRefused) as refused:
        bring(kind, content)
    assert checked.value.problems == refused.value.problems
    return list(refused.value.problems)


def places_of(kind: str, content: bytes) -> list[tuple[int, str, str]]:
    return [(one.row, one.column, one.code) for one in problems_of(kind, content)]


@pytest.mark.django_db
class TestPatients:
    def test_are_added_with_the_defaults_of_the_clinic(self) -> None:
        assert bring("patients", file_of(PATIENT)) == (1, 0, 0)

        patient = Patient.objects.get()
        assert (patient.name, patient.name_key) == ("Ana", "ana")
        assert (patient.active, patient.provisional, patient.sample) == (True, False, False)

    def test_are_known_by_their_number_and_changed(self) -> None:
        make_patient(reference_number="R1", last_name="López", email="old@example.org")

        assert bring("patients", file_of(PATIENT | {"email": "new@example.org"})) == (0, 1, 0)

        patient = Patient.objects.get()
        assert (patient.email, patient.last_name) == ("new@example.org", "López")
        assert patient.name_key == "ana lopez"

    def test_are_not_changed_by_the_same_file_again(self) -> None:
        content = file_of(PATIENT, PATIENT | {"reference_number": "R2"})
        bring("patients", content)
        before = list(Patient.objects.order_by("id").values())

        assert bring("patients", content) == (0, 0, 2)
        assert list(Patient.objects.order_by("id").values()) == before

    def test_without_a_number_are_known_by_the_id_of_their_record(self) -> None:
        patient = make_patient()

        result = bring("patients", file_of(PATIENT | {"reference_number": str(patient.pk)}))

        patient.refresh_from_db()
        assert (result, patient.first_name, patient.reference_number) == ((0, 1, 0), "Ana", "")

    def test_with_an_id_that_nobody_has_are_refused(self) -> None:
        unknown = {"reference_number": "12345678-1234-4234-8234-123456789abc"}

        assert places_of("patients", file_of(PATIENT | unknown)) == [
            (2, "reference_number", "not_found")
        ]

    @pytest.mark.parametrize(
        ("changes", "column"),
        [
            ({"reference_number": "R" * 25}, "reference_number"),
            ({"date_of_birth": "2026-03-09"}, "date_of_birth"),
            ({"email": "a@b@c"}, "email"),
            ({"email": "a@-"}, "email"),
        ],
    )
    def test_with_values_that_cannot_be_are_refused(
        self, changes: dict[str, str], column: str
    ) -> None:
        assert places_of("patients", file_of(PATIENT | changes)) == [(2, column, "bad_value")]

    def test_that_are_there_twice_are_refused(self) -> None:
        assert places_of("patients", file_of(PATIENT, PATIENT)) == [
            (3, "reference_number", "repeated")
        ]

    def test_are_stored_all_or_not_at_all(self) -> None:
        bad = PATIENT | {"reference_number": "R2", "date_of_birth": "2027-01-01"}

        assert len(problems_of("patients", file_of(PATIENT, bad))) == 1
        assert not Patient.objects.exists()
        assert not DataImport.objects.exists()
        assert not AuditEvent.objects.exists()

    def test_that_somebody_else_adds_at_the_same_moment_are_refused_without_a_value(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        plan = imports._plan

        def beaten(*args: Any) -> Any:
            planned = plan(*args)
            make_patient(reference_number="R1")
            return planned

        monkeypatch.setattr(imports, "_plan", beaten)

        with pytest.raises(FileRefused) as refused:
            bring("patients", file_of(PATIENT))

        assert refused.value.problems[0].code == "stale"
        assert refused.value.__suppress_context__

    def test_keep_dangerous_text_as_text(self) -> None:
        bring("patients", file_of(PATIENT | {"first_name": "=HYPERLINK(1)"}))

        assert Patient.objects.get().first_name == "=HYPERLINK(1)"

    def test_who_want_no_reminders_any_more_get_none(self) -> None:
        visit = make_appointment(
            start=NOW + timedelta(days=4), patient=make_patient(reference_number="R1")
        )
        make_consent(patient=visit.patient)
        row = PATIENT | {"remind_48h": "yes", "remind_2h": "yes", "preferred_language": "es"}
        bring("patients", file_of(row))
        planned = Message.objects.filter(status="pending")
        assert {message.language for message in planned} == {"es"}

        bring("patients", file_of(row | {"remind_48h": "no", "remind_2h": "no"}))

        assert not planned.all().exists()

    def test_are_on_record_with_who_was_concerned(self) -> None:
        bring("patients", file_of(PATIENT))

        event = AuditEvent.objects.get()
        record = DataImport.objects.get()
        assert (event.action, event.surface, event.object_type) == ("import", "cli", "patients")
        assert event.patient_ids == [str(Patient.objects.get().pk)]
        assert (record.status, record.rows_done, bytes(record.content)) == ("done", 1, b"")


@pytest.mark.django_db
class TestNurses:
    def test_are_added_with_their_specializations(self) -> None:
        make_specialization(code="wound")
        row = NURSE | {"specializations": "wound", "languages": "en es", "daily_cap": "8"}

        assert bring("nurses", file_of(row)) == (1, 0, 0)
        assert bring("nurses", file_of(row)) == (0, 0, 1)

        nurse = Nurse.objects.get()
        assert [skill.code for skill in nurse.specializations.all()] == ["wound"]
        assert (nurse.languages, nurse.daily_cap) == (["en", "es"], 8)

    def test_are_known_by_their_license_and_changed(self) -> None:
        skill = make_specialization(code="wound")
        nurse = make_nurse(license_number="RN1", specializations=[skill])

        assert bring("nurses", file_of(NURSE | {"specializations": ""})) == (0, 1, 0)

        nurse.refresh_from_db()
        assert (nurse.name, nurse.name_key) == ("Nan Cy", "cy nan")
        assert not nurse.specializations.exists()

    def test_with_an_unknown_specialization_are_refused(self) -> None:
        assert places_of("nurses", file_of(NURSE | {"specializations": "wound"})) == [
            (2, "specializations", "not_found")
        ]

    def test_that_are_there_twice_are_refused(self) -> None:
        assert places_of("nurses", file_of(NURSE, NURSE)) == [(3, "license_number", "repeated")]

    def test_who_have_visits_are_not_sent_away_unseen(self) -> None:
        nurse = make_nurse(license_number="RN1")
        make_appointment(nurse=nurse)

        assert places_of("nurses", file_of(NURSE | {"active": "no"})) == [(2, "", "visits_outside")]
        nurse.refresh_from_db()
        assert nurse.active


@pytest.mark.django_db
class TestAvailability:
    def test_is_added_and_found_again(self) -> None:
        make_nurse(license_number="RN1", works=False)
        content = file_of(WINDOW, WINDOW | {"weekday": "tuesday"})

        assert bring("availability", content) == (2, 0, 0)
        assert bring("availability", content) == (0, 0, 2)
        assert Availability.objects.count() == 2

    def test_is_changed_where_a_window_begins_then(self) -> None:
        make_nurse(license_number="RN1")

        assert bring("availability", file_of(WINDOW | {"end": "16:00"})) == (0, 1, 0)
        assert Availability.objects.get(weekday=0).end == time(16)

    def test_of_an_unknown_nurse_is_refused(self) -> None:
        assert places_of("availability", file_of(WINDOW)) == [(2, "license_number", "not_found")]

    def test_that_is_contradictory_is_refused(self) -> None:
        make_nurse(license_number="RN1", works=False)
        backwards = {"valid_from": "2026-05-01", "valid_until": "2026-04-30"}

        assert places_of(
            "availability",
            file_of(WINDOW | {"valid_from": "", "valid_until": ""}, WINDOW | backwards),
        ) == [(3, "valid_until", "bad_value")]
        assert places_of("availability", file_of(WINDOW, WINDOW | {"end": "16:00"})) == [
            (3, "start", "repeated")
        ]

    def test_that_leaves_visits_outside_is_refused_before_and_when_it_is_stored(self) -> None:
        nurse = make_nurse(license_number="RN1")
        make_appointment(nurse=nurse)  # on a Friday at nine

        friday = WINDOW | {"weekday": "friday", "end": "09:15"}
        assert places_of("availability", file_of(friday)) == [(2, "", "visits_outside")]
        assert not StaffTask.objects.exists()
        assert Availability.objects.get(weekday=4).end == time(17)

    def test_that_takes_a_held_time_away_is_refused(self) -> None:
        nurse = make_nurse(license_number="RN1")
        make_hold(nurse=nurse)

        friday = WINDOW | {"weekday": "friday", "end": "09:15"}
        assert places_of("availability", file_of(friday)) == [(2, "", "visits_outside")]


def queries_of(kind: str, content: bytes) -> int:
    """Return how many queries it takes to check a file and to store it."""
    with CaptureQueriesContext(connection) as asked:
        services.check_file(kind=kind, content=content, now=NOW)
        bring(kind, content)
    return len(asked)


@pytest.mark.django_db
class TestTwoHundredRows:
    """What belongs together is read and written together; SQLite takes 999 values in one statement."""

    def test_of_new_and_changed_hours_ask_no_more_than_ten(self) -> None:
        make_nurse(license_number="RN1", works=False)
        make_nurse(license_number="RN2", works=False)

        asked = []
        for number, count in (("RN1", 10), ("RN2", 200)):
            windows = [
                WINDOW | {"license_number": number, "valid_from": str(NOW.date() + n * ONE_DAY)}
                for n in range(count)
            ]
            asked += [queries_of("availability", file_of(*windows))]
            asked += [queries_of("availability", file_of(*[w | {"end": "16:00"} for w in windows]))]

        assert asked[2] - asked[0] <= FEW_MORE
        assert asked[3] - asked[1] <= FEW_MORE

    def test_of_patients_who_change_how_they_are_told_ask_no_more_than_ten(self) -> None:
        asked = []
        for count in (10, 200):
            rows = [
                PATIENT | {"reference_number": f"R{count}-{n}", "preferred_language": "en"}
                for n in range(count)
            ]
            bring("patients", file_of(*rows))
            for patient in Patient.objects.filter(reference_number__startswith=f"R{count}-"):
                patient.phone = f"+1202555{patient.pk.int % 10_000:04d}"
                patient.save()
                make_consent(patient=patient)
                make_appointment(patient=patient, start=NOW + timedelta(days=4))
            asked.append(
                queries_of("patients", file_of(*[r | {"preferred_language": "es"} for r in rows]))
            )

        told = Message.objects.filter(language="es", status="pending")
        assert told.count() == 2 * (10 + 200)
        assert asked[1] - asked[0] <= FEW_MORE
