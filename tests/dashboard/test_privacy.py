"""The pages of privacy: holds, copies, erasure, do-not-call, whose call it was (S36, S53, S59, S62, S63, S64)."""

import io
import json
import logging
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.legal_holds import holds_in_force
from accounts.models import AuditEvent, LegalHold, User
from accounts.sign_in import ages
from carematix.logs import Formatter
from scheduling.models import Consent, Patient, PurgeRun
from tests.dashboard.rows import make_call
from tests.factories import NOW, make_appointment, make_patient, make_user

pytestmark = pytest.mark.django_db
REASON = "A court asked for it"


@pytest.fixture
def client(client: Client) -> Client:
    """Return the browser of an administrator who has just signed in."""
    client.force_login(make_user(role=User.Role.ADMIN))
    return client


@pytest.fixture
def patient() -> Patient:
    """Return a patient with a name that occurs nowhere else."""
    return make_patient(first_name="Zyxcanary", last_name="Qwvcanary", phone="+13035550177")


def address(name: str, *ids: object) -> str:
    """Return the address of a page."""
    return reverse(f"dashboard:privacy_{name}", args=ids)


def hold(client: Client, patient: Patient) -> LegalHold:
    """Place a hold by the page's form."""
    client.post(address("patient_hold", patient.pk), {"reason": REASON})
    return LegalHold.objects.get()


def forget_authentication(client: Client) -> None:
    """Let more time go by since password and code were given than dangerous things allow."""
    session = client.session
    session[ages.VERIFIED] -= timedelta(hours=1).total_seconds()
    session.save()


class TestPages:
    @pytest.mark.parametrize("role", [User.Role.SCHEDULER, User.Role.NURSE])
    def test_are_closed_to_others(self, client: Client, patient: Patient, role: str) -> None:
        client.force_login(make_user(role=role))

        for page in (reverse("dashboard:privacy"), address("patient", patient.pk)):
            assert client.get(page).status_code == 403
        for act in ("patient_hold", "export", "erasure"):
            assert client.post(address(act, patient.pk), {"reason": REASON}).status_code == 403

    def test_find_a_patient_by_a_search_that_is_recorded(
        self, client: Client, patient: Patient
    ) -> None:
        text = client.post(reverse("dashboard:privacy"), {"search": "zyxcan"}).content.decode()

        assert patient.name in text
        assert address("patient", patient.pk) in text
        assert AuditEvent.objects.get(action="patients.list").patient_ids == [str(patient.pk)]

    def test_tell_what_the_last_purge_deleted(self, client: Client) -> None:
        PurgeRun.objects.create(started_at=NOW, finished_at=NOW, counts={"transcripts": 41})

        text = client.get(reverse("dashboard:privacy")).content.decode()

        assert "Turns of transcripts" in text
        assert "<dd>41</dd>" in text


class TestHolds:
    def test_are_shown_with_their_reason(self, client: Client, patient: Patient) -> None:
        hold(client, patient)

        assert REASON in client.get(address("patient", patient.pk)).content.decode()

    def test_need_a_reason(self, client: Client, patient: Patient) -> None:
        answer = client.post(address("patient_hold", patient.pk), {"reason": "court"})

        assert "Say in 10 to 200 characters" in answer.content.decode()
        assert not LegalHold.objects.exists()

    def test_s36_are_lifted_only_within_minutes_of_giving_password_and_code(
        self, client: Client, patient: Patient
    ) -> None:
        placed = hold(client, patient)
        lifting = address("patient_hold_lifting", patient.pk, placed.pk)
        forget_authentication(client)

        asked = client.post(lifting, {"reason": "The case is closed"})
        program = client.post(
            lifting, {"reason": "The case is closed"}, headers={"Accept": "application/json"}
        )

        assert asked.headers["Location"].startswith("/accounts/reauthenticate/")
        assert (program.status_code, program.json()["code"]) == (403, "reauth_required")
        assert holds_in_force(kind="patient", record_ids=[patient.pk]).exists()

    def test_are_lifted_with_a_reason_that_is_recorded(
        self, client: Client, patient: Patient
    ) -> None:
        placed = hold(client, patient)

        client.post(
            address("patient_hold_lifting", patient.pk, placed.pk), {"reason": "The case is closed"}
        )

        assert not holds_in_force(kind="patient", record_ids=[patient.pk]).exists()
        assert AuditEvent.objects.get(action="hold.lifted").reason == "The case is closed"

    def test_rest_on_calls_as_well(self, client: Client, patient: Patient) -> None:
        call = make_call(patient)

        client.post(address("call_hold", call.pk), {"reason": REASON})

        assert REASON in client.get(address("call", call.pk)).content.decode()
        placed = LegalHold.objects.get()
        client.post(
            address("call_hold_lifting", call.pk, placed.pk), {"reason": "The case is closed"}
        )
        assert not holds_in_force(kind="call", record_ids=[call.pk]).exists()


class TestExport:
    def test_s63_downloads_one_file_and_records_it(self, client: Client, patient: Patient) -> None:
        make_appointment(patient=patient)

        answer = client.post(address("export", patient.pk))

        found = json.loads(answer.getvalue())
        assert found["patient"]["first_name"] == "Zyxcanary"
        assert len(found["appointments"]) == 1
        assert AuditEvent.objects.filter(action="patient.exported").count() == 1
        assert answer.headers["Content-Disposition"] == (
            f'attachment; filename="patient-{patient.pk}.json"'
        )
        assert "no-store" in answer.headers["Cache-Control"]

    def test_s36_needs_password_and_code_of_the_last_minutes(
        self, client: Client, patient: Patient
    ) -> None:
        forget_authentication(client)

        answer = client.post(address("export", patient.pk))

        assert answer.status_code == 302
        assert not AuditEvent.objects.filter(action="patient.exported").exists()


class TestErasure:
    def test_s63_erases_and_shows_the_pseudonym(self, client: Client, patient: Patient) -> None:
        client.post(address("erasure", patient.pk), {"reason": "The patient asked for it"})

        text = client.get(address("patient", patient.pk)).content.decode()
        assert "Zyxcanary" not in text
        assert f"Erased {str(patient.pk)[:8]}" in text

    def test_s63_says_why_not_under_a_hold(self, client: Client, patient: Patient) -> None:
        hold(client, patient)

        answer = client.post(
            address("erasure", patient.pk), {"reason": "The patient asked for it"}, follow=True
        )

        assert "A legal hold rests on these records" in answer.content.decode()
        assert Patient.objects.get(pk=patient.pk).first_name == "Zyxcanary"

    def test_s36_needs_password_and_code_of_the_last_minutes(
        self, client: Client, patient: Patient
    ) -> None:
        forget_authentication(client)

        client.post(address("erasure", patient.pk), {"reason": "The patient asked for it"})

        assert Patient.objects.get(pk=patient.pk).erased_at is None


class TestCallPermission:
    def test_s59_stores_do_not_call_for_voice_and_texts_at_once(
        self, client: Client, patient: Patient
    ) -> None:
        client.post(
            address("call_permission", patient.pk), {"granted": "no", "wording": "Stop calling me"}
        )

        stored = Consent.objects.values_list("channel", "purpose", "granted", "source")
        assert set(stored) == {
            ("voice", "calls", False, "dashboard"),
            ("sms", "appointments", False, "dashboard"),
        }
        assert "Do not call" in client.get(address("patient", patient.pk)).content.decode()
        assert AuditEvent.objects.get(action="consent.added").reason == "refused"

    def test_s59_a_permission_ends_with_its_number(self, client: Client, patient: Patient) -> None:
        client.post(
            address("call_permission", patient.pk), {"granted": "yes", "wording": "Call any time"}
        )
        assert "May be called" in client.get(address("patient", patient.pk)).content.decode()

        patient.phone = "+12025550166"
        patient.save()

        page = client.get(address("patient", patient.pk)).content.decode()
        assert "No permission for this number: no calls from us" in page

    def test_s59_asks_for_the_words(self, client: Client, patient: Patient) -> None:
        client.post(address("call_permission", patient.pk), {"granted": "yes", "wording": ""})

        assert not Consent.objects.exists()


class TestRelinking:
    def test_s64_links_a_call_anew_with_a_reason(self, client: Client, patient: Patient) -> None:
        call, other = make_call(patient), make_patient()

        client.post(
            address("relinking", call.pk), {"patient": other.pk, "reason": "The son had called"}
        )

        call.refresh_from_db()
        assert call.patient == other
        assert AuditEvent.objects.get(action="call.relinked").reason == "The son had called"

    def test_s64_changes_nothing_without_one(self, client: Client, patient: Patient) -> None:
        call = make_call(patient)

        client.post(address("relinking", call.pk), {"patient": "", "reason": ""})

        call.refresh_from_db()
        assert call.patient == patient


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Return what all loggers write at their most talkative, in the product's format."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Formatter())
    logging.root.addHandler(handler)
    before = logging.root.level
    logging.root.setLevel(logging.DEBUG)
    yield stream
    logging.root.removeHandler(handler)
    logging.root.setLevel(before)


class TestWhatLeavesThePages:
    def test_s53_names_nobody_in_logs_addresses_titles_and_file_names(
        self, client: Client, patient: Patient, log: io.StringIO
    ) -> None:
        call = make_call(patient, from_number="+13035550177")
        answers: list[Any] = [
            client.post(reverse("dashboard:privacy"), {"search": "Zyxcanary"}),
            client.get(address("patient", patient.pk)),
            client.post(address("patient_hold", patient.pk), {"reason": REASON}),
            client.post(address("export", patient.pk)),
            client.post(address("erasure", patient.pk), {"reason": REASON}),
            client.get(address("call", call.pk)),
            client.post(address("call_hold", call.pk), {"reason": REASON}),
        ]

        pages = [answer.content.decode() for answer in answers if not answer.streaming]
        titles = [title for page in pages for title in re.findall("<title>(.*?)</title>", page)]
        headers = [value for answer in answers for value in answer.headers.values()]
        outside = "\n".join([*titles, *headers, log.getvalue()]).lower()
        assert titles
        assert not [word for word in ("zyxcanary", "qwvcanary", "3035550177") if word in outside]
