"""
Free time: the core of scheduling, without Django and without a clock.

An instant is an integer, whole minutes since 1970-01-01T00:00Z; a range is half open. Dates and zones appear at the
edges only (`zones`). `hours` turns weekly windows and their exceptions into free ranges, `engine` turns free ranges
into the starts of visits, `ranking` chooses among them, `recurrence` counts the dates of a series. The rules are those
of the scheduling reference, section 2.
"""

from scheduling.slots.engine import (
    OVERRIDABLE,
    Calendar,
    Request,
    Verdict,
    judge,
    load_by_week,
    reason_for_none,
    starts,
)
from scheduling.slots.hours import DateWindow, Hours, WeeklyWindow, free_ranges
from scheduling.slots.ranking import Candidate, by_care, by_start, rotation, spread_out
from scheduling.slots.recurrence import Occurrence, occurrences, resolve
from scheduling.slots.zones import edge_to_minute, local_date, to_instant, to_minute

__all__ = [
    "OVERRIDABLE",
    "Calendar",
    "Candidate",
    "DateWindow",
    "Hours",
    "Occurrence",
    "Request",
    "Verdict",
    "WeeklyWindow",
    "by_care",
    "by_start",
    "edge_to_minute",
    "free_ranges",
    "judge",
    "load_by_week",
    "local_date",
    "occurrences",
    "reason_for_none",
    "resolve",
    "rotation",
    "spread_out",
    "starts",
    "to_instant",
    "to_minute",
]
