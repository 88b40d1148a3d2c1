"""
When reminders go out: never in the patient's quiet hours, never in the last hour before the visit.

The oracle walks over the minutes and reads the patient's clock at each one; it knows nothing of edges or folds.
"""

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.messages.times import (
    LEADS,
    is_quiet,
    notice_time,
    quiet_since,
    quiet_until,
    reminder_time,
)

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
TWO_DAYS, TWO_HOURS = LEADS["reminder_48h"], LEADS["reminder_2h"]
NEW_YORK, BERLIN, KATHMANDU = map(ZoneInfo, ("America/New_York", "Europe/Berlin", "Asia/Kathmandu"))
CHANGES = {  # days around which the clocks of a zone change, or a date is skipped
    "America/New_York": (datetime(2026, 3, 8), datetime(2026, 11, 1)),  # noqa: DTZ001 - local dates
    "Europe/Berlin": (datetime(2026, 3, 29), datetime(2026, 10, 25)),  # noqa: DTZ001
    "Australia/Lord_Howe": (datetime(2026, 4, 5), datetime(2026, 10, 4)),  # noqa: DTZ001
    "America/Santiago": (datetime(2026, 4, 4), datetime(2026, 9, 5)),  # noqa: DTZ001
    "Africa/Cairo": (datetime(2026, 4, 24), datetime(2026, 10, 29)),  # noqa: DTZ001
    "America/Nuuk": (datetime(2026, 3, 28), datetime(2026, 10, 24)),  # noqa: DTZ001 - at 22:00
    "Asia/Kathmandu": (datetime(2026, 6, 1),),  # noqa: DTZ001 - never changes
    "Pacific/Apia": (datetime(2011, 12, 30),),  # noqa: DTZ001 - a date that never was
}


def quiet_by_the_clock(moment: datetime, zone: ZoneInfo) -> bool:
    return not 8 <= moment.astimezone(zone).hour < 21


def walk(moment: datetime, zone: ZoneInfo, step: timedelta) -> datetime:
    """Return the first minute from `moment` on, in steps, that is not quiet."""
    while quiet_by_the_clock(moment, zone):
        moment += step
    return moment


def oracle(*, start: datetime, lead: timedelta, zone: ZoneInfo, now: datetime) -> datetime | None:
    wanted = start - lead
    if wanted <= now:
        return None
    if not quiet_by_the_clock(wanted, zone):
        return wanted
    later = walk(wanted, zone, MINUTE)
    earlier = walk(wanted, zone, -MINUTE) + MINUTE - timedelta(minutes=30)
    order = [earlier, later] if start.astimezone(zone).hour < 12 else [later, earlier]
    return next((one for one in order if now < one <= start - HOUR), None)


@st.composite
def cases(draw: st.DrawFn) -> tuple[datetime, timedelta, ZoneInfo, datetime]:
    """Return a visit near a clock change, a lead, the patient's zone and a now before the visit."""
    name = draw(st.sampled_from(sorted(CHANGES)))
    day = draw(st.sampled_from(CHANGES[name]))
    begins = day.replace(tzinfo=UTC) + draw(st.integers(-2 * 1440, 4 * 1440)) * MINUTE
    lead = draw(st.sampled_from([TWO_DAYS, TWO_HOURS]))
    now = begins - draw(st.integers(1, 4 * 1440)) * MINUTE
    return begins, lead, ZoneInfo(name), now


def local(text: str, zone: ZoneInfo) -> datetime:
    """Return an instant written in a zone's time."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


class TestReminderTime:
    @given(case=cases())
    def test_is_what_a_walk_over_the_minutes_finds(
        self, case: tuple[datetime, timedelta, ZoneInfo, datetime]
    ) -> None:
        start, lead, zone, now = case

        found = reminder_time(start=start, lead=lead, zone=zone, now=now)

        assert found == oracle(start=start, lead=lead, zone=zone, now=now)

    @given(case=cases())
    def test_is_never_quiet_never_past_and_never_in_the_last_hour(
        self, case: tuple[datetime, timedelta, ZoneInfo, datetime]
    ) -> None:
        start, lead, zone, now = case

        found = reminder_time(start=start, lead=lead, zone=zone, now=now)

        if found is not None:
            assert not quiet_by_the_clock(found, zone)
            assert now < found <= start - HOUR

    def test_is_compared_on_cases_of_all_sorts(self) -> None:
        """Every hour around both changes of every zone; most cases have a reminder, and many were moved."""
        seen: Counter[str] = Counter()
        for name, days in CHANGES.items():
            zone = ZoneInfo(name)
            for day, hours, lead in (
                (day, hours, lead)
                for day in days
                for hours in range(-48, 96)
                for lead in LEADS.values()
            ):
                start = day.replace(tzinfo=UTC) + hours * HOUR + 15 * MINUTE
                now = start - 3 * TWO_DAYS
                found = reminder_time(start=start, lead=lead, zone=zone, now=now)
                assert found == oracle(start=start, lead=lead, zone=zone, now=now)
                seen["moved" if found != start - lead else "as wanted"] += 1

        assert seen["moved"] > 1000
        assert seen["as wanted"] > 1000

    def test_two_days_before_is_elapsed_time_over_a_clock_change(self) -> None:
        """New York springs forward in the night to Sunday, March 8: 48 hours before Monday 10:00 is Saturday 09:00."""
        found = reminder_time(
            start=local("2026-03-09T10:00", NEW_YORK),
            lead=TWO_DAYS,
            zone=NEW_YORK,
            now=local("2026-03-01T10:00", NEW_YORK),
        )

        assert found == local("2026-03-07T09:00", NEW_YORK)

    @pytest.mark.parametrize(
        ("start", "lead", "expected"),
        [
            ("2026-03-10T09:00", TWO_HOURS, "2026-03-09T20:30"),  # a morning: the evening before
            ("2026-03-10T10:00", TWO_HOURS, "2026-03-10T08:00"),  # the first minute is not quiet
            ("2026-03-10T22:30", TWO_DAYS, "2026-03-09T08:00"),  # an evening: when the night ends
            ("2026-03-10T23:30", TWO_HOURS, "2026-03-10T20:30"),  # the night's end is too late
            ("2026-03-10T02:00", TWO_HOURS, "2026-03-09T20:30"),
            ("2026-03-10T23:00", TWO_HOURS, "2026-03-10T20:30"),  # 21:00 itself is quiet
            ("2026-03-10T22:59", TWO_HOURS, "2026-03-10T20:59"),
        ],
    )
    def test_is_pushed_out_of_the_night(self, start: str, lead: timedelta, expected: str) -> None:
        found = reminder_time(
            start=local(start, BERLIN),
            lead=lead,
            zone=BERLIN,
            now=local("2026-03-01T10:00", BERLIN),
        )

        assert found == local(expected, BERLIN)

    def test_follows_the_patients_clock_alone(self) -> None:
        """A nurse in Kathmandu, a clinic in New York, a patient in Berlin: 08:00 means Berlin's."""
        start = local("2026-03-11T02:30", KATHMANDU)  # 21:45 on the day before in Berlin

        found = reminder_time(start=start, lead=TWO_DAYS, zone=BERLIN, now=start - 2 * TWO_DAYS)

        assert found == local("2026-03-09T08:00", BERLIN)

    def test_goes_out_when_the_night_ends_if_the_evening_has_passed(self) -> None:
        found = reminder_time(
            start=local("2026-03-10T09:30", BERLIN),
            lead=TWO_HOURS,
            zone=BERLIN,
            now=local("2026-03-09T22:00", BERLIN),
        )

        assert found == local("2026-03-10T08:00", BERLIN)

    def test_is_left_out_if_neither_side_of_the_night_will_do(self) -> None:
        found = reminder_time(
            start=local("2026-03-10T08:30", BERLIN),
            lead=TWO_HOURS,
            zone=BERLIN,
            now=local("2026-03-09T22:00", BERLIN),
        )

        assert found is None

    def test_is_left_out_if_its_moment_has_passed_at_the_booking(self) -> None:
        start = local("2026-03-10T14:00", BERLIN)

        assert reminder_time(start=start, lead=TWO_DAYS, zone=BERLIN, now=start - TWO_DAYS) is None


class TestQuietHours:
    @pytest.mark.parametrize("zone", [NEW_YORK, BERLIN, KATHMANDU])
    def test_are_21_to_8_on_the_local_clock(self, zone: ZoneInfo) -> None:
        quiet = {
            clock: is_quiet(local(f"2026-03-10T{clock}", zone), zone=zone)
            for clock in ("07:59", "08:00", "20:59", "21:00", "00:00")
        }

        assert quiet == {
            "07:59": True,
            "08:00": False,
            "20:59": False,
            "21:00": True,
            "00:00": True,
        }

    def test_last_longer_where_a_date_is_skipped(self) -> None:
        """Samoa went from December 29, 2011 to the 31st at midnight."""
        apia = ZoneInfo("Pacific/Apia")
        night = local("2011-12-29T23:30", apia)

        assert quiet_since(night, zone=apia) == local("2011-12-29T21:00", apia)
        assert quiet_until(night, zone=apia) == local("2011-12-31T08:00", apia)

    def test_end_at_once_when_it_is_not_quiet(self) -> None:
        noon = local("2026-03-10T12:00", BERLIN)

        assert quiet_until(noon, zone=BERLIN) == noon


class TestNoticeTime:
    @pytest.mark.parametrize(
        ("now", "starts", "expected"),
        [
            ("2026-03-09T20:59", ["2026-03-10T15:00"], "2026-03-09T20:59"),  # not quiet yet
            ("2026-03-09T21:00", ["2026-03-10T15:00"], "2026-03-10T08:00"),
            ("2026-03-10T03:00", ["2026-03-10T15:00"], "2026-03-10T08:00"),
            ("2026-03-10T07:59", ["2026-03-10T15:00"], "2026-03-10T08:00"),
            ("2026-03-10T08:00", ["2026-03-10T15:00"], "2026-03-10T08:00"),
            ("2026-03-09T23:00", ["2026-03-10T09:59"], "2026-03-09T23:00"),  # too near
            ("2026-03-09T23:00", ["2026-03-10T10:00"], "2026-03-10T08:00"),
            ("2026-03-09T23:00", ["2026-03-09T23:30"], "2026-03-09T23:00"),
            ("2026-03-09T23:00", ["2026-03-09T22:30"], "2026-03-09T23:00"),  # it has begun
            ("2026-03-09T23:00", ["2026-03-20T15:00", "2026-03-10T09:00"], "2026-03-09T23:00"),
            ("2026-03-28T23:00", ["2026-03-29T11:00"], "2026-03-29T08:00"),  # the clocks change
        ],
    )
    def test_of_what_others_did_leaves_the_night_alone(
        self, now: str, starts: list[str], expected: str
    ) -> None:
        found = notice_time(
            by_patient=False,
            starts=[local(start, BERLIN) for start in starts],
            zone=BERLIN,
            now=local(now, BERLIN),
        )

        assert found == local(expected, BERLIN)

    @given(case=cases())
    def test_of_what_the_patient_did_is_now(
        self, case: tuple[datetime, timedelta, ZoneInfo, datetime]
    ) -> None:
        start, _, zone, now = case

        assert notice_time(by_patient=True, starts=[start], zone=zone, now=now) == now

    @given(case=cases())
    def test_is_never_at_night_unless_a_visit_is_near(
        self, case: tuple[datetime, timedelta, ZoneInfo, datetime]
    ) -> None:
        start, _, zone, now = case

        found = notice_time(by_patient=False, starts=[start], zone=zone, now=now)

        assert found == now or not quiet_by_the_clock(found, zone)
        assert found <= start
        assert found == now or start >= found + 2 * HOUR
