"""The same request twice has one effect and one answer (scheduling reference, section 7; case 26)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from accounts.exceptions import IdempotencyKeyReused, InvalidIdempotencyKey
from accounts.models import IdempotencyKey
from accounts.repeats import Answered, answer_once, forget_answers
from scheduling.exceptions import SlotTaken
from scheduling.models import Appointment, Nurse, Patient
from scheduling.services import book_appointment, cancel_appointment
from scheduling.services.transactions import run_atomically
from tests.factories import (
    NOW,
    TOMORROW_NINE,
    make_appointment,
    make_nurse,
    make_patient,
    make_visit_type,
)

BODY = {"nurse": "n", "start": "2026-03-06T09:00:00-05:00"}
TWINS = 20


def booking(patient: Patient, nurse: Nurse) -> Callable[[], dict[str, Any]]:
    def work() -> dict[str, Any]:
        appointment = book_appointment(
            patient_id=patient.pk,
            nurse_id=nurse.pk,
            start=TOMORROW_NINE,
            visit_type="routine",
            source="api",
            actor="key:1",
            now=NOW,
        )
        return {"status": 201, "id": str(appointment.pk)}

    return work


def ask(work: Callable[[], Any], *, key: str = "k1", body: Any = BODY, **more: Any) -> Answered:
    given: dict[str, Any] = {"now": NOW, "run": run_atomically} | more
    return answer_once(scope="key:1 POST", key=key, body=body, work=work, **given)


@pytest.mark.django_db
class TestAnswerOnce:
    def test_gives_the_first_answer_again(self) -> None:
        make_visit_type()
        work = booking(make_patient(), make_nurse())

        first, again = ask(work), ask(work)

        assert (first.replayed, again.replayed) == (False, True)
        assert first.answer == again.answer
        assert Appointment.objects.count() == 1

    def test_takes_the_same_body_in_another_order_for_the_same(self) -> None:
        ask(lambda: {"n": 1}, body={"a": 1, "b": 2})

        assert ask(lambda: {"n": 2}, body={"b": 2, "a": 1}).answer == {"n": 1}

    def test_refuses_the_key_for_another_body(self) -> None:
        ask(lambda: {"n": 1})

        with pytest.raises(IdempotencyKeyReused):
            ask(lambda: {"n": 2}, body={"start": "later"})

    def test_lets_another_owner_use_the_same_key(self) -> None:
        ask(lambda: {"n": 1})
        other = answer_once(scope="key:2 POST", key="k1", body=BODY, now=NOW, work=lambda: {"n": 2})

        assert other.answer == {"n": 2}

    def test_lets_a_refused_request_succeed_later_under_the_same_key(self) -> None:
        make_visit_type()
        patient, nurse = make_patient(), make_nurse()
        blocking = make_appointment(nurse=nurse, start=TOMORROW_NINE)
        with pytest.raises(SlotTaken):
            ask(booking(patient, nurse))
        cancel_appointment(appointment_id=blocking.pk, source="dashboard", actor="user:1", now=NOW)

        assert not ask(booking(patient, nurse)).replayed

    def test_lets_a_new_key_book_the_time_of_a_cancelled_visit(self) -> None:
        make_visit_type()
        patient, nurse = make_patient(), make_nurse()
        first = ask(booking(patient, nurse))
        cancel_appointment(
            appointment_id=first.answer["id"], source="dashboard", actor="user:1", now=NOW
        )

        second = ask(booking(patient, nurse), key="k2")

        assert second.answer["id"] != first.answer["id"]

    def test_forgets_a_key_after_a_day(self) -> None:
        ask(lambda: {"n": 1})
        later = NOW + timedelta(hours=24)

        assert ask(lambda: {"n": 2}, body={"other": 1}, now=later).answer == {"n": 2}
        assert forget_answers(now=later + timedelta(hours=24)) == 1
        assert not IdempotencyKey.objects.exists()

    @pytest.mark.parametrize("key", ["", "k" * 256, "two\nlines", "schlüssel"])
    def test_refuses_a_key_that_is_none(self, key: str) -> None:
        with pytest.raises(InvalidIdempotencyKey):
            ask(lambda: {"n": 1}, key=key)


@pytest.mark.django_db(transaction=True)
def test_twenty_twins_at_once_book_one_visit_and_get_one_answer() -> None:
    make_visit_type()
    work = booking(make_patient(), make_nurse())

    def twin(_: int) -> Answered:
        try:
            return ask(work)
        finally:
            connection.close()

    with ThreadPoolExecutor(TWINS) as pool:
        answers = list(pool.map(twin, range(TWINS)))

    assert Appointment.objects.count() == 1
    assert {answered.answer["id"] for answered in answers} == {str(Appointment.objects.get().pk)}
    assert sum(not answered.replayed for answered in answers) == 1
