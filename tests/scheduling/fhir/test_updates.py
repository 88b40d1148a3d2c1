"""Changing visits through FHIR (scheduling reference, sections 7 and 16)."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from accounts.models import AuditEvent
from scheduling import services
from scheduling.models import Appointment, Nurse, Patient
from tests.factories import (
    NOW,
    TOMORROW_NINE,
    local,
    make_appointment,
    make_nurse,
    make_patient,
    make_visit_type,
)
from tests.scheduling.fhir.program import Program, issue, matches
from tests.scheduling.fhir.wishes import OURS, at, wish

pytestmark = pytest.mark.django_db
FRIDAY = "start=ge2026-03-06&start=lt2026-03-07&status=free"
REASONS = "https://clinic.example/fhir/R4/CodeSystem/cancellation-reason"


@pytest.fixture
def patient(db: None) -> Patient:
    make_visit_type()
    return make_patient()


@pytest.fixture
def nurse(db: None) -> Nurse:
    return make_nurse()


class TestUpdating:
    def test_with_an_old_version_changes_nothing(self, program: Program, patient: Patient) -> None:
        visit = make_appointment(patient=patient)
        read = program.get(f"Appointment/{visit.pk}").json()
        services.confirm_attendance(
            appointment_id=visit.pk, source="dashboard", actor="user:1", now=NOW
        )

        response = program.send(
            "PUT", f"Appointment/{visit.pk}", read | {"status": "cancelled"}, If_Match='W/"1"'
        )

        assert issue(response) == (412, "conflict")
        visit.refresh_from_db()
        assert (visit.status, visit.version) == ("booked", 2)
        assert not AuditEvent.objects.filter(action="appointment.changed").exists()

    @pytest.mark.parametrize("header", ["", "*", '"1"', "1", 'W/"x"'])
    def test_needs_the_version(self, program: Program, patient: Patient, header: str) -> None:
        visit = make_appointment(patient=patient)
        read = program.get(f"Appointment/{visit.pk}").json()
        headers = {"If_Match": header} if header else {}

        response = program.send("PUT", f"Appointment/{visit.pk}", read, **headers)

        assert issue(response) == (412, "conflict")

    def test_of_what_was_read_changes_nothing(self, program: Program, patient: Patient) -> None:
        for fields in ({}, {"attendance_confirmed_at": NOW}, {"status": "cancelled"}):
            visit = make_appointment(
                patient=patient, start=TOMORROW_NINE + timedelta(hours=len(fields)), **fields
            )
            read = program.get(f"Appointment/{visit.pk}").json()

            response = program.send("PUT", f"Appointment/{visit.pk}", read, If_Match='W/"1"')

            assert (response.status_code, response.json()) == (200, read)

    def test_moves_to_another_nurse(self, program: Program, patient: Patient) -> None:
        visit, other = make_appointment(patient=patient), make_nurse()
        read = program.get(f"Appointment/{visit.pk}").json()
        read["participant"][1]["actor"] = {"reference": f"Practitioner/{other.pk}"}

        response = program.send("PUT", f"Appointment/{visit.pk}", read, If_Match='W/"1"')

        assert response.json()["participant"][1]["actor"]["reference"].endswith(str(other.pk))
        event = AuditEvent.objects.get(action="appointment.changed")
        assert event.changes == {"nurse": [str(visit.nurse_id), str(other.pk)]}

    def test_moves_to_another_slot(self, program: Program, patient: Patient, nurse: Nurse) -> None:
        visit = make_appointment(patient=patient)
        slot = program.found(f"Slot?{FRIDAY}&schedule={nurse.pk}")[5]
        read = program.get(f"Appointment/{visit.pk}").json()
        read["slot"] = [{"reference": f"Slot/{slot['id']}"}]
        read["participant"].pop()

        moved = program.send("PUT", f"Appointment/{visit.pk}", read, If_Match='W/"1"').json()

        assert moved["start"] == slot["start"]
        assert moved["slot"] == read["slot"]

    def test_confirms_attendance(self, program: Program, patient: Patient) -> None:
        visit = make_appointment(patient=patient)
        read = program.get(f"Appointment/{visit.pk}").json()
        read["participant"][0]["status"] = "accepted"

        response = program.send("PUT", f"Appointment/{visit.pk}", read, If_Match='W/"1"')

        visit.refresh_from_db()
        assert visit.attendance_confirmed_at == NOW
        assert response.json()["participant"][0]["status"] == "accepted"

    @pytest.mark.parametrize("answer", ["accepted", "declined"])
    def test_of_time_and_answer_at_once_is_refused_and_changes_nothing(
        self, program: Program, patient: Patient, answer: str
    ) -> None:
        visit, other = make_appointment(patient=patient), make_nurse()
        read = program.get(f"Appointment/{visit.pk}").json()
        read["participant"][0]["status"] = answer
        read["participant"][1]["actor"] = {"reference": f"Practitioner/{other.pk}"}

        response = program.send("PUT", f"Appointment/{visit.pk}", read, If_Match='W/"1"')

        after = Appointment.objects.get(pk=visit.pk)
        assert issue(response)[0] == 422
        assert (after.nurse_id, after.version, after.attendance_confirmed_at) == (
            visit.nurse_id,
            1,
            None,
        )

    def test_moves_a_visit_that_the_patient_had_confirmed(
        self, program: Program, patient: Patient
    ) -> None:
        visit = make_appointment(patient=patient, attendance_confirmed_at=NOW)
        other = make_nurse()
        read = program.get(f"Appointment/{visit.pk}").json()
        read["participant"][1]["actor"] = {"reference": f"Practitioner/{other.pk}"}

        response = program.send("PUT", f"Appointment/{visit.pk}", read, If_Match='W/"1"')

        assert response.status_code == 200
        assert Appointment.objects.get(pk=visit.pk).nurse_id == other.pk

    @pytest.mark.parametrize("status", ["arrived", "fulfilled", "noshow"])
    def test_says_what_became_of_a_visit(
        self, program: Program, patient: Patient, status: str
    ) -> None:
        visit = make_appointment(patient=patient, start=NOW - timedelta(minutes=20))
        read = program.get(f"Appointment/{visit.pk}").json()

        response = program.send(
            "PUT", f"Appointment/{visit.pk}", read | {"status": status}, If_Match='W/"1"'
        )

        assert (response.status_code, response.json()["status"]) == (200, status)

    @pytest.mark.parametrize(
        ("coding", "ours", "theirs"),
        [
            ({"code": "pat"}, "patient", "pat"),
            ({"code": "pat-crs"}, "patient", "pat"),
            ({"code": "prov"}, "clinic", "prov"),
            ({"code": "weather"}, "other", "other"),
            ({"system": REASONS, "code": "nurse"}, "nurse", "prov"),
            ({"system": REASONS, "code": "duplicate"}, "duplicate", "other"),
            (None, "other", "other"),
        ],
    )
    def test_cancels_for_a_reason(
        self, program: Program, patient: Patient, coding: Any, ours: str, theirs: str
    ) -> None:
        visit = make_appointment(patient=patient)
        body = program.get(f"Appointment/{visit.pk}").json() | {"status": "cancelled"}
        if coding:
            body["cancelationReason"] = {"coding": [coding]}

        response = program.send("PUT", f"Appointment/{visit.pk}", body, If_Match='W/"1"')

        visit.refresh_from_db()
        assert visit.cancellation_reason == ours
        codes = [one["code"] for one in response.json()["cancelationReason"]["coding"]]
        assert codes == [theirs, ours]

    @pytest.mark.parametrize(
        ("status", "code", "more"),
        [
            (400, "value", {"id": str(uuid4())}),
            (422, "business-rule", {"description": "Other"}),
            (422, "business-rule", {"serviceType": [{"coding": [{"code": "consultation"}]}]}),
            (422, "business-rule", {"identifier": [{"system": OURS, "value": "new"}]}),
            (422, "business-rule", {"status": "entered-in-error"}),
            (422, "business-rule", {"status": "waitlist"}),
            (422, "business-rule", {"status": "checked-in"}),
            (422, "business-rule", {"end": "2026-03-06T15:00:00Z"}),
            (422, "business-rule", {"minutesDuration": 60}),
            (422, "business-rule", {"status": "cancelled", "start": "2026-03-06T16:00:00Z",
                                    "end": "2026-03-06T16:30:00Z"}),
            (422, "business-rule", {"status": "fulfilled"}),
            (422, "business-rule", {"start": "2026-03-08T16:00:00Z", "end": "2026-03-08T16:30:00Z"}),
        ],
    )  # fmt: skip
    def test_refuses(
        self, program: Program, patient: Patient, status: int, code: str, more: dict[str, Any]
    ) -> None:
        visit = make_appointment(patient=patient)
        read = program.get(f"Appointment/{visit.pk}").json()

        response = program.send("PUT", f"Appointment/{visit.pk}", read | more, If_Match='W/"1"')

        assert issue(response) == (status, code)
        visit.refresh_from_db()
        assert (visit.status, visit.version, visit.start) == ("booked", 1, TOMORROW_NINE)

    def test_never_hands_a_visit_to_another_patient(
        self, program: Program, patient: Patient
    ) -> None:
        visit = make_appointment(patient=patient)
        read = program.get(f"Appointment/{visit.pk}").json()
        read["participant"][0]["actor"] = {"reference": f"Patient/{make_patient().pk}"}

        response = program.send("PUT", f"Appointment/{visit.pk}", read, If_Match='W/"1"')

        assert issue(response) == (422, "business-rule")

    def test_never_revives_what_is_over(self, program: Program, patient: Patient) -> None:
        visit = make_appointment(patient=patient, status="cancelled")
        read = program.get(f"Appointment/{visit.pk}").json()
        del read["cancelationReason"]

        response = program.send(
            "PUT", f"Appointment/{visit.pk}", read | {"status": "booked"}, If_Match='W/"1"'
        )

        assert issue(response) == (409, "conflict")

    def test_to_a_taken_time_keeps_the_old_one(
        self, program: Program, patient: Patient, nurse: Nurse
    ) -> None:
        visit = make_appointment(patient=patient, nurse=nurse)
        make_appointment(nurse=nurse, start=local(2026, 3, 6, 11))
        read = program.get(f"Appointment/{visit.pk}").json()

        response = program.send(
            "PUT", f"Appointment/{visit.pk}",
            at(read, "2026-03-06T16:00:00Z", "2026-03-06T16:30:00Z"), If_Match='W/"1"',
        )  # fmt: skip

        assert issue(response) == (409, "conflict")
        visit.refresh_from_db()
        assert visit.start == TOMORROW_NINE

    def test_of_a_missing_visit_is_not_found(self, program: Program, patient: Patient) -> None:
        missing = uuid4()
        body = wish(patient, make_nurse(), id=str(missing))

        response = program.send("PUT", f"Appointment/{missing}", body, If_Match='W/"1"')

        assert issue(response) == (404, "not-found")
        assert AuditEvent.objects.get(action="access.denied").outcome == "not_found"

    def test_leads_to_a_search_that_shows_it(self, program: Program, patient: Patient) -> None:
        visit = make_appointment(patient=patient)
        read = program.get(f"Appointment/{visit.pk}").json()
        program.send(
            "PUT", f"Appointment/{visit.pk}", read | {"status": "cancelled"}, If_Match='W/"1"'
        )

        bundle = program.get("Appointment?status=cancelled").json()

        assert [one["meta"]["versionId"] for one in matches(bundle)] == ["2"]
