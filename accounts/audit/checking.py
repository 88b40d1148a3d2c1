"""Checks of the stored record: all of it, or its newest part."""

from collections.abc import Iterable

from accounts.audit import record
from accounts.audit.chain import Fault, Finding, Seal, What, check
from accounts.audit.heads import Head, stored_heads

WORDS = {
    What.CHANGED: "Event {seq} is not as it was when it was sealed.",
    What.MISSING: "Event {seq} is missing, or one just before it.",
    What.INSERTED: "Event {seq} was put in after those around it were sealed.",
    What.UNKNOWN_KEY: "Event {seq} is sealed with a key that AUDIT_KEYS does not hold.",
    What.CUT_OFF: "The record was cut off: nothing is left from event {seq} on, but a stored head knows more.",
    What.REPLACED: "The record up to event {seq} is not the one that a stored head was taken from.",
}


def check_record(*, heads: Iterable[Head] = ()) -> Finding:
    """Check the whole record, also against the heads that this installation stored, and against others."""
    first = record.seal_numbered(1)
    stored = stored_heads(first=first.hash if first else "")
    return _check_above(None, [head.seal for head in (*stored, *heads)])


def check_newest(*, count: int) -> Finding:
    """Check the newest sealed events, about `count` of them."""
    end = record.head()
    after = record.seal_numbered(end.number - count) if end and end.number > count else None
    return _check_above(after, ())


def in_words(fault: Fault) -> str:
    """Say what is wrong, for people."""
    return WORDS[fault.what].format(seq=fault.seq)


def _check_above(after: Seal | None, heads: Iterable[Seal]) -> Finding:
    end = record.head()  # read first: an event that is sealed is there, while new ones may come
    return check(
        record.events(above=after.seq if after else None),
        record.seals(above=after.number if after else 0, up_to=end.number if end else 0),
        keys=record.keys(),
        heads=heads,
        after=after,
    )
