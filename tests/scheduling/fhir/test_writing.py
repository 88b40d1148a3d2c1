"""Booking and changing visits through FHIR (scheduling reference, sections 7 and 16)."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from accounts.models import AuditEvent
from scheduling import services
from scheduling.fhir import rows, writes
from scheduling.models import Appointment, AppointmentChange, Nurse, Patient, SlotHold
from tests.factories import (
    NOW,
    TOMORROW_NINE,
    local,
    make_appointment,
    make_hold,
    make_nurse,
    make_patient,
    make_visit_type,
)
from tests.scheduling.fhir.program import Program, issue
from tests.scheduling.fhir.wishes import OURS, at, named, wish

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


class TestAProgramOfAnotherSystem:
    def test_finds_a_slot_books_it_moves_it_and_cancels_it(
        self, program: Program, patient: Patient, nurse: Nurse
    ) -> None:
        slot = program.found(f"Slot?{FRIDAY}&schedule.actor=Practitioner/{nurse.pk}")[3]

        booked = program.send(
            "POST", "Appointment",
            wish(patient, slot=[{"reference": f"Slot/{slot['id']}"}], start=slot["start"], end=slot["end"]),
        )  # fmt: skip
        assert (booked.status_code, booked["ETag"]) == (201, 'W/"1"')
        visit = booked.json()
        assert booked["Location"] == (
            f"http://testserver/fhir/R4/Appointment/{visit['id']}/_history/1"
        )
        assert program.get(booked["Location"]).json() == visit
        assert program.get(f"Slot/{slot['id']}").json()["status"] == "busy"

        moved = program.send(
            "PUT", f"Appointment/{visit['id']}",
            at(visit, "2026-03-09T13:00:00Z", "2026-03-09T13:30:00Z"), If_Match='W/"1"',
        )  # fmt: skip
        assert (moved.status_code, moved["ETag"]) == (200, 'W/"2"')
        assert moved.json()["start"] == "2026-03-09T13:00:00Z"
        assert program.get(f"Slot/{slot['id']}").json()["status"] == "free"

        cancelled = program.send(
            "PUT", f"Appointment/{visit['id']}",
            moved.json() | {
                "status": "cancelled",
                "cancelationReason": {"coding": [{"code": "pat"}], "text": "On holiday"},
            },
            If_Match=moved["ETag"],
        )  # fmt: skip
        assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
        assert cancelled.json()["cancelationReason"]["text"] == "On holiday"
        row = Appointment.objects.get(pk=visit["id"])
        assert (row.source, row.cancellation_reason, row.version) == ("fhir", "patient", 3)
        assert row.cancelled_by == f"key:{program.key.pk}"


class TestBooking:
    def test_takes_start_and_nurse(self, program: Program, patient: Patient, nurse: Nurse) -> None:
        response = program.send("POST", "Appointment", wish(patient, nurse, description="Dressing"))

        row = Appointment.objects.get()
        assert response.status_code == 201
        assert (row.patient, row.nurse, row.start) == (patient, nurse, TOMORROW_NINE)
        assert (row.visit_type.code, row.reason, row.source) == ("routine", "Dressing", "fhir")
        assert AppointmentChange.objects.get().actor == f"key:{program.key.pk}"
        assert response.json()["participant"][0]["status"] == "needs-action"

    @pytest.mark.parametrize(
        "kind",
        [
            {"serviceType": [{"coding": [{"code": "consultation"}]}]},
            {"appointmentType": {"coding": [{"code": "CHECKUP"}]}},
        ],
    )
    def test_takes_the_kind_from_either_word(
        self, program: Program, patient: Patient, nurse: Nurse, kind: dict[str, Any]
    ) -> None:
        make_visit_type(code="consultation", length_minutes=60)

        response = program.send("POST", "Appointment", wish(patient, nurse, end=None, **kind))

        assert response.json()["minutesDuration"] == 60

    def test_spends_what_the_program_holds(
        self, program: Program, patient: Patient, nurse: Nurse
    ) -> None:
        make_hold(nurse=nurse, owner=f"key:{program.key.pk}")

        assert program.send("POST", "Appointment", wish(patient, nurse)).status_code == 201
        assert SlotHold.objects.get().state == "used"

    @pytest.mark.parametrize(
        ("status", "code", "more"),
        [
            (400, "structure", {"resourceType": "Patient"}),
            (400, "structure", {"colour": "blue"}),
            (400, "required", {"status": None}),
            (400, "value", {"status": "maybe"}),
            (422, "business-rule", {"status": "pending"}),
            (422, "business-rule", {"status": "fulfilled"}),
            (400, "required", {"participant": None}),
            (400, "required", {"start": None, "end": None}),
            (400, "required", {"start": None}),
            (400, "value", {"start": "tomorrow"}),
            (400, "value", {"start": "2026-03-06T14:00:00"}),
            (400, "value", {"start": "2026-03-06"}),
            (400, "value", {"end": "2026-03-06T13:00:00Z"}),
            (422, "business-rule", {"end": "2026-03-06T15:00:00Z"}),
            (422, "business-rule", {"minutesDuration": 45}),
            (400, "value", {"minutesDuration": -1}),
            (422, "not-supported", {"comment": "hello"}),
            (422, "not-supported", {"serviceType": [{"coding": [{"system": "x", "code": "y"}]}]}),
            (422, "business-rule", {"serviceType": [{"coding": [{"code": "unknown"}]}]}),
            (422, "not-found", {"slot": [{"reference": "Slot/x"}]}),
            (400, "value", {"slot": [{"reference": "Schedule/x"}]}),
            (400, "structure", {"slot": {"reference": "Slot/x"}}),
            (400, "structure", {"participant": ["me"]}),
            (400, "value", {"participant": [{"actor": {"reference": "Patient/1"}}]}),
            (422, "not-found", {"participant": [{"actor": {"reference": "Patient/1"}, "status": "accepted"}]}),
            (422, "not-supported", {"participant": [{"actor": {"reference": "Location/1"}, "status": "accepted"}]}),
            (400, "value", {"identifier": [{"system": OURS}]}),
            (422, "not-supported", {"identifier": [{"value": "a"}, {"value": "b"}]}),
            (400, "invalid", {"cancelationReason": {"text": "x"}}),
            (400, "value", {"description": "x" * 501}),
            (422, "business-rule", {"start": "2026-03-06T14:07:00Z", "end": "2026-03-06T14:37:00Z"}),
            (422, "business-rule", {"start": "2026-03-05T15:30:00Z", "end": "2026-03-05T16:00:00Z"}),
            (422, "business-rule", {"start": "2026-03-08T15:00:00Z", "end": "2026-03-08T15:30:00Z"}),
        ],
    )  # fmt: skip
    def test_refuses(
        self, program: Program, patient: Patient, nurse: Nurse,
        status: int, code: str, more: dict[str, Any],
    ) -> None:  # fmt: skip
        response = program.send("POST", "Appointment", wish(patient, nurse, **more))

        assert issue(response) == (status, code)
        assert not Appointment.objects.exists()
        assert not AuditEvent.objects.filter(action__startswith="appointment.").exists()

    def test_needs_both_people_and_those_that_are_there(
        self, program: Program, patient: Patient, nurse: Nurse
    ) -> None:
        missing = Patient(pk=uuid4()), Nurse(pk=uuid4())

        for body in (wish(patient), wish(None, nurse)):
            assert issue(program.send("POST", "Appointment", body)) == (400, "required")
        for body in (wish(missing[0], nurse), wish(patient, missing[1])):
            assert issue(program.send("POST", "Appointment", body)) == (422, "not-found")
        twice = wish(patient, nurse)
        twice["participant"].append(twice["participant"][0])
        assert issue(program.send("POST", "Appointment", twice)) == (422, "business-rule")

    def test_of_a_taken_time_is_a_conflict(
        self, program: Program, patient: Patient, nurse: Nurse
    ) -> None:
        make_appointment(nurse=nurse)
        make_hold(nurse=nurse, start=local(2026, 3, 6, 11))

        taken = program.send("POST", "Appointment", wish(patient, nurse))
        held = program.send(
            "POST", "Appointment",
            at(wish(patient, nurse), "2026-03-06T16:00:00Z", "2026-03-06T16:30:00Z"),
        )  # fmt: skip

        assert issue(taken) == issue(held) == (409, "conflict")

    def test_with_a_slot_that_says_otherwise_is_refused(
        self, program: Program, patient: Patient, nurse: Nurse
    ) -> None:
        slots = program.found(f"Slot?{FRIDAY}&schedule={nurse.pk}")
        slot = [{"reference": f"Slot/{slots[4]['id']}"}]

        for body in (
            wish(patient, slot=slot),
            wish(patient, make_nurse(), slot=slot, start=None, end=None),
            wish(patient, slot=slot * 2, start=None, end=None),
        ):
            assert issue(program.send("POST", "Appointment", body)) == (422, "business-rule")

    def test_leaves_one_event_in_the_same_transaction_s46_s50(
        self, program: Program, patient: Patient, nurse: Nurse, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        program.send("POST", "Appointment", wish(patient, nurse))

        event = AuditEvent.objects.get(action="appointment.added")
        row = Appointment.objects.get()
        assert (event.patient_ids, event.object_id) == ([str(patient.pk)], str(row.pk))
        assert event.changes["start"] == [None, "2026-03-06T14:00:00+00:00"]

        def refuse(**event: Any) -> None:
            from accounts.exceptions import NotRecorded

            raise NotRecorded("locked")

        monkeypatch.setattr("accounts.origin.record_event", refuse)
        late = at(wish(patient, nurse), "2026-03-06T16:00:00Z", "2026-03-06T16:30:00Z")
        response = program.send("POST", "Appointment", late)

        assert issue(response) == (503, "transient")
        assert Appointment.objects.count() == 1


class TestIfNoneExist:
    def test_books_once_however_often_it_is_sent(
        self, program: Program, patient: Patient, nurse: Nurse
    ) -> None:
        body = wish(patient, nurse, **named("77"))
        condition = f"identifier={OURS}|77"

        first = program.send("POST", "Appointment", body, If_None_Exist=condition)
        second = program.send("POST", "Appointment", body, If_None_Exist=condition)

        assert (first.status_code, second.status_code) == (201, 200)
        assert first.json() == second.json()
        assert second["Location"] == first["Location"]
        assert {"system": OURS, "value": "77"} in first.json()["identifier"]
        assert Appointment.objects.count() == 1
        assert AuditEvent.objects.filter(action="appointment.read").count() == 1

    def test_finds_the_name_later(self, program: Program, patient: Patient, nurse: Nurse) -> None:
        booked = program.send("POST", "Appointment", wish(patient, nurse, **named("77"))).json()
        own = [booked["id"]]

        assert program.ids(f"Appointment?identifier={OURS}%7C77") == own
        assert program.ids(f"Appointment?identifier={OURS}%7C78") == []
        assert program.ids("Appointment?identifier=elsewhere%7C77") == []
        assert program.ids(f"Appointment?identifier=urn:uuid:{booked['id']}") == own

    def test_takes_a_uuid_as_the_id(self, program: Program, patient: Patient, nurse: Nurse) -> None:
        chosen = uuid4()
        body = wish(patient, nurse, **named(f"urn:uuid:{chosen}", "urn:ietf:rfc:3986"))

        booked = program.send(
            "POST", "Appointment", body, If_None_Exist=f"identifier=urn:uuid:{chosen}"
        ).json()

        assert UUID(booked["id"]) == chosen
        assert len(booked["identifier"]) == 1

    def test_refuses_when_several_fit(
        self, program: Program, patient: Patient, nurse: Nurse
    ) -> None:
        make_appointment(patient=patient)
        make_appointment(patient=patient, start=TOMORROW_NINE + timedelta(hours=3))
        body = at(wish(patient, nurse), "2026-03-06T16:00:00Z", "2026-03-06T16:30:00Z")

        response = program.send(
            "POST", "Appointment", body, If_None_Exist=f"patient=Patient/{patient.pk}"
        )

        assert issue(response) == (412, "conflict")
        assert Appointment.objects.count() == 2

    @pytest.mark.parametrize(
        "condition", ["", "identifier=", "shoe-size=44", "date=soon", "_count=1"]
    )
    def test_must_be_a_condition(
        self, program: Program, patient: Patient, nurse: Nurse, condition: str
    ) -> None:
        response = program.send(
            "POST", "Appointment", wish(patient, nurse), If_None_Exist=condition
        )

        assert response.status_code == 400
        assert not Appointment.objects.exists()

    def test_apart_a_name_is_given_once(
        self, program: Program, patient: Patient, nurse: Nurse
    ) -> None:
        program.send("POST", "Appointment", wish(patient, nurse, **named("77")))
        other = at(
            wish(make_patient(), nurse, **named("77")),
            "2026-03-06T16:00:00Z", "2026-03-06T16:30:00Z",
        )  # fmt: skip

        assert issue(program.send("POST", "Appointment", other)) == (409, "duplicate")
        assert Appointment.objects.count() == 1

    def test_finds_what_a_twin_booked_meanwhile(
        self, program: Program, patient: Patient, nurse: Nurse, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        body = wish(patient, nurse, **named("77"))
        first = program.send("POST", "Appointment", body)
        looks: Iterator[list[Any]] = iter([[]])
        real = rows.matching_visits
        monkeypatch.setattr(
            writes, "matching_visits", lambda *a, **k: next(looks, None) or real(*a, **k)
        )
        is_named = writes._is_named
        answers = iter([False])
        monkeypatch.setattr(writes, "_is_named", lambda name: next(answers, is_named(name)))
        twin = at(body, "2026-03-06T16:00:00Z", "2026-03-06T16:30:00Z")

        second = program.send("POST", "Appointment", twin, If_None_Exist=f"identifier={OURS}|77")

        assert (second.status_code, second.json()["id"]) == (200, first.json()["id"])


class TestAnIdempotencyKey:
    def test_gets_the_first_answer_again(
        self, program: Program, patient: Patient, nurse: Nurse
    ) -> None:
        first, second = (
            program.send("POST", "Appointment", wish(patient, nurse), Idempotency_Key="k1")
            for _ in range(2)
        )

        assert (first.status_code, second.status_code) == (201, 201)
        assert (first.json(), first["Location"], first["ETag"]) == (
            second.json(), second["Location"], second["ETag"],
        )  # fmt: skip
        assert second["Idempotency-Replayed"] == "true"
        assert Appointment.objects.count() == 1

    def test_belongs_to_one_request(self, program: Program, patient: Patient, nurse: Nurse) -> None:
        program.send("POST", "Appointment", wish(patient, nurse), Idempotency_Key="k1")

        other = program.send(
            "POST", "Appointment", wish(make_patient(), nurse), Idempotency_Key="k1"
        )
        wrong = program.send("POST", "Appointment", wish(patient, nurse), Idempotency_Key="k" * 256)

        assert issue(other) == (422, "business-rule")
        assert issue(wrong) == (400, "invalid")

    def test_does_not_keep_a_refusal(
        self, program: Program, patient: Patient, nurse: Nurse
    ) -> None:
        taken = make_appointment(nurse=nurse)
        refused = program.send("POST", "Appointment", wish(patient, nurse), Idempotency_Key="k1")
        services.cancel_appointment(
            appointment_id=taken.pk, source="dashboard", actor="user:1", now=NOW
        )

        again = program.send("POST", "Appointment", wish(patient, nurse), Idempotency_Key="k1")

        assert (refused.status_code, again.status_code) == (409, 201)
