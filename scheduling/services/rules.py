"""What every booking is held to: a start's form, the span that a visit blocks, and what a refusal is called."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from scheduling.exceptions import (
    InvalidTime,
    NotAvailable,
    SchedulingError,
    SlotTaken,
)
from scheduling.models import Nurse, Source, VisitType

PATIENT_SOURCES = frozenset({Source.VOICE, Source.KEYPAD, Source.SMS})
OVERRIDDEN = (
    "override_hours"  # the reason in the history of a visit that staff put outside the rules
)
TAKEN = {"taken", "buffer"}
WRONG_TIME = {
    "grid": "Visits do not begin at that minute.",
    "notice": "That time is too soon, or already past.",
    "horizon": "That time is too far ahead.",
}
NOT_AVAILABLE = {
    "no_hours": "The nurse does not work then.",
    "cap": "The nurse has no more visits left on that day.",
    "license": "The nurse's license does not cover that visit.",
    "specialization": "The nurse does not make visits of that kind.",
    "not_available": "The nurse is not available for this visit.",
}


@dataclass(frozen=True, slots=True)
class Span:
    """A visit, and the time around it that it blocks; UTC, half open."""

    start: datetime
    end: datetime
    blocked_from: datetime
    blocked_until: datetime


def whole_minute(start: datetime) -> datetime:
    """
    Return an aware start in UTC.

    Raises:
        InvalidTime: it has no offset, or is not a whole minute.
    """
    if start.tzinfo is None:
        raise InvalidTime("The time needs an offset.")
    if start.second or start.microsecond:
        raise InvalidTime("A visit begins at a whole minute.", reason="grid")
    return start.astimezone(UTC)


def span_of(*, start: datetime, visit_type: VisitType, nurse: Nurse) -> Span:
    """Return what a visit takes of a nurse's time, with the buffers that hold now."""
    end = start + timedelta(minutes=visit_type.length_minutes)
    return Span(
        start=start,
        end=end,
        blocked_from=start - timedelta(minutes=nurse.buffer_before_minutes),
        blocked_until=end + timedelta(minutes=nurse.buffer_after_minutes),
    )


def visit_type_with_code(code: str) -> VisitType:
    """
    Return the kind of visit in use.

    Raises:
        NotAvailable: there is none of that code.
    """
    visit_type = VisitType.objects.filter(code=code, active=True).first()
    if visit_type is None:
        raise NotAvailable("There is no such kind of visit.")
    return visit_type


def refuse_override(*, source: str, override_hours: bool) -> None:
    """
    Refuse that a patient's door skips rules (section 8).

    Raises:
        SchedulingError: it asks for that.
    """
    if override_hours and source in PATIENT_SOURCES:
        raise SchedulingError("Only the clinic's people can book outside the hours.")


def raise_for(reason: str) -> None:
    """
    Turn the engine's reason against a start into an exception; an empty reason is none.

    Raises:
        SlotTaken, InvalidTime, NotAvailable: as the reason says.
    """
    if reason:
        raise refusal(reason)


def refusal(reason: str) -> SchedulingError:
    """Return the exception that stands for one of the engine's reasons."""
    if reason in TAKEN:
        return SlotTaken("nurse")
    if reason == "patient_busy":
        return SlotTaken("patient")
    if reason in WRONG_TIME:
        return InvalidTime(WRONG_TIME[reason], reason=reason)
    return NotAvailable(NOT_AVAILABLE[reason], reason=reason)
