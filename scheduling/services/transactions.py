"""
How every write of visits and holds runs: locks in one order, a savepoint for each attempt, database errors named.

The order of locks is always nurses by id, then patients by id (scheduling reference, section 5). Two transactions that
keep to it cannot wait for each other in a ring, so one that does not keep to it is stopped at once, on every database.
"""

import random
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Literal, TypeVar
from uuid import UUID

from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import QuerySet

from scheduling.exceptions import Busy, NotFound, NurseUnknown, SlotTaken
from scheduling.models import Nurse, Patient

Result = TypeVar("Result")
Person = TypeVar("Person", Nurse, Patient)

ATTEMPTS = 5
PAUSE_S = 0.02
WHO: dict[str, Literal["nurse", "patient"]] = {
    "appointment_nurse_overlap": "nurse",
    "appointment_patient_overlap": "patient",
    "hold_nurse_overlap": "nurse",
}
DEADLOCK_STATES = {"40P01", "40001"}
Rank = tuple[int, UUID]
NURSES, PATIENTS = 0, 1


class ChangedMeanwhile(Exception):
    """Another writer was faster; the attempt starts over with what is stored now."""


class LockOrderViolated(RuntimeError):
    """A programming error: the transaction asks for a nurse or patient who comes before one that it has locked."""


@dataclass(frozen=True, slots=True)
class _Locks:
    """
    Who was locked in one step.

    It waits with what is to be done after the commit, where Django drops it exactly when the database gives the
    locks up: at the end of the transaction, and with the savepoint in which they were taken.
    """

    ranks: frozenset[Rank]

    def __call__(self) -> None:
        """Do nothing: the commit has given the locks up."""


def run_atomically(work: Callable[[], Result]) -> Result:
    """
    Run `work` in a transaction, or in a savepoint of the caller's, and again after a deadlock.

    Raises:
        SlotTaken: a constraint refused an overlap.
        Busy: the database was locked, or others were faster, several times in a row.
    """
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(random.uniform(PAUSE_S, PAUSE_S * 2**attempt))
        try:
            with transaction.atomic():
                return work()
        except IntegrityError as error:
            who = WHO.get(_constraint_name(error))
            if who is None:
                raise
            raise SlotTaken(who) from error
        except OperationalError as error:
            if not _may_be_tried_again(error):
                raise
        except ChangedMeanwhile:
            continue
    raise Busy


def _constraint_name(error: IntegrityError) -> str:
    diagnosis = getattr(
        error.__cause__, "diag", None
    )  # psycopg's; SQLite's text is the name itself
    return str(diagnosis.constraint_name) if diagnosis is not None else str(error)


def _may_be_tried_again(error: OperationalError) -> bool:
    state = getattr(error.__cause__, "sqlstate", None)
    return state in DEADLOCK_STATES or "database is locked" in str(error)


def lock_nurses(ids: Collection[UUID]) -> dict[UUID, Nurse]:
    """
    Lock nurses in the order of their ids; two callers who want one time meet here.

    Raises:
        NurseUnknown: an id is nobody's.
        LockOrderViolated: the transaction has locked a patient, or a nurse who comes later.
    """
    _keep_order(NURSES, ids)
    found = {nurse.pk: nurse for nurse in _locked(Nurse.objects.filter(pk__in=ids))}
    if len(found) != len(set(ids)):
        raise NurseUnknown("There is no such nurse.")
    return found


def lock_patients(ids: Collection[UUID]) -> dict[UUID, Patient]:
    """
    Lock patients in the order of their ids, after the nurses; those who do not exist are left out.

    Raises:
        LockOrderViolated: the transaction has locked a patient who comes later.
    """
    _keep_order(PATIENTS, ids)
    return {patient.pk: patient for patient in _locked(Patient.objects.filter(pk__in=ids))}


def lock_patient(patient_id: UUID) -> Patient:
    """
    Lock a patient, after the nurses.

    Raises:
        NotFound: there is no such patient.
        LockOrderViolated: as in `lock_patients`.
    """
    patient = lock_patients([patient_id]).get(patient_id)
    if patient is None:
        raise NotFound("There is no such patient.")
    return patient


def _locked(people: QuerySet[Person]) -> QuerySet[Person]:
    return people.select_for_update(no_key=True).order_by("id")


def _keep_order(kind: int, ids: Collection[UUID]) -> None:
    """
    Note who is about to be locked.

    Raises:
        LockOrderViolated: one of them, not locked yet, comes before somebody who is.
    """
    held = _held()
    wanted = frozenset((kind, one) for one in ids) - held
    if not wanted:
        return
    if held and min(wanted) < max(held):
        raise LockOrderViolated("Lock all nurses in one step by id, then all patients.")
    transaction.on_commit(_Locks(wanted))


def _held() -> frozenset[Rank]:
    """Return whom the present transaction has locked."""
    # Django marks the transaction that it puts around a test; what a test does in turn are transactions of their own.
    around = sum(getattr(block, "_from_testcase", False) for block in connection.atomic_blocks)
    waiting: list[Any] = (
        connection.run_on_commit
    )  # of savepoints, what to do, and whether it may fail
    begun = connection.savepoint_ids[around - 1 : around] if around else []
    return frozenset().union(
        *(
            note.ranks
            for savepoints, note, _ in waiting
            if isinstance(note, _Locks) and (not around or savepoints.intersection(begun))
        )
    )
