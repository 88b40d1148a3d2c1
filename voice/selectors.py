"""Reads of calls."""

from voice.models import CallLog


def intent_after_stream(*, call_sid: str) -> tuple[str, str]:
    """Return the stored intent and the language of a call; no intent for one that is not known."""
    row = CallLog.objects.filter(call_sid=call_sid).values_list("intent", "language").first()
    return row or ("", "en")
