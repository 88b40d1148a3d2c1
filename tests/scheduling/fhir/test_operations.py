"""`$find`, `$hold` and `$book`, as in IHE's profile Scheduling."""

from typing import Any
from uuid import uuid4

import pytest

from accounts.models import AuditEvent
from scheduling.models import Appointment, Nurse, Patient, SlotHold
from tests.factories import make_appointment, make_nurse, make_patient, make_visit_type
from tests.scheduling.fhir.program import Program, issue, matches

pytestmark = pytest.mark.django_db
FRIDAY: list[dict[str, Any]] = [
    {"name": "start", "valueDateTime": "2026-03-06"},
    {"name": "end", "valueDateTime": "2026-03-07"},
]


def parameters(*given: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": list(given)}


def reference(name: str, kind: str, row_id: object) -> dict[str, Any]:
    return {"name": name, "valueReference": {"reference": f"{kind}/{row_id}"}}


@pytest.fixture
def patient(db: None) -> Patient:
    make_visit_type()
    return make_patient()


@pytest.fixture
def nurse(db: None) -> Nurse:
    return make_nurse()


def proposals(program: Program, *more: dict[str, Any]) -> list[dict[str, Any]]:
    response = program.send("POST", "Appointment/$find", parameters(*FRIDAY, *more))
    assert response.status_code == 200, response.content
    return matches(response.json())


def one(response: Any) -> dict[str, Any]:
    assert response.status_code == 200, response.content
    (resource,) = matches(response.json())
    return resource


class TestFindHoldBook:
    def test_lead_from_a_proposal_to_a_visit(
        self, program: Program, patient: Patient, nurse: Nurse
    ) -> None:
        proposal = proposals(program, reference("practitioner", "Practitioner", nurse.pk))[2]
        assert (proposal["status"], proposal["start"]) == ("proposed", "2026-03-06T15:00:00Z")

        held = one(
            program.send(
                "POST", "Appointment/$hold",
                parameters(reference("appointment-reference", "Appointment", proposal["id"])),
            )
        )  # fmt: skip
        assert (held["status"], held["start"]) == ("pending", proposal["start"])
        assert program.get(f"Slot/{proposal['id']}").json()["status"] == "busy-tentative"

        response = program.send(
            "POST", "Appointment/$book",
            parameters(
                reference("appointment-reference", "Appointment", held["id"]),
                reference("patient-reference", "Patient", patient.pk),
            ),
        )  # fmt: skip
        visit = one(response)
        assert (visit["status"], visit["start"]) == ("booked", proposal["start"])
        assert program.get(response["Location"]).json() == visit
        assert SlotHold.objects.get().state == "used"
        assert (
            AuditEvent.objects.filter(action__in=["slothold.added", "appointment.added"]).count()
            == 2
        )


class TestFind:
    def test_answers_the_address_too(
        self, program: Program, patient: Patient, nurse: Nurse
    ) -> None:
        make_nurse()
        bundle = program.get(
            f"Appointment/$find?start=2026-03-06&end=2026-03-07&practitioner={nurse.pk}"
            "&visit-type=routine&_count=3"
        ).json()

        assert (len(matches(bundle)), bundle["total"]) == (3, 16)

    def test_finds_the_times_of_any_nurse_named(self, program: Program, patient: Patient) -> None:
        both = [make_nurse(), make_nurse()]
        make_nurse()

        found = proposals(
            program, *(reference("practitioner", "Practitioner", one.pk) for one in both)
        )

        assert len(found) == 32

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (parameters(FRIDAY[0]), "required"),
            (parameters(*FRIDAY, {"name": "location-string", "valueString": "Here"}), "not-supported"),
            (parameters(*FRIDAY, {"name": "visit-type"}), "value"),
            (parameters(*FRIDAY, {"name": "visit-type", "valueString": "\ud800"}), "structure"),
            ({"resourceType": "Patient"}, "structure"),
            ([], "structure"),
            ({"resourceType": "Parameters", "parameter": [{}]}, "structure"),
        ],
    )  # fmt: skip
    def test_refuses(self, program: Program, body: Any, code: str) -> None:
        assert issue(program.send("POST", "Appointment/$find", body)) == (400, code)


class TestHold:
    def test_keeps_the_time_from_others(
        self, program: Program, patient: Patient, nurse: Nurse
    ) -> None:
        asked = parameters(
            reference("appointment-reference", "Appointment", proposals(program)[0]["id"])
        )
        one(program.send("POST", "Appointment/$hold", asked))

        other = Program().send("POST", "Appointment/$hold", asked)

        assert issue(other) == (409, "conflict")

    def test_of_another_key_is_no_time_to_book(
        self, program: Program, patient: Patient, nurse: Nurse
    ) -> None:
        asked = reference("appointment-reference", "Appointment", proposals(program)[0]["id"])
        held = one(program.send("POST", "Appointment/$hold", parameters(asked)))

        response = Program().send(
            "POST", "Appointment/$book",
            parameters(
                reference("appointment-reference", "Appointment", held["id"]),
                reference("patient-reference", "Patient", patient.pk),
            ),
        )  # fmt: skip

        assert issue(response) == (422, "not-found")

    @pytest.mark.parametrize(
        ("given", "answer"),
        [
            ([], (400, "required")),
            ([reference("appointment-reference", "Appointment", uuid4())], (422, "not-found")),
            ([reference("appointment-reference", "Slot", "x")], (422, "not-found")),
            ([reference("appointment-reference", "Appointment", "???")], (400, "value")),
        ],
    )
    def test_refuses(self, program: Program, given: Any, answer: tuple[int, str]) -> None:
        assert issue(program.send("POST", "Appointment/$hold", parameters(*given))) == answer


class TestBook:
    def test_takes_a_whole_appointment(
        self, program: Program, patient: Patient, nurse: Nurse
    ) -> None:
        proposal = proposals(program)[0]
        proposal["participant"].append(
            {"actor": {"reference": f"Patient/{patient.pk}"}, "status": "accepted"}
        )

        booked = one(
            program.send(
                "POST", "Appointment/$book",
                parameters({"name": "appointment-resource", "resource": proposal}),
            )
        )  # fmt: skip

        assert (booked["status"], booked["start"]) == ("booked", proposal["start"])
        assert Appointment.objects.get().patient == patient

    def test_needs_a_patient_and_a_free_time(
        self, program: Program, patient: Patient, nurse: Nurse
    ) -> None:
        asked = reference("appointment-reference", "Appointment", proposals(program)[0]["id"])
        whole = parameters(asked, reference("patient-reference", "Patient", patient.pk))

        assert issue(program.send("POST", "Appointment/$book", parameters(asked))) == (
            400, "required",
        )  # fmt: skip
        make_appointment(nurse=nurse)
        assert issue(program.send("POST", "Appointment/$book", whole)) == (409, "conflict")

    def test_is_for_keys_that_write(self, patient: Patient, nurse: Nurse) -> None:
        reader = Program(scopes=("fhir:read",))

        for name in ("$hold", "$book"):
            assert issue(reader.send("POST", f"Appointment/{name}", parameters())) == (
                403, "forbidden",
            )  # fmt: skip
        assert proposals(reader)
