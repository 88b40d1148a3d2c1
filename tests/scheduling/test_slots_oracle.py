"""
The slot engine agrees with an oracle that looks at every minute (scheduling reference, section 17).

Cases lie within two days of a clock change, in zones that do odd things; most of them have slots, which is counted.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling import slots
from tests.scheduling import oracle
from tests.scheduling.oracle import Case, Change, Window

CHANGES = [
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("America/Santiago", date(2026, 4, 5)),
    ("America/Santiago", date(2026, 9, 6)),
    ("Africa/Cairo", date(2026, 4, 24)),
    ("Africa/Cairo", date(2026, 10, 30)),
    ("Asia/Kolkata", date(2026, 3, 8)),
    ("Asia/Kathmandu", date(2026, 11, 1)),
    ("Pacific/Apia", date(2011, 12, 30)),  # a date that Samoa left out
]
WINDOWS = [
    (0, 0), (1320, 360), (540, 1020), (0, 60), (0, 360), (130, 170), (135, 540), (90, 150), (0, 150),
    (120, 180), (60, 120), (30, 90), (1200, 0), (1380, 30), (1439, 61), (540, 720), (720, 900), (600, 600),
]  # fmt: skip
LONG = [(0, 0), (1320, 360), (0, 1080), (540, 1020), (1020, 600)]
EDGES = st.sampled_from([0, 30, 60, 90, 105, 119, 120, 121, 150, 180, 540, 720, 1380, 1410, 1439])
TIMES = st.sampled_from(WINDOWS) | st.tuples(EDGES, EDGES) | st.tuples(
    st.integers(0, 1439), st.integers(0, 1439)
)  # fmt: skip
EXAMPLES = 40
MOSTLY = 0.6


@st.composite
def cases(draw: st.DrawFn, key: str, change: date) -> Case:
    """Draw a nurse's hours, what is taken, and what is asked for, around a clock change."""
    zone = ZoneInfo(key)
    noon = datetime.combine(change, time(12), tzinfo=UTC)
    middle = int(noon.timestamp()) // 60
    since = middle + draw(st.integers(-2 * 1440, 1440))
    until = since + draw(st.sampled_from([1440, 1440, 720, 300]))
    days = st.integers(-2, 2).map(lambda number: change + timedelta(days=number))
    length = draw(st.sampled_from([5, 15, 30, 30, 45, 60, 90]))
    moments = st.integers(since - 600, until + 600)

    def spans(most: int) -> st.SearchStrategy[tuple[tuple[int, int], ...]]:
        one = st.tuples(moments, st.integers(5, 150)).map(lambda pair: (pair[0], pair[0] + pair[1]))
        return st.lists(one, max_size=most).map(tuple)

    def rarely(rows: Any) -> Any:
        return rows if draw(st.integers(0, 3)) == 3 else st.just(())

    windows: list[Window] = []
    times = draw(st.lists(TIMES, min_size=1, max_size=3))
    if draw(st.integers(0, 3)):  # most cases are to have slots
        times.append(draw(st.sampled_from(LONG)))
    for begin, end in times:
        windows += [Window(weekday, begin, end) for weekday in range(7)]
    if draw(st.booleans()):
        weekday = draw(days).weekday()
        begin, end = draw(TIMES)
        first, last = sorted((draw(days), draw(days)))
        windows.append(Window(weekday, begin, end, first, last, draw(st.booleans())))
    if draw(st.booleans()):
        begin = draw(st.integers(0, 1400))
        end = begin + draw(st.integers(5, 90))
        windows += [Window(weekday, begin, end % 1440, None, None, True) for weekday in range(7)]
    changes: list[Change] = []
    for day in draw(rarely(st.lists(days, min_size=1, max_size=3))):
        effect = draw(st.sampled_from(["add", "add", "remove", "replace", "replace"]))
        whole = draw(st.integers(0, 3)) == 0
        start, stop = (None, None) if whole else draw(TIMES)
        changes.append(Change(day, effect, start, stop))
    before, after = draw(st.sampled_from([(0, 0), (0, 0), (5, 10), (10, 0), (0, 15)]))
    visits = draw(spans(3))
    # Stored buffers are those of the day of booking, not today's.
    stored = draw(st.sampled_from([(0, 0), (before, after), (10, 20)]))
    blocked = tuple((begin - stored[0], end + stored[1]) for begin, end in visits) + draw(spans(1))
    step = draw(st.integers(5, 60) | st.sampled_from([15, 30, 60]))
    return Case(
        zone=zone,
        since=since,
        until=until,
        length=length,
        step=step,
        offset=draw(st.integers(0, step - 1) | st.just(0)),
        windows=tuple(windows),
        changes=tuple(changes),
        holidays=frozenset(draw(st.lists(days, max_size=1)))
        if draw(st.booleans())
        else frozenset(),
        time_off=draw(rarely(spans(1))),
        before=before,
        after=after,
        cap=draw(rarely(st.sampled_from([1, 2, 3]))) or None,
        licensed=draw(st.integers(0, 19)) != 19,
        licensed_until=draw(rarely(days)) or date(2099, 1, 1),
        visits=visits,
        blocked=blocked,
        patient_visits=draw(spans(1)),
        earliest=draw(rarely(st.integers(since - 120, since + 240))) or 0,
        latest=draw(rarely(st.integers(until - 240, until + 120))) or 1 << 40,
        patient_zone=ZoneInfo(draw(st.sampled_from(["UTC", "Europe/Berlin", key]))),
        part=draw(rarely(st.sampled_from([(360, 720), (720, 1020), (1020, 1320)]))) or None,
    )


def calendar(case: Case) -> slots.Calendar:
    """Hand a case to the engine."""
    return slots.Calendar(
        hours=slots.Hours(
            zone=case.zone,
            weekly=tuple(
                slots.WeeklyWindow(
                    w.weekday, w.start, w.end, w.valid_from, w.valid_until, is_break=w.is_break
                )
                for w in case.windows
            ),
            dates=tuple(
                slots.DateWindow(c.day, cast("Any", c.effect), c.start, c.end) for c in case.changes
            ),
            time_off=case.time_off,
        ),
        step=case.step,
        offset=case.offset,
        buffer_before=case.before,
        buffer_after=case.after,
        daily_cap=case.cap,
        licensed=case.licensed,
        licensed_until=case.licensed_until,
        visits=case.visits,
        blocked=case.blocked,
    )


def request(case: Case) -> slots.Request:
    """Ask the engine what the case asks."""
    return slots.Request(
        length=case.length,
        since=case.since,
        until=case.until,
        earliest=case.earliest,
        latest=case.latest,
        zone=case.patient_zone,
        part=case.part,
        holidays=case.holidays,
        patient_visits=case.patient_visits,
    )


def found(case: Case) -> list[int]:
    """Return the engine's starts."""
    return list(slots.starts(calendar(case), request(case)))


around_a_change = pytest.mark.parametrize(
    ("key", "change"), CHANGES, ids=[f"{key}-{change}" for key, change in CHANGES]
)


@around_a_change
class TestTheEngine:
    def test_finds_what_the_oracle_finds_and_books_nothing_else(
        self, key: str, change: date
    ) -> None:
        filled: list[bool] = []

        @settings(max_examples=EXAMPLES)
        @given(cases(key, change))
        def agrees(case: Case) -> None:
            expected = oracle.starts(case)

            assert found(case) == expected

            filled.append(bool(expected))
            open_part = replace(case, part=None)
            nearby = {start + shift for start in expected[:6] for shift in (-1, 0, 1, case.step)}
            nearby |= set(range(case.since, case.until, 97))
            for start in sorted(nearby):
                verdict = slots.judge(calendar(case), request(case), start)
                assert (verdict == "") == oracle.allows(open_part, start), (start, verdict)

        agrees()
        assert sum(filled) > MOSTLY * len(filled)

    def test_finds_the_same_in_two_halves(self, key: str, change: date) -> None:
        @settings(max_examples=EXAMPLES)
        @given(cases(key, change), st.floats(0, 1))
        def adds_up(case: Case, share: float) -> None:
            cut = case.since + int(share * (case.until - case.since))

            halves = found(replace(case, until=cut)) + found(replace(case, since=cut))

            assert found(case) == halves

        adds_up()

    def test_does_not_care_for_the_order_of_rows(self, key: str, change: date) -> None:
        @settings(max_examples=EXAMPLES)
        @given(cases(key, change), st.randoms(use_true_random=False))
        def same(case: Case, random: Any) -> None:
            def shuffled(rows: tuple[Any, ...]) -> tuple[Any, ...]:
                return tuple(random.sample(rows, len(rows)))

            other = replace(
                case,
                windows=shuffled(case.windows),
                changes=shuffled(case.changes),
                time_off=shuffled(case.time_off),
                visits=shuffled(case.visits),
                blocked=shuffled(case.blocked),
            )

            assert found(other) == found(case)

        same()

    def test_loses_nothing_when_hours_grow_or_a_visit_goes(self, key: str, change: date) -> None:
        @settings(max_examples=EXAMPLES)
        @given(cases(key, change), TIMES, st.integers(-2, 2))
        def grows(case: Case, times: tuple[int, int], number: int) -> None:
            before = set(found(case))
            day = change + timedelta(days=number)
            weekly = (*case.windows, Window(day.weekday(), *times))
            added = (*case.changes, Change(day, "add", *times))

            assert before <= set(found(replace(case, windows=weekly)))
            assert before <= set(found(replace(case, changes=added)))
            assert before <= set(
                found(replace(case, visits=case.visits[1:], blocked=case.blocked[1:]))
            )
            assert before <= set(found(replace(case, patient_visits=())))

        grows()

    def test_takes_away_only_what_a_new_visit_touches_or_the_cap_ends(
        self, key: str, change: date
    ) -> None:
        @settings(max_examples=EXAMPLES)
        @given(cases(key, change), st.integers(0, 1 << 30))
        def books(case: Case, which: int) -> None:
            open_starts = found(case)
            if not open_starts:
                return
            start = open_starts[which % len(open_starts)]
            visit = (start, start + case.length)
            stored = (visit[0] - case.before, visit[1] + case.after)
            booked = replace(case, visits=(*case.visits, visit), blocked=(*case.blocked, stored))
            day = oracle.day_of(oracle.read(case.zone, start))
            then = [
                oracle.day_of(oracle.read(case.zone, other)) == day for other, _ in booked.visits
            ]
            full = case.cap is not None and sum(then) >= case.cap

            expected = [
                other
                for other in open_starts
                if not oracle.overlap(
                    (other - case.before, other + case.length + case.after), stored
                )
                and not (full and oracle.day_of(oracle.read(case.zone, other)) == day)
            ]

            assert found(booked) == expected
            assert slots.judge(calendar(booked), request(booked), start) == "taken"

        books()


class TestWholeWeeks:
    @settings(max_examples=60)
    @given(cases("Asia/Kolkata", date(2026, 3, 8)), st.integers(-30, 30))
    def test_shift_slots_equally_inside_one_offset(self, case: Case, weeks: int) -> None:
        by = timedelta(weeks=weeks)
        minutes = weeks * 7 * 1440

        def later(spans: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
            return tuple((begin + minutes, end + minutes) for begin, end in spans)

        case = replace(case, patient_zone=case.zone, earliest=case.since, latest=case.until)
        shifted = replace(
            case,
            since=case.since + minutes,
            until=case.until + minutes,
            earliest=case.earliest + minutes,
            latest=case.latest + minutes,
            windows=tuple(
                replace(
                    w,
                    valid_from=w.valid_from and w.valid_from + by,
                    valid_until=w.valid_until and w.valid_until + by,
                )
                for w in case.windows
            ),
            changes=tuple(replace(c, day=c.day + by) for c in case.changes),
            holidays=frozenset(day + by for day in case.holidays),
            time_off=later(case.time_off),
            licensed_until=case.licensed_until and case.licensed_until + by,
            visits=later(case.visits),
            blocked=later(case.blocked),
            patient_visits=later(case.patient_visits),
        )

        assert found(shifted) == [start + minutes for start in found(case)]
