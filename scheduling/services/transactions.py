"""
How every write of visits and holds runs: locks in one order, a savepoint for each attempt, database errors named.

The order of locks is always nurses by id, then patients by id (scheduling reference, section 5).
"""

import random
import time
from collections.abc import Callable, Collection
from typing import Literal, TypeVar
from uuid import UUID

from django.db import IntegrityError, OperationalError, transaction

from scheduling.exceptions import Busy, NotFound, NurseUnknown, SlotTaken
from scheduling.models import Nurse, Patient

Result = TypeVar("Result")

ATTEMPTS = 5
PAUSE_S = 0.02
WHO: dict[str, Literal["nurse", "patient"]] = {
    "appointment_nurse_overlap": "nurse",
    "appointment_patient_overlap": "patient",
    "hold_nurse_overlap": "nurse",
}
DEADLOCK_STATES = {"40P01", "40001"}


class ChangedMeanwhile(Exception):
    """Another writer was faster; the attempt starts over with what is stored now."""


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
    """
    rows = Nurse.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("id")
    found = {nurse.pk: nurse for nurse in rows}
    if len(found) != len(set(ids)):
        raise NurseUnknown("There is no such nurse.")
    return found


def lock_patient(patient_id: UUID) -> Patient:
    """
    Lock a patient, after the nurses.

    Raises:
        NotFound: there is no such patient.
    """
    patient = Patient.objects.select_for_update(no_key=True).filter(pk=patient_id).first()
    if patient is None:
        raise NotFound("There is no such patient.")
    return patient
