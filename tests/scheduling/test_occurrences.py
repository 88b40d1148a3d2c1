"""On which days and hours a series falls (scheduling reference, section 10)."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from scheduling import slots
from tests.factories import NEW_YORK

WEEK = timedelta(weeks=1)


class TestOccurrences:
    @given(
        st.sampled_from(
            [
                ("America/New_York", date(2026, 3, 8)),
                ("America/New_York", date(2026, 11, 1)),
                ("Australia/Lord_Howe", date(2026, 4, 5)),
                ("Australia/Lord_Howe", date(2026, 10, 4)),
                ("America/Santiago", date(2026, 9, 6)),
                ("Africa/Cairo", date(2026, 4, 24)),
                ("Asia/Kathmandu", date(2026, 11, 1)),
                ("Pacific/Apia", date(2011, 12, 30)),
            ]
        ),
        st.integers(-60, 1),
        st.sampled_from([0, 30, 60, 90, 119, 120, 135, 150, 179, 180]) | st.integers(0, 1439),
        st.integers(1, 4),
        st.integers(1, 10),
        st.none() | st.integers(-1, 100),
    )
    def test_are_the_first_minute_at_which_a_clock_shows_the_time(
        self,
        change: tuple[str, date],
        days: int,
        minute: int,
        every_weeks: int,
        most: int,
        last: int | None,
    ) -> None:
        """The oracle walks over the minutes of each date and reads the clock."""
        zone, first = ZoneInfo(change[0]), change[1] + timedelta(days=days)
        until = None if last is None else first + timedelta(days=last)

        found = slots.occurrences(
            zone=zone,
            first=first,
            minute_of_day=minute,
            every_weeks=every_weeks,
            most=most,
            until=until,
        )

        days_wanted = [first + number * every_weeks * WEEK for number in range(most)]
        days_wanted = [day for day in days_wanted if until is None or day <= until]
        assert [(one.index, one.day) for one in found] == list(enumerate(days_wanted))
        for one in found:
            assert one.start == first_reading(zone, one.day, minute)

    def test_ends_with_the_calendar(self) -> None:
        found = slots.occurrences(
            zone=NEW_YORK, first=date(9999, 12, 20), minute_of_day=0, every_weeks=1, most=9
        )

        assert len(found) == 2


def first_reading(zone: ZoneInfo, day: date, minute: int) -> int | None:
    """Return the first minute at which a clock shows a time of a date, by looking at each."""
    wanted = (day.isoformat(), minute)
    begin = int(datetime.combine(day, time(), tzinfo=UTC).timestamp()) // 60 - 16 * 60
    for instant in range(begin, begin + 48 * 60):
        seen = datetime.fromtimestamp(instant * 60, zone)
        if (seen.date().isoformat(), seen.hour * 60 + seen.minute) == wanted:
            return instant
    return None
