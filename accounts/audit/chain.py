"""
The chain of the audit record: each event is sealed with a keyed hash over the one before and itself.

Sans-IO: events and seals go in, a seal or a finding comes out. Events carry a rising `seq` that may have gaps, since
a transaction that is rolled back uses numbers up. Seals are numbered without gaps, in the order of `seq`, and their
number is part of what is hashed. Whoever lacks the key can therefore neither change, add, remove nor swap sealed
events unseen. What was cut off the end is found by a head that was stored elsewhere (security reference, S49).
"""

import hmac
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple

START = "00" * 32
"""What stands in for the hash before the first one."""

Event = Mapping[str, Any]
"""The fields of one event by name, `seq` among them; values that JSON knows, and aware instants."""

Keys = Mapping[str, bytes]
"""Keys by their id; the first one signs, all verify."""


class Seal(NamedTuple):
    """The seal of one event; `hash` is HMAC-SHA256 in hexadecimal."""

    number: int
    seq: int
    key_id: str
    hash: str


class What(StrEnum):
    """What is wrong at a place of the record."""

    CHANGED = "changed"
    MISSING = "missing"
    INSERTED = "inserted"
    UNKNOWN_KEY = "unknown_key"
    CUT_OFF = "cut_off"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class Fault:
    """The first place where the record is not what was sealed."""

    seq: int
    what: What


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check came to: the events under a seal, those that still wait for one, the last seal, the first fault."""

    sealed: int
    waiting: int
    head: Seal | None
    fault: Fault | None = None


def canonical(event: Event) -> bytes:
    """Return the one spelling of an event: JSON with sorted names, instants in UTC to the microsecond."""
    return json.dumps(
        event, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_spelled
    ).encode()


def next_seal(event: Event, *, previous: Seal | None, keys: Keys) -> Seal:
    """Return the seal of the event that follows `previous`, made with the first key."""
    key_id, key = next(iter(keys.items()))
    number = previous.number + 1 if previous else 1
    return Seal(
        number, event["seq"], key_id, _hash(event, previous, number=number, key_id=key_id, key=key)
    )


def check(
    events: Iterable[Event],
    seals: Iterable[Seal],
    *,
    keys: Keys,
    heads: Iterable[Seal] = (),
    after: Seal | None = None,
) -> Finding:
    """
    Compare events with seals, both in rising order, and the seals with heads that were stored elsewhere.

    It ends at the first fault. Events above the last seal wait for theirs and are no fault. With `after` only what
    follows that seal is given and checked.
    """
    known = {head.number: head for head in heads}
    rows = _Rows(events)
    last = after
    count = 0
    for seal in seals:
        fault = _fault(rows, seal, last, keys, known)
        if fault:
            return Finding(count, 0, last, fault)
        last = seal
        count += 1
    end = last.number if last else 0
    if any(number > end for number in known):
        return Finding(count, 0, last, Fault(last.seq + 1 if last else 1, What.CUT_OFF))
    return Finding(count, rows.count_rest(), last)


class _Rows:
    """Events in rising order, of which the next one can be looked at."""

    def __init__(self, events: Iterable[Event]) -> None:
        self._rest: Iterator[Event] = iter(events)
        self.next: Event | None = next(self._rest, None)

    def take(self) -> None:
        """Go on to the next event."""
        self.next = next(self._rest, None)

    def count_rest(self) -> int:
        """Return how many events are left, the next one included."""
        return sum(1 for _ in self._rest) + (self.next is not None)


def _fault(
    rows: _Rows, seal: Seal, last: Seal | None, keys: Keys, heads: Mapping[int, Seal]
) -> Fault | None:
    """Return what is wrong with the event of one seal, or of those before it; take the event."""
    event = rows.next
    if event is not None and event["seq"] < seal.seq:
        return Fault(event["seq"], What.INSERTED)
    if event is None or event["seq"] > seal.seq:
        return Fault(seal.seq, What.MISSING)
    if seal.number != (last.number + 1 if last else 1):
        return Fault(seal.seq, What.MISSING)
    if seal.key_id not in keys:
        return Fault(seal.seq, What.UNKNOWN_KEY)
    expected = _hash(event, last, number=seal.number, key_id=seal.key_id, key=keys[seal.key_id])
    if not hmac.compare_digest(expected, seal.hash):
        return Fault(seal.seq, What.CHANGED)
    head = heads.get(seal.number)
    if head is not None and (head.seq, head.hash) != (seal.seq, seal.hash):
        return Fault(seal.seq, What.REPLACED)
    rows.take()
    return None


def _hash(event: Event, previous: Seal | None, *, number: int, key_id: str, key: bytes) -> str:
    place = f"{number}\n{key_id}\n".encode()
    before = bytes.fromhex(previous.hash if previous else START)
    return hmac.digest(key, before + place + canonical(event), "sha256").hex()


def _spelled(value: object) -> str:
    """Spell what JSON does not know; anything but an instant is a mistake of the caller."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    raise TypeError(f"An event holds no {type(value).__name__}.")
