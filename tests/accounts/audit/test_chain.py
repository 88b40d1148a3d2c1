"""The chain of the audit record, without a database: whatever is done to sealed events is found (S49)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.audit.chain import Fault, Finding, Seal, What, canonical, check, next_seal

OLD, NEW = {"old": b"1" * 32}, {"new": b"2" * 32}
KEYS = NEW | OLD
AT = datetime(2026, 11, 24, 10, 41, 22, 7, tzinfo=UTC)


def record(seqs: list[int]) -> tuple[list[dict[str, Any]], list[Seal]]:
    """Return events with those numbers and their seals; halfway the key changes."""
    events = [
        {"seq": seq, "at": AT + timedelta(seconds=seq), "action": "call.read", "ids": [f"p{seq}"]}
        for seq in seqs
    ]
    seals: list[Seal] = []
    for place, event in enumerate(events):
        keys = OLD if place < len(events) // 2 else KEYS
        seals.append(next_seal(event, previous=seals[-1] if seals else None, keys=keys))
    return events, seals


@st.composite
def records(draw: st.DrawFn, least: int = 1) -> tuple[list[dict[str, Any]], list[Seal]]:
    """Draw a sealed record whose numbers rise with gaps, as rolled-back transactions leave them."""
    steps = draw(st.lists(st.integers(1, 3), min_size=least, max_size=12))
    return record([sum(steps[: place + 1]) for place in range(len(steps))])


def places(count: int) -> st.SearchStrategy[int]:
    return st.integers(0, count - 1)


class TestCheck:
    @given(records())
    def test_finds_nothing_in_a_record_with_gaps_and_a_change_of_keys(self, drawn: Any) -> None:
        events, seals = drawn

        found = check(events, seals, keys=KEYS, heads=[seals[-1]])

        assert found == Finding(len(events), 0, seals[-1])

    def test_finds_nothing_in_an_empty_record(self) -> None:
        assert check([], [], keys=KEYS) == Finding(0, 0, None)

    @given(records())
    def test_counts_events_that_wait_for_their_seal(self, drawn: Any) -> None:
        events, seals = drawn
        newest = {**events[-1], "seq": events[-1]["seq"] + 1}

        assert check([*events, newest], seals, keys=KEYS) == Finding(len(events), 1, seals[-1])

    @given(records(), st.data())
    def test_names_a_changed_event(self, drawn: Any, data: st.DataObject) -> None:
        events, seals = drawn
        place = data.draw(places(len(events)))
        name, value = data.draw(
            st.sampled_from([("action", "call.list"), ("ids", []), ("at", AT - timedelta(days=1))])
        )
        seq = events[place]["seq"]
        events[place] = events[place] | {name: value}

        assert check(events, seals, keys=KEYS).fault == Fault(seq, What.CHANGED)

    @given(records(), st.data())
    def test_names_a_deleted_event(self, drawn: Any, data: st.DataObject) -> None:
        events, seals = drawn
        gone = events.pop(data.draw(places(len(events))))

        assert check(events, seals, keys=KEYS).fault == Fault(gone["seq"], What.MISSING)

    @given(records(least=2), st.data())
    def test_names_the_event_after_one_that_was_deleted_with_its_seal(
        self, drawn: Any, data: st.DataObject
    ) -> None:
        events, seals = drawn
        place = data.draw(places(len(events) - 1))
        del events[place], seals[place]

        assert check(events, seals, keys=KEYS).fault == Fault(events[place]["seq"], What.MISSING)

    @given(records(least=2), st.data())
    def test_names_an_event_that_was_put_into_a_gap(self, drawn: Any, data: st.DataObject) -> None:
        events, seals = drawn
        place = data.draw(places(len(events) - 1))
        doubled = [event | {"seq": event["seq"] * 2} for event in events]
        seals = []
        for event in doubled:
            seals.append(next_seal(event, previous=seals[-1] if seals else None, keys=KEYS))
        added = doubled[place] | {"seq": doubled[place]["seq"] + 1}
        doubled.insert(place + 1, added)

        assert check(doubled, seals, keys=KEYS).fault == Fault(added["seq"], What.INSERTED)

    @given(records(least=2), st.data())
    def test_names_the_first_of_two_events_that_were_swapped(
        self, drawn: Any, data: st.DataObject
    ) -> None:
        events, seals = drawn
        one, other = sorted(
            data.draw(st.lists(places(len(events)), min_size=2, max_size=2, unique=True))
        )
        first = events[one]["seq"]
        events[one], events[other] = (
            events[other] | {"seq": first},
            events[one] | {"seq": events[other]["seq"]},
        )

        assert check(events, seals, keys=KEYS).fault == Fault(first, What.CHANGED)

    @given(records(least=2), st.data())
    def test_finds_what_was_cut_off_the_end_by_a_head_stored_elsewhere(
        self, drawn: Any, data: st.DataObject
    ) -> None:
        events, seals = drawn
        left = data.draw(places(len(events)))
        head = seals[-1]
        after = events[left - 1]["seq"] + 1 if left else 1

        found = check(events[:left], seals[:left], keys=KEYS, heads=[head])

        assert found.fault == Fault(after, What.CUT_OFF)
        assert check(events[:left], seals[:left], keys=KEYS).fault is None

    @given(records(least=2), st.data())
    def test_finds_an_end_that_was_sealed_anew_by_a_head_stored_elsewhere(
        self, drawn: Any, data: st.DataObject
    ) -> None:
        events, seals = drawn
        place = data.draw(places(len(events)))
        head = seals[-1]
        events[place] = events[place] | {"action": "forged"}
        del seals[place:]
        for event in events[place:]:
            seals.append(next_seal(event, previous=seals[-1] if seals else None, keys=KEYS))

        found = check(events, seals, keys=KEYS, heads=[head])

        assert found.fault == Fault(events[-1]["seq"], What.REPLACED)

    @given(records(), st.data())
    def test_names_an_event_whose_seal_was_made_anew_without_the_key(
        self, drawn: Any, data: st.DataObject
    ) -> None:
        events, seals = drawn
        place = data.draw(places(len(events)))
        previous = seals[place - 1] if place else None
        forged = next_seal(events[place], previous=previous, keys={seals[place].key_id: b"3" * 32})
        seals[place] = forged

        assert check(events, seals, keys=KEYS).fault == Fault(forged.seq, What.CHANGED)

    @given(records())
    def test_names_the_first_event_whose_key_is_not_known(self, drawn: Any) -> None:
        events, seals = drawn
        first = next(seal for seal in seals if seal.key_id == "new")

        assert check(events, seals, keys=OLD).fault == Fault(first.seq, What.UNKNOWN_KEY)


class TestCanonical:
    def test_is_the_same_in_any_zone_and_order(self) -> None:
        moment = datetime.fromisoformat("2026-11-24T05:41:22.000007-05:00")

        assert canonical({"at": moment, "seq": 1}) == canonical({"seq": 1, "at": AT})

    def test_refuses_what_has_no_one_spelling(self) -> None:
        with pytest.raises(TypeError, match="bytes"):
            canonical({"seq": 1, "action": b"x"})
