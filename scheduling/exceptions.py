"""Anticipated failures of scheduling, each with a stable `code` and a `detail` fit for people."""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal


class SchedulingError(Exception):
    """Something that the clinic's rules do not allow; nothing was stored."""

    code: ClassVar[str] = "scheduling_error"
    default_detail: ClassVar[str] = "That is not possible."

    def __init__(self, detail: str = "") -> None:
        self.detail = detail or self.default_detail
        super().__init__(self.detail)


class SlotTaken(SchedulingError):
    """Somebody else has the time; `who` is the one who is busy then, nurse or patient."""

    code = "slot_taken"
    default_detail = "That time is taken."

    def __init__(self, who: Literal["nurse", "patient"] = "nurse") -> None:
        self.who = who
        super().__init__(
            "The patient already has a visit then." if who == "patient" else self.default_detail
        )


class SlotExpired(SchedulingError):
    code = "slot_expired"
    default_detail = "That time is no longer kept for you."


class InvalidTime(SchedulingError):
    """The start cannot be a start; `reason` is grid, notice, horizon, or empty."""

    code = "invalid_time"
    default_detail = "A visit cannot begin then."

    def __init__(self, detail: str = "", *, reason: str = "") -> None:
        self.reason = reason
        super().__init__(detail)


class TimeDoesNotExist(SchedulingError):
    """A person wrote a local time that lies in the hour which the clocks skip."""

    code = "time_does_not_exist"
    default_detail = "The clocks skip that time on that day."


class NotAvailable(SchedulingError):
    """The nurse cannot make this visit; `reason` is no_hours, cap, license, specialization, not_available."""

    code = "not_available"
    default_detail = "The nurse is not available for this visit."

    def __init__(self, detail: str = "", *, reason: str = "not_available") -> None:
        self.reason = reason
        super().__init__(detail)


class NurseUnknown(SchedulingError):
    code = "nurse_unknown"
    default_detail = "No single nurse has that name."


class TooLate(SchedulingError):
    code = "too_late"
    default_detail = "It is too late for that."


class TooEarly(SchedulingError):
    code = "too_early"
    default_detail = "It is too early for that."


class InvalidTransition(SchedulingError):
    code = "invalid_transition"
    default_detail = "The visit's status does not allow that."


class NotReachable(SchedulingError):
    code = "not_reachable"
    default_detail = "There is no way of writing that the patient has agreed to."


class LimitReached(SchedulingError):
    code = "limit_reached"
    default_detail = "There are too many already."


class Stale(SchedulingError):
    """What was shown before is not what would happen now; `preview` is what would."""

    code = "stale"
    default_detail = "Things have changed since. Please look again."

    def __init__(self, detail: str = "", *, preview: Any = None) -> None:
        self.preview = preview
        super().__init__(detail)


class SeriesConflict(SchedulingError):
    """Visits of a series cannot be as asked; `members` tells which, why, and what is near."""

    code = "series_conflict"
    default_detail = "Not all visits of the series are possible."

    def __init__(self, detail: str = "", *, members: Sequence[Any] = ()) -> None:
        self.members = tuple(members)
        super().__init__(detail)


class NotFound(SchedulingError):
    code = "not_found"
    default_detail = "There is no such record."


class UnderHold(SchedulingError):
    code = "under_hold"
    default_detail = "A legal hold rests on these records. Nothing of them is deleted."


class StillActive(SchedulingError):
    """Something is still to happen with the record; `detail` says what."""

    code = "still_active"
    default_detail = "The patient has visits ahead. Cancel them first."


class InUse(SchedulingError):
    """Other records name it, so it cannot go."""

    code = "in_use"
    default_detail = "Other records need this one. Change them first."


class AlreadyAssigned(SchedulingError):
    code = "already_assigned"
    default_detail = "There is an assignment of this nurse to this patient. Change it instead."


class Busy(SchedulingError):
    """The database was too busy, several times in a row; trying again later may work."""

    code = "busy"
    default_detail = "The system is busy. Please try again."


class InvalidWebhookUrl(SchedulingError):
    """Events cannot be sent to that address; `detail` says why and repeats nothing of it."""

    code = "invalid_url"
    default_detail = "Events cannot be sent to that address."


class UnknownEvent(SchedulingError):
    code = "unknown_event"
    default_detail = "There is no such type of event."


class EndpointInactive(SchedulingError):
    code = "endpoint_inactive"
    default_detail = "The endpoint is switched off. Switch it on first."


class DatabaseNotEmpty(SchedulingError):
    code = "database_not_empty"
    default_detail = "The database holds records that are not sample data."
