"""
The tricky cases of free time, by name (scheduling reference, sections 3 and 18).

Each test says which case it proves. They ask the engine itself; what needs rows is in `test_openings.py`.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from scheduling import slots

NEW_YORK = ZoneInfo("America/New_York")
SPRING, FALL = date(2026, 3, 8), date(2026, 11, 1)  # clock changes in New York, both on Sundays
FRIDAY, SATURDAY = date(2026, 3, 13), date(2026, 3, 14)
DAY = timedelta(days=1)
EVERY_DAY = range(7)


def minutes(text: str) -> int:
    """Return a time of day as minutes after midnight."""
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)


def window(times: str, weekday: int, **more: Any) -> slots.WeeklyWindow:
    """Return a weekly window that is written as "09:00-17:00"."""
    start, end = map(minutes, times.split("-"))
    return slots.WeeklyWindow(weekday=weekday, start=start, end=end, **more)


def calendar(
    *times: str, zone: ZoneInfo = NEW_YORK, days: Any = EVERY_DAY, **more: Any
) -> slots.Calendar:
    """Return the calendar of a nurse who works these windows on these weekdays."""
    weekly = tuple(window(each, weekday) for each in times for weekday in days)
    hours = {name: more.pop(name) for name in ("dates", "time_off") if name in more}
    return slots.Calendar(
        hours=slots.Hours(zone=zone, weekly=weekly, **hours), **{"step": 30} | more
    )


def request(day: date, zone: ZoneInfo, *, length: int, days: int) -> slots.Request:
    """Ask for visits that start on the dates from `day` on."""
    return slots.Request(
        length=length,
        since=slots.edge_to_minute(zone, day, 0, is_end=False),
        until=slots.edge_to_minute(zone, day + (days - 1) * DAY, 1440, is_end=True),
        earliest=0,
        latest=1 << 40,
        zone=zone,
    )


def found(
    nurse: slots.Calendar, day: date, *, length: int = 30, days: int = 1, **more: Any
) -> list[int]:
    """Return the starts on the nurse's dates from `day` on."""
    asked = request(day, nurse.hours.zone, length=length, days=days)
    return list(slots.starts(nurse, replace(asked, **more)))


def shown(nurse: slots.Calendar, day: date, **more: Any) -> list[str]:
    """Return the starts as a clock on the nurse's wall shows them."""
    starts = found(nurse, day, **more)
    return [f"{read(start, nurse.hours.zone):%H:%M}" for start in starts]


def read(minute: int, zone: ZoneInfo) -> datetime:
    return slots.to_instant(minute).astimezone(zone)


def at(day: date, time: str, zone: ZoneInfo = NEW_YORK) -> int:
    """Return the minute of a local time that exists once."""
    return slots.edge_to_minute(zone, day, minutes(time), is_end=False)


def free(nurse: slots.Calendar, day: date) -> list[tuple[int, int]]:
    """Return the free ranges that begin on a local date."""
    ranges = slots.free_ranges(nurse.hours, (), day, day)
    zone = nurse.hours.zone
    return [span for span in ranges if read(span[0], zone).date() == day]


WINDOWS = [
    ("America/New_York", SPRING, "00:00-06:00", "2026-03-08T05:00", "2026-03-08T10:00"),
    ("America/New_York", SPRING, "02:15-09:00", "2026-03-08T07:00", "2026-03-08T13:00"),
    ("America/New_York", SPRING, "00:00-02:30", "2026-03-08T05:00", "2026-03-08T07:00"),
    ("America/New_York", FALL, "00:00-06:00", "2026-11-01T04:00", "2026-11-01T11:00"),
    ("America/New_York", FALL, "01:30-02:30", "2026-11-01T05:30", "2026-11-01T07:30"),
    ("America/New_York", FALL, "00:00-01:00", "2026-11-01T04:00", "2026-11-01T05:00"),
    ("America/Santiago", date(2026, 9, 5), "20:00-00:00", "2026-09-06T00:00", "2026-09-06T04:00"),
    (
        "Australia/Lord_Howe", date(2026, 10, 4), "01:00-04:00",
        "2026-10-03T14:30", "2026-10-03T17:00",
    ),
]  # fmt: skip


class TestAWindowOnADayOfAClockChange:
    """The table of section 3."""

    @pytest.mark.parametrize(
        ("key", "day", "times", "begin", "end"),
        WINDOWS,
        ids=[f"{key}-{day}-{times}" for key, day, times, *_ in WINDOWS],
    )
    def test_is_this_in_utc(self, key: str, day: date, times: str, begin: str, end: str) -> None:
        nurse = calendar(times, zone=ZoneInfo(key), days=[day.weekday()])

        ranges = free(nurse, day)

        utc = [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (begin, end)]
        assert ranges == [(slots.to_minute(utc[0]), slots.to_minute(utc[1]))]

    def test_inside_the_gap_is_nothing(self) -> None:
        assert free(calendar("02:10-02:50", days=[SPRING.weekday()]), SPRING) == []


class TestClockChanges:
    def test_case_1_spring_forward_gives_five_hours_and_none_at_two(self) -> None:
        times = shown(calendar("00:00-06:00"), SPRING)

        assert len(times) == 10
        assert [time for time in times if time.startswith("02")] == []

    def test_case_2_fall_back_offers_one_o_clock_twice_and_both_can_be_booked(self) -> None:
        nurse = calendar("00:00-06:00")

        starts = found(nurse, FALL)

        clocks = [f"{read(start, NEW_YORK):%H:%M %Z}" for start in starts[2:6]]
        assert clocks == ["01:00 EDT", "01:30 EDT", "01:00 EST", "01:30 EST"]
        assert len(set(starts)) == 14
        asked = request(FALL, NEW_YORK, length=30, days=1)
        assert [slots.judge(nurse, asked, start) for start in starts[2:6]] == [""] * 4

    def test_case_3_a_window_until_one_ends_at_the_first_one_o_clock(self) -> None:
        assert shown(calendar("00:00-01:00"), FALL) == ["00:00", "00:30"]

    def test_case_4_a_window_inside_the_gap_has_no_slots(self) -> None:
        assert found(calendar("02:10-02:50", step=5), SPRING, length=5) == []

    @pytest.mark.parametrize(("day", "hours"), [(SPRING, 7), (FALL, 9)])
    def test_case_5_a_night_shift_has_seven_hours_or_nine(self, day: date, hours: int) -> None:
        nurse = calendar("22:00-06:00", days=[(day - DAY).weekday()])

        starts = found(nurse, day - DAY, days=2)

        assert len(starts) == 2 * hours
        assert starts[-1] + 30 - starts[0] == 60 * hours

    @pytest.mark.parametrize(
        ("key", "day"),
        [("America/Santiago", date(2026, 9, 6)), ("Africa/Cairo", date(2026, 4, 24))],
    )
    def test_case_6_a_day_without_midnight_begins_at_one(self, key: str, day: date) -> None:
        times = shown(calendar("00:00-06:00", zone=ZoneInfo(key)), day)

        assert times[0] == "01:00"

    def test_case_7_a_jump_of_half_an_hour_leaves_starts_on_the_full_hour(self) -> None:
        nurse = calendar("00:00-08:00", zone=ZoneInfo("Australia/Lord_Howe"), step=60)

        times = shown(nurse, date(2026, 10, 4))

        assert times == ["00:00", "01:00", "03:00", "04:00", "05:00", "06:00", "07:00"]


class TestThreeZones:
    def test_case_8_show_one_instant_in_three_ways_with_each_one_s_own_date(self) -> None:
        kathmandu, berlin = ZoneInfo("Asia/Kathmandu"), ZoneInfo("Europe/Berlin")
        nurse = calendar("05:00-06:00", zone=kathmandu)

        start = found(nurse, date(2026, 3, 5))[0]

        assert read(start, kathmandu).isoformat() == "2026-03-05T05:00:00+05:45"
        assert read(start, berlin).isoformat() == "2026-03-05T00:15:00+01:00"
        assert read(start, NEW_YORK).isoformat() == "2026-03-04T18:15:00-05:00"

    def test_case_8_read_the_part_of_day_where_the_patient_is(self) -> None:
        nurse = calendar("05:00-07:00", zone=ZoneInfo("Asia/Kathmandu"))

        starts = found(nurse, date(2026, 3, 5), part=(0, 60), zone=ZoneInfo("Europe/Berlin"))

        assert [read(start, nurse.hours.zone).hour for start in starts] == [5, 5]


class TestChangesOfOneDate:
    def test_case_9_a_removed_saturday_takes_the_tail_of_friday_s_night_too(self) -> None:
        removed = slots.DateWindow(SATURDAY, "remove")
        nurse = calendar("22:00-06:00", days=[FRIDAY.weekday()], dates=(removed,))

        assert shown(nurse, FRIDAY, days=2) == ["22:00", "22:30", "23:00", "23:30"]

    def test_case_10_an_addition_on_a_holiday_gives_slots(self) -> None:
        added = slots.DateWindow(FRIDAY, "add", 600, 660)

        times = shown(calendar("09:00-17:00", dates=(added,)), FRIDAY, holidays={FRIDAY})

        assert times == ["10:00", "10:30"]

    def test_case_10_a_removal_wins_over_an_addition(self) -> None:
        changes = (
            slots.DateWindow(FRIDAY, "add", 600, 720),
            slots.DateWindow(FRIDAY, "remove", 630, 720),
        )

        times = shown(calendar("09:00-17:00", dates=changes), FRIDAY, holidays={FRIDAY})

        assert times == ["10:00"]


class TestNeighbours:
    def test_case_11_a_visit_may_cross_the_seam_of_two_windows(self) -> None:
        times = shown(calendar("09:00-12:00", "12:00-15:00", step=15), FRIDAY)

        assert "11:45" in times

    def test_case_12_visits_that_touch_both_fit(self) -> None:
        visit = (at(FRIDAY, "10:00"), at(FRIDAY, "10:30"))

        times = shown(calendar("09:00-17:00", visits=(visit,), blocked=(visit,)), FRIDAY)

        assert times[:3] == ["09:00", "09:30", "10:30"]

    def test_case_12_buffers_of_neighbours_add_up(self) -> None:
        visit = (at(FRIDAY, "10:00"), at(FRIDAY, "10:30"))
        nurse = calendar(
            "09:00-17:00", step=15, buffer_before=5, buffer_after=10,
            visits=(visit,), blocked=((visit[0] - 5, visit[1] + 10),),
        )  # fmt: skip

        times = shown(nurse, FRIDAY)

        assert times[:3] == ["09:00", "09:15", "10:45"]

    def test_case_13_the_last_slot_fits_though_its_buffer_runs_past_closing(self) -> None:
        assert shown(calendar("09:00-17:00", buffer_after=10), FRIDAY)[-1] == "16:30"

    def test_case_14_an_old_visit_blocks_the_range_it_was_booked_with(self) -> None:
        visit = (at(FRIDAY, "10:00"), at(FRIDAY, "10:30"))
        stored = (visit[0] - 10, visit[1] + 10)

        times = shown(calendar("09:00-17:00", visits=(visit,), blocked=(stored,)), FRIDAY)

        assert times[:2] == ["09:00", "11:00"]

    def test_case_15_two_gaps_of_half_an_hour_do_not_hold_an_hour(self) -> None:
        taken = [("09:30", "10:00"), ("10:30", "17:00")]
        visits = tuple((at(FRIDAY, begin), at(FRIDAY, end)) for begin, end in taken)
        nurse = calendar("09:00-17:00", visits=visits, blocked=visits)

        assert found(nurse, FRIDAY, length=60) == []
        assert shown(nurse, FRIDAY) == ["09:00", "10:00"]
        asked = request(FRIDAY, NEW_YORK, length=60, days=1)
        assert slots.reason_for_none(nurse, asked) == "gap_too_short"


class TestTheCap:
    def test_case_16_counts_by_the_nurse_s_own_date(self) -> None:
        late = (at(FRIDAY, "23:30"), at(FRIDAY, "23:30") + 30)
        nurse = calendar("00:00-00:00", daily_cap=1, visits=(late,), blocked=(late,))

        assert found(nurse, FRIDAY) == []
        assert shown(nurse, SATURDAY)[:2] == ["00:00", "00:30"]

    def test_case_16_is_reached_by_visits_on_both_sides_of_midnight_on_two_days(self) -> None:
        visits = tuple(
            (at(day, time), at(day, time) + 30)
            for day, time in ((FRIDAY, "23:30"), (SATURDAY, "00:30"))
        )
        nurse = calendar("22:00-02:00", daily_cap=2, visits=visits, blocked=visits)

        times = shown(nurse, FRIDAY, days=2)

        assert {"22:00", "23:00", "00:00", "01:00"} <= set(times)


class TestALicenseThatEndsToday:
    def test_case_17_covers_today_s_last_minute_and_not_tomorrow(self) -> None:
        nurse = calendar("22:00-02:00", licensed_until=FRIDAY)

        assert shown(nurse, FRIDAY)[-1] == "23:30"
        assert found(nurse, SATURDAY) == []

    def test_case_17_does_not_cover_a_visit_over_midnight(self) -> None:
        nurse = calendar("22:00-02:00", licensed_until=FRIDAY)

        assert shown(nurse, FRIDAY, length=60)[-1] == "23:00"
        asked = request(FRIDAY, NEW_YORK, length=60, days=1)
        assert slots.judge(nurse, asked, at(FRIDAY, "23:30")) == "license"
