"""The same booking sent at once by many: one visit, and every sender learns of it (scheduling reference, section 7)."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from scheduling.models import Appointment
from tests.factories import make_nurse, make_patient, make_visit_type
from tests.scheduling.fhir.program import Program

SENDERS = 8
OURS = "http://portal.example/bookings"


def body(patient_id: object, nurse_id: object, **more: object) -> dict[str, object]:
    return {
        "resourceType": "Appointment",
        "status": "booked",
        "start": "2026-03-06T14:00:00Z",
        "participant": [
            {"actor": {"reference": f"Patient/{patient_id}"}, "status": "accepted"},
            {"actor": {"reference": f"Practitioner/{nurse_id}"}, "status": "accepted"},
        ],
        **more,
    }


@pytest.mark.django_db(transaction=True)
class TestTwins:
    def test_with_one_condition_book_once(self) -> None:
        make_visit_type()
        patient, nurse = make_patient(), make_nurse()
        programs = [Program() for _ in range(SENDERS)]
        wish = body(patient.pk, nurse.pk, identifier=[{"system": OURS, "value": "77"}])

        def send(program: Program) -> tuple[int, str]:
            try:
                response = program.send(
                    "POST", "Appointment", wish, If_None_Exist=f"identifier={OURS}|77"
                )
                return response.status_code, response.json().get("id", "")
            finally:
                connections.close_all()

        with ThreadPoolExecutor(SENDERS) as pool:
            answers = list(pool.map(send, programs))

        assert sorted(status for status, _ in answers) == [200] * (SENDERS - 1) + [201]
        assert {row_id for _, row_id in answers} == {str(Appointment.objects.get().pk)}

    def test_of_one_name_at_different_nurses_book_once(self) -> None:
        make_visit_type()
        pairs = [(Program(), make_patient(), make_nurse()) for _ in range(SENDERS)]

        def send(pair: tuple[Program, object, object]) -> int:
            program, patient, nurse = pair
            wish = body(
                getattr(patient, "pk", ""), getattr(nurse, "pk", ""),
                identifier=[{"system": OURS, "value": "77"}],
            )  # fmt: skip
            try:
                return int(program.send("POST", "Appointment", wish).status_code)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(SENDERS) as pool:
            statuses = sorted(pool.map(send, pairs))

        assert statuses == [201] + [409] * (SENDERS - 1)
        assert Appointment.objects.count() == 1
