"""The day rules of voice-conversation, section 10, at its clock: Thursday 2026-03-05, 10:00 in New York."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.assistant.dates import (
    WEEKDAYS,
    Closed,
    DateConflict,
    Days,
    InvalidTime,
    Resolution,
    Wish,
    looks_like_a_time,
    resolve,
)

NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 3, 5, 10, tzinfo=NEW_YORK)
HORIZON = 180


def is_open_day(day: date) -> bool:
    return day.weekday() < 5


def resolved(wish: Wish, now: datetime = NOW) -> Resolution:
    return resolve(wish, now=now, horizon_days=HORIZON, is_open_day=is_open_day)


def march(day: int) -> date:
    return date(2026, 3, day)


class TestWeekdays:
    @pytest.mark.parametrize(
        ("wish", "day", "other"),
        [
            (Wish(weekday="tue"), march(10), None),  # plain and next are one day
            (Wish(weekday="tue", week="next"), march(10), None),
            (Wish(weekday="fri"), march(6), march(13)),  # they differ, so both are named
            (Wish(weekday="fri", week="next"), march(13), march(6)),
            (Wish(weekday="fri", week="this"), march(6), None),
            (Wish(weekday="thu"), march(12), None),  # the first one after today
            (Wish(weekday="thu", week="this"), march(5), None),
            (Wish(weekday="thu", week="next"), march(12), None),
            (Wish(weekday="mon", week="later"), march(16), None),
        ],
    )
    def test_names_one_day(self, wish: Wish, day: date, other: date | None) -> None:
        assert resolved(wish) == Days(day, day, other=other)

    def test_this_weekday_that_is_over_is_invalid(self) -> None:
        assert resolved(Wish(weekday="tue", week="this")) == InvalidTime()

    def test_this_sunday_is_closed_and_the_next_open_day_is_said(self) -> None:
        found = resolved(Wish(weekday="sun", week="this", part_of_day="morning"))

        assert found == Closed(march(8), Days(march(9), march(9), "morning"))

    @given(st.sampled_from(WEEKDAYS), st.integers(0, 400))
    def test_a_plain_weekday_is_always_the_first_one_after_today(
        self, weekday: str, ahead: int
    ) -> None:
        now = NOW + timedelta(days=ahead)

        found = resolve(
            Wish(weekday=weekday), now=now, horizon_days=HORIZON, is_open_day=lambda _: True
        )

        assert isinstance(found, Days)
        assert 1 <= (found.first - now.date()).days <= 7
        assert found.first.weekday() == WEEKDAYS.index(weekday)

    @given(st.sampled_from(WEEKDAYS), st.integers(0, 400))
    def test_next_is_always_in_the_following_week(self, weekday: str, ahead: int) -> None:
        now = NOW + timedelta(days=ahead)
        monday = now.date() - timedelta(days=now.weekday())

        found = resolve(
            Wish(weekday=weekday, week="next"),
            now=now,
            horizon_days=HORIZON,
            is_open_day=lambda _: True,
        )

        assert isinstance(found, Days)
        assert 7 <= (found.first - monday).days <= 13


class TestDates:
    @pytest.mark.parametrize(
        ("wish", "day"),
        [
            (Wish(month_day="03-10"), march(10)),
            (Wish(month_day="3-5"), march(5)),
            (Wish(month_day="03-10", weekday="tue"), march(10)),
            (Wish(month_day="03-10", weekday="tue", week="next"), march(10)),
            (Wish(in_days=0), march(5)),
            (Wish(in_days=1), march(6)),
            (Wish(in_days=5, weekday="tue"), march(10)),
            (Wish(in_days=5, month_day="03-10"), march(10)),
        ],
    )
    def test_names_one_day(self, wish: Wish, day: date) -> None:
        assert resolved(wish) == Days(day, day)

    def test_bk4_weekday_and_date_that_disagree_are_two_days(self) -> None:
        found = resolved(Wish(weekday="tue", month_day="03-11"))

        assert found == DateConflict(march(10), march(11))

    @pytest.mark.parametrize(
        ("wish", "first", "second"),
        [
            (Wish(weekday="fri", month_day="03-05"), march(5), march(6)),
            (Wish(weekday="wed", month_day="03-05"), march(5), march(11)),  # the 4th is over
            (Wish(in_days=1, month_day="03-10"), march(6), march(10)),
            (Wish(month_day="03-10", week="this"), march(10), march(10)),
            (Wish(month_day="03-17", week="next"), march(10), march(17)),
        ],
    )
    def test_other_parts_that_disagree_are_two_days(
        self, wish: Wish, first: date, second: date
    ) -> None:
        expected = Days(first, first) if first == second else DateConflict(first, second)

        assert resolved(wish) == expected

    @pytest.mark.parametrize(
        "wish",
        [
            Wish(month_day="01-01"),  # next year's, beyond 180 days
            Wish(month_day="02-30"),
            Wish(month_day="13-40"),
            Wish(month_day="2019-01-01"),
            Wish(month_day="2099-01-01"),
            Wish(in_days=61),
            Wish(in_days=-1),
            Wish(month_day="03-10", after="25:99"),
            Wish(after="12:60"),
            Wish(after="15:00", before="09:00"),
            Wish(month_day="03-08", after="02:30"),  # the clocks skip it
        ],
    )
    def test_a17_a_day_or_time_that_cannot_be_is_invalid(self, wish: Wish) -> None:
        assert resolved(wish) == InvalidTime()

    def test_a_doubled_hour_exists(self) -> None:
        now = datetime(2026, 10, 30, 10, tzinfo=NEW_YORK)

        found = resolve(
            Wish(month_day="11-01", after="01:30"),
            now=now,
            horizon_days=HORIZON,
            is_open_day=lambda _: True,
        )

        assert found == Days(date(2026, 11, 1), date(2026, 11, 1), after=time(1, 30))

    def test_a_date_that_is_over_this_year_is_next_years(self) -> None:
        now = datetime(2026, 12, 20, 10, tzinfo=NEW_YORK)

        assert resolved(Wish(month_day="01-05"), now) == Days(date(2027, 1, 5), date(2027, 1, 5))


class TestRanges:
    def test_nothing_said_is_the_soonest_up_to_the_horizon(self) -> None:
        assert resolved(Wish()) == Days(march(5), march(5) + timedelta(days=HORIZON))

    def test_this_week_begins_today(self) -> None:
        assert resolved(Wish(week="this")) == Days(march(5), march(8))

    def test_next_week_is_monday_to_sunday(self) -> None:
        assert resolved(Wish(week="next", part_of_day="morning")) == Days(
            march(9), march(15), "morning"
        )

    def test_later_begins_after_next_week(self) -> None:
        found = resolved(Wish(week="later"))

        assert isinstance(found, Days)
        assert found.first == march(16)

    def test_hours_that_were_said_are_kept(self) -> None:
        found = resolved(Wish(weekday="tue", after="9:30", before="11:00"))

        assert found == Days(march(10), march(10), after=time(9, 30), before=time(11))


class TestAnyWish:
    @given(
        st.builds(
            Wish,
            weekday=st.none() | st.sampled_from(WEEKDAYS),
            week=st.none() | st.sampled_from(("this", "next", "later")),
            month_day=st.none() | st.from_regex(r"\A[0-9]{1,2}-[0-9]{1,2}\Z") | st.text(max_size=8),
            in_days=st.none() | st.integers(-5, 100),
            after=st.none() | st.from_regex(r"\A[0-9]{1,2}:[0-9]{2}\Z") | st.text(max_size=6),
        ),
        st.integers(0, 500),
    )
    def test_s20_gives_days_from_today_to_the_horizon_or_refuses(
        self, wish: Wish, ahead: int
    ) -> None:
        now = NOW + timedelta(days=ahead)

        found = resolved(wish, now)

        if isinstance(found, Days):
            assert now.date() <= found.first <= found.last <= now.date() + timedelta(days=HORIZON)
        else:
            assert isinstance(found, DateConflict | InvalidTime | Closed)


class TestLooksLikeATime:
    @pytest.mark.parametrize("text", ["2019-01-01", "2099-01-01T10:00:00-05:00", "25:99", "02:30"])
    def test_a17_tells_dates_and_times(self, text: str) -> None:
        assert looks_like_a_time(text)

    @pytest.mark.parametrize(
        "text", ["slot_1", "12", "5a0c2a34-5f0e-4c56-9f4e-0e6d7a1f7c11", "2026-1234-11-11"]
    )
    def test_from_handles_and_identifiers(self, text: str) -> None:
        assert not looks_like_a_time(text)
