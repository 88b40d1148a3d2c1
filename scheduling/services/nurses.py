"""Records of nurses: a change that would leave visits outside needs the token of what was seen (section 11)."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError

from scheduling.models import Nurse, Specialization
from scheduling.services.records import store_hours
from scheduling.services.transactions import lock_nurses, run_atomically

NO_SUCH_SPECIALIZATION = "There is no specialization with one of these ids."


def create_nurse(
    *,
    values: Mapping[str, Any],
    specializations: Collection[UUID] = (),
    source: str,
    actor: str,
    now: datetime,
) -> Nurse:
    """
    Store a new nurse with her or his specializations.

    Raises:
        ValidationError: a value is not right, or another nurse has the license.
        Busy: the database was too busy.
    """

    def work() -> Nurse:
        skills = _known(specializations)
        nurse = store_hours(Nurse(), values, source=source, actor=actor, now=now)
        nurse.specializations.set(skills)
        return nurse

    return run_atomically(work)


def change_nurse(
    *,
    nurse_id: UUID,
    values: Mapping[str, Any],
    specializations: Collection[UUID] | None = None,
    token: str = "",
    source: str,
    actor: str,
    now: datetime,
) -> Nurse:
    """
    Change a nurse's record; without `specializations` they stay.

    Raises:
        NurseUnknown: there is no such nurse.
        ValidationError: a value is not right, or another nurse has the license.
        Stale: it would leave visits or held times outside that `token` does not stand for.
        Busy: the database was too busy.
    """

    def work() -> Nurse:
        nurse = lock_nurses([nurse_id])[nurse_id]
        skills = None if specializations is None else _known(specializations)
        store_hours(nurse, values, token=token, source=source, actor=actor, now=now)
        if skills is not None:
            nurse.specializations.set(skills)
        return nurse

    return run_atomically(work)


def _known(ids: Collection[UUID]) -> list[Specialization]:
    """
    Return specializations by their ids.

    Raises:
        ValidationError: an id is none's.
    """
    found = list(Specialization.objects.filter(pk__in=ids).order_by("id"))
    if len(found) != len(set(ids)):
        raise ValidationError({"specializations": NO_SUCH_SPECIALIZATION})
    return found
