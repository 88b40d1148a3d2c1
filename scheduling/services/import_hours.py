"""
Nurses' weekly hours from a file, and how an import changes hours at all: through `hours.py`, as the admin does.

A row is about the stored window of the same nurse, kind, weekday, start and first day; no window is ever deleted.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from scheduling.exceptions import Stale
from scheduling.exchange.csv_columns import Row
from scheduling.exchange.csv_text import FileRefused, Problem
from scheduling.models import Availability, Nurse
from scheduling.services.hours import HoursPreview, preview_hours, save_hours
from scheduling.services.import_plans import Occasion, Plan, Repeated, batches, filled
from scheduling.services.transactions import lock_nurses

License = tuple[str, str]
Window = tuple[Any, ...]

NURSES_AT_ONCE = 50
IDENTITY = ("kind", "weekday", "start", "valid_from")
NO_SUCH_NURSE = "No nurse has this license."
OUTSIDE = (
    "This would leave booked visits outside the nurse's hours or license, or a time that is kept for somebody now. "
    "Change it on the nurse's page, which shows them."
)


def license_of(nurse: Nurse) -> License:
    """Return what names a nurse in files."""
    return nurse.license_state.upper(), nurse.license_number


def stored_nurses(licenses: Collection[License], *, lock: bool = False) -> dict[License, Nurse]:
    """Return the nurses with these licenses; with `lock` they are locked, in the order of their ids."""
    numbers = {number for _, number in licenses}
    wanted = Nurse.objects.filter(license_number__in=numbers).order_by("id")
    nurses: Iterable[Nurse] = wanted
    if lock:
        nurses = lock_nurses(list(wanted.values_list("pk", flat=True))).values()
    return {license_of(nurse): nurse for nurse in nurses if license_of(nurse) in licenses}


def plan_availability(
    rows: Iterable[Row], licenses: Collection[License], occasion: Occasion
) -> Plan:
    """Judge the rows of a file of weekly hours; those that are stored just so are taken out first."""
    nurses = stored_nurses(licenses, lock=occasion.for_good)
    stored = _windows_of(nurses.values())
    plan, repeated = Plan(), Repeated()
    rest: list[tuple[Row, Availability, dict[str, Any]]] = []
    for row in rows:
        values = dict(row.values)
        nurse = nurses.get((str(values.pop("license_state")), str(values.pop("license_number"))))
        if nurse is None:
            plan.refuse(row.number, "license_number", "not_found", NO_SUCH_NURSE)
            continue
        window = Availability(nurse=nurse, **values)
        if window.valid_from and window.valid_until and window.valid_until < window.valid_from:
            detail = "The last day is before the first."
            plan.refuse(row.number, "valid_until", "bad_value", detail)
            continue
        same = stored.get(_identity(window), [])
        exact = [one for one in same if all(getattr(one, n) == v for n, v in values.items())]
        if exact:
            same.remove(exact[0])
            plan.unchanged += 1
        else:
            rest.append((row, window, values))
    changed: list[Availability] = []
    row_of: dict[UUID, int] = {}
    for row, window, values in rest:
        same = stored.get(_identity(window), [])
        earlier = repeated.before(_identity(window), row.number)
        if earlier or len(same) > 1:
            detail = (
                f"Row {earlier} is about the same window."
                if earlier
                else "Several stored windows begin then; change them on the nurse's page."
            )
            plan.refuse(row.number, "start", "repeated", detail)
            continue
        if same:
            window = same[0]
            filled(window, values)
            plan.changed += 1
        else:
            plan.new += 1
        changed.append(window)
        row_of.setdefault(window.nurse_id, row.number)
    plan.write = lambda: save_as_hours(changed, row_of, occasion)
    if not occasion.for_good and not plan.problems:
        plan.problems += outside_hours(changed, row_of, occasion)
    return plan


def outside_hours(
    rows: Sequence[Availability | Nurse], row_of: Mapping[UUID, int], occasion: Occasion
) -> list[Problem]:
    """Return a problem for each nurse of whom a change of hours would leave something outside; nothing is stored."""
    problems: list[Problem] = []
    for batch in _by_nurses(rows):
        problems += _problems_of(preview_hours(rows=batch, now=occasion.now), row_of)
    return problems


def save_as_hours(
    rows: Sequence[Availability | Nurse], row_of: Mapping[UUID, int], occasion: Occasion
) -> None:
    """
    Save what says when nurses work.

    Raises:
        FileRefused: it would leave visits or held times outside.
    """
    for batch in _by_nurses(rows):
        try:
            save_hours(rows=batch, source=occasion.source, actor=occasion.actor, now=occasion.now)
        except Stale as error:
            raise FileRefused(_problems_of(error.preview, row_of)) from error


def _problems_of(preview: HoursPreview, row_of: Mapping[UUID, int]) -> list[Problem]:
    concerned = {one.nurse_id for one in preview.orphaned}
    concerned |= {hold.nurse_id for hold in preview.lost_holds}
    rows = sorted(row_of[nurse_id] for nurse_id in concerned)
    return [Problem(row, "", "visits_outside", OUTSIDE) for row in rows]


def _by_nurses(
    rows: Sequence[Availability | Nurse],
) -> Iterable[list[Availability | Nurse]]:
    """Yield the rows of a few nurses at a time, in the order of their ids."""
    of_nurse: dict[UUID, list[Availability | Nurse]] = {}
    for row in rows:
        nurse_id = row.nurse_id if isinstance(row, Availability) else row.pk
        of_nurse.setdefault(nurse_id, []).append(row)
    for some in batches(sorted(of_nurse), NURSES_AT_ONCE):
        yield [row for nurse_id in some for row in of_nurse[nurse_id]]


def _windows_of(nurses: Iterable[Nurse]) -> dict[Window, list[Availability]]:
    windows: dict[Window, list[Availability]] = {}
    ids = [nurse.pk for nurse in nurses]
    for window in Availability.objects.filter(nurse__in=ids).order_by("id"):
        windows.setdefault(_identity(window), []).append(window)
    return windows


def _identity(window: Availability) -> Window:
    return (window.nurse_id, *(getattr(window, name) for name in IDENTITY))
