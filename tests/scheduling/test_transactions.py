"""Locks are taken in one order: nurses by id, then patients by id; another order is a fault of the program."""

import uuid

import pytest
from django.db import transaction

from scheduling.exceptions import NotFound
from scheduling.models import Nurse, Patient
from scheduling.services.transactions import (
    LockOrderViolated,
    lock_nurses,
    lock_patient,
    lock_patients,
    run_atomically,
)
from tests.factories import make_nurse, make_patient

pytestmark = pytest.mark.django_db


@pytest.fixture
def nurses() -> list[Nurse]:
    return sorted((make_nurse() for _ in range(3)), key=lambda nurse: nurse.pk)


@pytest.fixture
def patients() -> list[Patient]:
    return sorted((make_patient() for _ in range(2)), key=lambda patient: patient.pk)


class TestATransaction:
    def test_may_lock_upwards_and_again_what_it_has(
        self, nurses: list[Nurse], patients: list[Patient]
    ) -> None:
        with transaction.atomic():
            lock_nurses([nurses[0].pk])
            lock_nurses([nurses[2].pk, nurses[0].pk])
            lock_patients([patients[1].pk, patients[0].pk])
            lock_patient(patients[0].pk)
            lock_nurses([nurses[0].pk])

    def test_may_not_lock_a_nurse_who_comes_before(self, nurses: list[Nurse]) -> None:
        with transaction.atomic():
            run_atomically(lambda: lock_nurses([nurses[1].pk]))
            with pytest.raises(LockOrderViolated):
                run_atomically(lambda: lock_nurses([nurses[0].pk]))

    def test_may_not_lock_a_nurse_after_a_patient(
        self, nurses: list[Nurse], patients: list[Patient]
    ) -> None:
        with transaction.atomic():
            lock_patient(patients[0].pk)
            with pytest.raises(LockOrderViolated):
                lock_nurses([nurses[0].pk])

    def test_may_not_lock_a_patient_who_comes_before(self, patients: list[Patient]) -> None:
        with transaction.atomic():
            lock_patient(patients[1].pk)
            with pytest.raises(LockOrderViolated):
                lock_patient(patients[0].pk)

    def test_forgets_what_it_gave_back_with_a_savepoint(self, nurses: list[Nurse]) -> None:
        with transaction.atomic():
            with pytest.raises(NotFound):
                run_atomically(lambda: (lock_nurses([nurses[2].pk]), lock_patient(uuid.uuid4())))
            lock_nurses([nurses[0].pk])

    def test_begins_anew_after_another(self, nurses: list[Nurse]) -> None:
        run_atomically(lambda: lock_nurses([nurses[2].pk]))
        run_atomically(lambda: lock_nurses([nurses[0].pk]))


@pytest.mark.django_db(transaction=True)
class TestATransactionOutsideOfATest(TestATransaction):
    """The same without the transaction that is put around other tests."""
