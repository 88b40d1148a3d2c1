"""Times, numbers and people as the design guide writes them."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from dashboard.templatetags import words
from tests.dashboard.rows import NOON


class TestTimes:
    def test_are_told_in_the_clinics_zone_on_a_twelve_hour_clock(self) -> None:
        assert words.time_of_day(NOON) == "12:00pm"
        assert words.time_of_day(datetime(2026, 11, 24, 5, 5, tzinfo=UTC)) == "12:05am"
        assert words.time_of_day(datetime(2026, 7, 1, 18, 30, tzinfo=UTC)) == "2:30pm"

    @pytest.mark.parametrize(
        ("day", "hour", "expected"),
        [
            (24, 3, "Yesterday"),  # still Monday evening in New York
            (24, 6, "Today"),
            (25, 17, "Tomorrow"),
            (26, 17, "Thu 26 Nov"),
        ],
    )
    def test_near_days_have_names(self, day: int, hour: int, expected: str) -> None:
        assert words.near_day(datetime(2026, 11, day, hour, tzinfo=UTC), NOON) == expected

    def test_another_year_is_named(self) -> None:
        assert words.near_day(datetime(2027, 1, 5, 17, tzinfo=UTC), NOON) == "Tue 5 Jan 2027"

    def test_headings_have_the_whole_date(self) -> None:
        assert words.full_moment(NOON) == "Tuesday 24 November 2026, 12:00pm"

    def test_the_zone_is_named_by_its_place(self) -> None:
        assert words.zone_name(NOON) == "New York time (EST)"


class TestFigures:
    @pytest.mark.parametrize(
        ("seconds", "short", "spoken"),
        [
            (0, "0:00", "0 seconds"),
            (1, "0:01", "1 second"),
            (60, "1:00", "1 minute"),
            (88, "1:28", "1 minute 28 seconds"),
            (3_725, "1:02:05", "62 minutes 5 seconds"),
        ],
    )
    def test_lengths(self, seconds: int, short: str, spoken: str) -> None:
        assert words.clock(seconds) == short
        assert words.length(seconds) == spoken

    def test_small_costs_keep_their_tenths_of_a_cent(self) -> None:
        shown = [words.dollars(Decimal(cost)) for cost in ("0.214300", "0.0042", "0")]

        assert shown == ["$0.21", "$0.004", "$0.00"]

    def test_speeds(self) -> None:
        assert [words.speed(ms) for ms in (143, 1_400)] == ["143 ms", "1.4 s"]


class TestPhoneNumbers:
    def test_of_the_clinics_country_are_shown_nationally(self) -> None:
        assert words.phone_number("+12025550118") == "(202) 555-0118"

    def test_of_another_country_keep_their_code(self) -> None:
        assert words.phone_number("+442079460182") == "+44 20 7946 0182"

    @pytest.mark.parametrize("number", ["", "anonymous", "+266696687"])
    def test_withheld_ones_say_so(self, number: str) -> None:
        assert words.phone_number(number) == "Number withheld"

    def test_odd_ones_stand_as_they_are(self) -> None:
        assert words.phone_number("client:robin") == "client:robin"


class TestPeople:
    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("Ida Fernwood", "IF"),
            ("Ana María Reyes", "AR"),
            ("Visitor Sample 02", "VS"),
            ("007", "0"),
            ("Cher", "C"),
            ("", ""),
        ],
    )
    def test_initials(self, name: str, expected: str) -> None:
        assert words.initials(name) == expected
