"""The calls that this process is holding, for its capacity and for a shutdown that cuts nobody off (R13)."""

from uuid import UUID

from django.conf import settings

_calls: set[UUID] = set()
_draining = False


def begin(call_id: UUID) -> None:
    """Count a call in."""
    _calls.add(call_id)


def end(call_id: UUID) -> None:
    """Count a call out; more than once does no harm."""
    _calls.discard(call_id)


def running() -> int:
    """Return how many calls this process is holding."""
    return len(_calls)


def has_room() -> bool:
    """Tell whether a new call may be answered by the assistant here."""
    return not _draining and len(_calls) < settings.MAX_CONCURRENT_CALLS


def drain() -> None:
    """Take no new calls from now on."""
    global _draining
    _draining = True
