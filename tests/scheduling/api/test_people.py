"""`/api/v1/patients/` and `/conditions/`: people by REST, found by a body and never by an address (S53)."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEvent
from scheduling.models import MedicalCondition, Message, Patient
from tests.factories import (
    NOW,
    TOMORROW_NINE,
    make_appointment,
    make_assignment,
    make_consent,
    make_nurse,
    make_patient,
)
from tests.scheduling.api.keys import Program
from tests.scheduling.api.people import Person

ANA: dict[str, Any] = {
    "first_name": "Ana",
    "last_name": "Morales",
    "date_of_birth": "1958-04-12",
    "phone": "+12025550118",
    "preferred_language": "es",
}


@pytest.fixture(autouse=True)
def clock(settings: Any) -> None:
    settings.CAREMATIX_NOW = NOW


@pytest.fixture
def program(db: None) -> Program:
    return Program()


class TestANewPatient:
    def test_is_stored_and_shown(self, program: Program) -> None:
        answer = program.post("patients/", ANA | {"state": "ny"})

        assert answer.status_code == 201, answer.content
        stored, shown = Patient.objects.get(), answer.json()
        assert (stored.last_name, stored.state, stored.date_of_birth) == (
            "Morales",
            "NY",
            date(1958, 4, 12),
        )
        assert shown.items() >= (ANA | {"id": str(stored.pk), "state": "NY"}).items()
        assert answer["Location"] == f"/api/v1/patients/{stored.pk}/"
        event = AuditEvent.objects.get(action="patient.created")
        assert (event.object_id, event.patient_ids) == (str(stored.pk), [str(stored.pk)])

    def test_is_made_once_under_one_key(self, program: Program) -> None:
        first = program.post("patients/", ANA, Idempotency_Key="p1")
        again = program.post("patients/", ANA, Idempotency_Key="p1")

        assert (first.status_code, again.content) == (201, first.content)
        assert Patient.objects.count() == 1

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"first_name": ""}, "first_name"),
            ({"date_of_birth": "2026-03-08"}, "date_of_birth"),
            ({"date_of_birth": "12 April 1958"}, "date_of_birth"),
            ({"phone": "555-0118"}, "phone"),
            ({"email": "ana"}, "email"),
            ({"state": "New York"}, "state"),
            ({"preferred_language": "xx"}, "preferred_language"),
            ({"time_zone": "Mars/Base"}, "time_zone"),
            ({"message_channel": "pigeon"}, "message_channel"),
            ({"ssn": "1"}, "ssn"),
            ({"id": "5d1d3c5e-7a55-4c0a-8a5c-9a3f0f1c2b3a"}, "id"),
        ],
    )
    def test_with_a_wrong_value_is_refused_by_its_field(
        self, program: Program, change: dict[str, Any], field: str
    ) -> None:
        answer = program.post("patients/", ANA | change)

        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
        assert list(answer.json()["fields"]) == [field]
        assert not Patient.objects.exists()

    def test_does_not_get_anothers_reference_number(self, program: Program) -> None:
        make_patient(reference_number="P-1042")

        answer = program.post("patients/", ANA | {"reference_number": "P-1042"})

        assert (answer.status_code, list(answer.json()["fields"])) == (400, ["reference_number"])

    def test_needs_the_scope(self, db: None) -> None:
        assert Program("patients:read").post("patients/", ANA).status_code == 403
        assert not Patient.objects.exists()


class TestAPatientsRecord:
    def test_changes_what_was_sent_and_nothing_else(self, program: Program) -> None:
        patient = make_patient(last_name="Morales", email="ana@example.org")

        answer = program.patch(f"patients/{patient.pk}/", {"phone": "+12025550119"})

        patient.refresh_from_db()
        assert answer.status_code == 200, answer.content
        assert (patient.phone, patient.email) == ("+12025550119", "ana@example.org")
        event = AuditEvent.objects.get(action="patient.changed")
        assert event.patient_ids == [str(patient.pk)]
        assert "+12025550119" not in str(event.changes)

    def test_that_has_changed_since_it_was_read_stays(self, program: Program) -> None:
        patient = make_patient()
        seen = program.get(f"patients/{patient.pk}/")["ETag"]
        program.patch(f"patients/{patient.pk}/", {"postal_code": "10025"}, If_Match=seen)

        answer = program.patch(f"patients/{patient.pk}/", {"postal_code": "1"}, If_Match=seen)

        patient.refresh_from_db()
        assert (answer.status_code, answer.json()["code"]) == (412, "precondition_failed")
        assert patient.postal_code == "10025"

    def test_takes_reminders_along(self, program: Program) -> None:
        patient = make_patient()
        make_consent(patient=patient)
        make_appointment(patient=patient, start=TOMORROW_NINE + timedelta(days=6))
        program.patch(f"patients/{patient.pk}/", {"remind_2h": True})
        planned = Message.objects.filter(patient=patient, kind="reminder_48h", status="pending")
        assert planned.count() == 1

        program.patch(f"patients/{patient.pk}/", {"remind_48h": False})

        assert not planned.exists()

    def test_is_never_deleted(self, program: Program) -> None:
        patient = make_patient()

        assert program.delete(f"patients/{patient.pk}/").status_code == 405
        assert program.patch(f"patients/{patient.pk}/", {"active": False}).json()["active"] is False

    def test_keeps_why_somebody_called_for_those_who_may_read_it(self, db: None) -> None:
        patient = make_patient(registration_reason="Chest pain")

        without = Program("patients:read").get(f"patients/{patient.pk}/").json()
        whole = Program("patients:read", "clinical:read").get(f"patients/{patient.pk}/").json()

        assert "registration_reason" not in without
        assert whole["registration_reason"] == "Chest pain"

    def test_is_open_to_nurses_who_care_for_the_patient_s26(self, db: None) -> None:
        person = Person("nurse")
        nurse = make_nurse(user=person.user)
        own, foreign = make_patient(), make_patient()
        make_assignment(patient=own, nurse=nurse)

        listed = person.get("patients/").json()["results"]

        assert [one["id"] for one in listed] == [str(own.pk)]
        assert person.get(f"patients/{foreign.pk}/").status_code == 404
        assert person.patch(f"patients/{own.pk}/", {"postal_code": "1"}).status_code == 403


class TestTheList:
    def test_is_read_in_as_many_statements_for_many_as_for_few(self, program: Program) -> None:
        program.get("me/")  # the first use of a key is noted
        make_patient()
        with CaptureQueriesContext(connection) as few:
            program.get("patients/")
        for _ in range(60):
            make_patient()

        with CaptureQueriesContext(connection) as many:
            page = program.get("patients/?page_size=50").json()

        assert len(page["results"]) == 50
        assert len(many) == len(few)

    def test_is_followed_to_its_end_without_loss_or_repetition(self, program: Program) -> None:
        made = {str(make_patient().pk) for _ in range(7)}

        met: list[str] = []
        address = "patients/?page_size=3&ordering=created_at"
        while address:
            page = program.get(address).json()
            met += [one["id"] for one in page["results"]]
            address = (page["next"] or "").partition("/api/v1/")[2]

        assert (len(met), set(met)) == (7, made)

    def test_is_narrowed_by_nurse_and_switches(self, program: Program) -> None:
        nurse, cared_for, closed = make_nurse(), make_patient(), make_patient()
        make_assignment(patient=cared_for, nurse=nurse)
        make_assignment(patient=closed, nurse=nurse, primary=False, closed=True)
        gone = make_patient(active=False)

        def ids(query: str) -> list[str]:
            return [one["id"] for one in program.get(f"patients/?{query}").json()["results"]]

        assert ids(f"nurse={nurse.pk}") == [str(cared_for.pk)]
        assert ids("active=false") == [str(gone.pk)]
        assert ids("provisional=true") == []

    @pytest.mark.parametrize("query", ["name=Morales", "phone=%2B12025550118", "search=ana"])
    def test_never_takes_a_person_in_its_address_s53(self, program: Program, query: str) -> None:
        answer = program.get(f"patients/?{query}")

        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


class TestSearch:
    @pytest.mark.parametrize(
        "known",
        [
            {"name": "morales"},
            {"name": "ANA  Moráles"},
            {"name": "moral an"},
            {"date_of_birth": "1958-04-12"},
            {"phone": "+1 (202) 555-0118"},
            {"phone": "+12025550119"},
            {"email": "ANA@example.org"},
            {"reference_number": "P-1042"},
            {"name": "ana", "date_of_birth": "1958-04-12", "active": True},
        ],
    )
    def test_finds_by_what_people_say(self, program: Program, known: dict[str, Any]) -> None:
        ana = make_patient(
            first_name="Ana", last_name="Morales", date_of_birth=date(1958, 4, 12),
            phone="+12025550118", second_phone="+12025550119", email="ana@example.org",
            reference_number="P-1042",
        )  # fmt: skip
        make_patient(first_name="Bea", last_name="Nunez")

        found = program.post("patients/search/", known)

        assert found.status_code == 200, found.content
        assert [one["id"] for one in found.json()["results"]] == [str(ana.pk)]
        event = AuditEvent.objects.get(action="patients.search")
        assert event.patient_ids == [str(ana.pk)]

    def test_wants_all_of_it_to_be_true(self, program: Program) -> None:
        make_patient(first_name="Ana", last_name="Morales", phone="+12025550118")

        found = program.post("patients/search/", {"name": "ana", "phone": "+12025550117"})

        assert found.json()["results"] == []

    @pytest.mark.parametrize(
        "known", [{}, {"active": True}, {"name": "?"}, {"name": ""}, {"age": 68}]
    )
    def test_does_not_look_for_everybody(self, program: Program, known: dict[str, Any]) -> None:
        assert program.post("patients/search/", known).status_code == 400

    def test_goes_on_at_the_address_that_next_names(self, program: Program) -> None:
        made = {str(make_patient(last_name="Morales").pk) for _ in range(3)}

        page = program.post("patients/search/?page_size=2", {"name": "morales"}).json()
        rest = program.post(page["next"].partition("/api/v1/")[2], {"name": "morales"}).json()

        assert "morales" not in page["next"]
        assert {one["id"] for one in page["results"] + rest["results"]} == made
        assert rest["next"] is None


class TestConditions:
    """No scope of a key changes a clinical record: people do."""

    @pytest.fixture
    def admin(self, db: None) -> Person:
        return Person("admin")

    def test_are_added_changed_and_resolved(self, admin: Person) -> None:
        patient = make_patient()
        made = admin.post(
            "conditions/", {"patient": str(patient.pk), "name": "Ulcer", "code": "l89.61"}
        )
        changed = admin.patch(f"conditions/{made.json()['id']}/", {"status": "resolved"})

        assert (made.status_code, made.json()["code"]) == (201, "L89.61")
        assert changed.json()["status"] == "resolved"
        assert MedicalCondition.objects.get().patient == patient
        assert admin.delete(f"conditions/{made.json()['id']}/").status_code == 405
        events = AuditEvent.objects.filter(action__startswith="condition.")
        assert {tuple(event.patient_ids) for event in events} == {(str(patient.pk),)}

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"code": "ulcer"}, "code"),
            ({"name": ""}, "name"),
            ({"patient": "00000000-0000-0000-0000-000000000007"}, "patient"),
            ({"status": "gone"}, "status"),
            ({"severity": 3}, "severity"),
        ],
    )
    def test_with_a_wrong_value_are_refused_by_its_field(
        self, admin: Person, change: dict[str, Any], field: str
    ) -> None:
        body = {"patient": str(make_patient().pk), "name": "Ulcer"} | change

        answer = admin.post("conditions/", body)

        assert (answer.status_code, list(answer.json()["fields"])) == (400, [field])
        assert not MedicalCondition.objects.exists()

    def test_stay_with_their_patient(self, admin: Person) -> None:
        made = MedicalCondition.objects.create(patient=make_patient(), name="Ulcer")

        answer = admin.patch(f"conditions/{made.pk}/", {"patient": str(make_patient().pk)})

        assert (answer.status_code, list(answer.json()["fields"])) == (400, ["patient"])

    def test_are_closed_to_schedulers_and_to_keys_without_their_scope(self, db: None) -> None:
        MedicalCondition.objects.create(patient=make_patient(), name="Ulcer")

        assert Person("scheduler").get("conditions/").status_code == 403
        assert Program("patients:read", "patients:write").get("conditions/").status_code == 403
        assert len(Program("clinical:read").get("conditions/").json()["results"]) == 1
