"""Reads of calls."""

from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from voice.models import CallLog

LONGER_THAN_ANY_CALL = timedelta(days=1)


def calls_on_a_line(*, now: datetime, alive_since: datetime) -> QuerySet[CallLog]:
    """
    Return the calls that take one of our lines, in no order: those held, and those let in whose stream is to come.

    A held call that gave no sign of life since `alive_since` has lost its line, and a call whose token ran out unused
    never gets there; so none of them keeps a line for ever.
    """
    expected = Q(stream_token_used_at=None, stream_token_expires_at__gt=now)
    recent = CallLog.objects.filter(created_at__gt=now - LONGER_THAN_ANY_CALL)  # has an index
    return recent.filter(expected | Q(heartbeat_at__gt=alive_since), ended_at=None)


def intent_after_stream(*, call_sid: str) -> tuple[str, str]:
    """Return the stored intent and the language of a call; no intent for one that is not known."""
    row = CallLog.objects.filter(call_sid=call_sid).values_list("intent", "language").first()
    return row or ("", "en")
