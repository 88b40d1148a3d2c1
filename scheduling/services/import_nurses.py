"""Nurses from a file: known by the state and number of their license."""

from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from scheduling.exchange.csv_columns import Row
from scheduling.models import Nurse, Specialization
from scheduling.services.import_hours import License, outside_hours, save_as_hours, stored_nurses
from scheduling.services.import_plans import (
    Occasion,
    Plan,
    Repeated,
    batches,
    check_fields,
    filled,
)

BATCH = 500
NO_SUCH_SKILL = "There is no specialization with one of these codes."


def plan_nurses(rows: Iterable[Row], licenses: Collection[License], occasion: Occasion) -> Plan:
    """Judge the rows of a file of nurses."""
    stored = stored_nurses(licenses, lock=occasion.for_good)
    skills = {skill.code: skill.pk for skill in Specialization.objects.all()}
    has = _skills_of([nurse.pk for nurse in stored.values()])
    plan, repeated = Plan(), Repeated()
    new: list[Nurse] = []
    changed: dict[UUID, tuple[Nurse, int]] = {}
    trained: dict[UUID, set[UUID]] = {}
    for row in rows:
        values = dict(row.values)
        key = (str(values["license_state"]), str(values["license_number"]))
        earlier = repeated.before(key, row.number)
        if earlier:
            detail = f"Row {earlier} is about the same nurse."
            plan.refuse(row.number, "license_number", "repeated", detail)
            continue
        codes = values.pop("specializations", None)
        if codes is not None and not set(codes) <= skills.keys():
            plan.refuse(row.number, "specializations", "not_found", NO_SUCH_SKILL)
            continue
        nurse = stored.get(key) or Nurse()
        names = filled(nurse, values)
        check_fields(nurse, row, plan, names=names)
        wanted = None if codes is None else {skills[code] for code in codes}
        if wanted is not None and wanted != has.get(nurse.pk, set()):
            trained[nurse.pk] = wanted
        if nurse._state.adding:
            new.append(nurse)
        elif names:
            changed[nurse.pk] = (nurse, row.number)
        elif nurse.pk not in trained:
            plan.unchanged += 1
    plan.new = len(new)
    plan.changed = len(changed.keys() | (trained.keys() - {nurse.pk for nurse in new}))
    hours = [nurse for nurse, _ in changed.values()]
    row_of = {nurse_id: number for nurse_id, (_, number) in changed.items()}

    def write() -> None:
        for batch in batches(new, BATCH):
            Nurse.objects.bulk_create(batch)
        save_as_hours(hours, row_of, occasion)
        _train(trained)

    plan.write = write
    if not occasion.for_good and not plan.problems:
        plan.problems += outside_hours(hours, row_of, occasion)
    return plan


def _skills_of(nurse_ids: Collection[UUID]) -> dict[UUID, set[UUID]]:
    pairs = Nurse.specializations.through.objects.filter(nurse_id__in=nurse_ids)
    skills: dict[UUID, set[UUID]] = {}
    for nurse_id, skill_id in pairs.values_list("nurse_id", "specialization_id"):
        skills.setdefault(nurse_id, set()).add(skill_id)
    return skills


def _train(trained: Mapping[UUID, set[UUID]]) -> None:
    """Give nurses exactly these specializations."""
    pairs = Nurse.specializations.through
    pairs.objects.filter(nurse_id__in=list(trained)).delete()
    pairs.objects.bulk_create(
        [
            pairs(nurse_id=nurse_id, specialization_id=skill_id)
            for nurse_id, skills in trained.items()
            for skill_id in sorted(skills)
        ],
        batch_size=BATCH,
    )
