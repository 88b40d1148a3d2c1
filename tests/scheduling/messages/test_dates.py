"""How a message writes a moment and a number."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from scheduling.messages.dates import clock_time, date_and_time, phone_number

MOMENT = datetime(2026, 3, 7, 17, 5, tzinfo=UTC)  # the Saturday before New York's clocks change
WRITTEN = [
    ("America/New_York", "en", "sms", "Sat Mar 7, 12:05 PM EST"),
    ("America/New_York", "es", "sms", "sab 7 mar, 12:05 EST"),
    ("America/New_York", "en", "email", "Saturday, March 7, 2026, at 12:05 PM EST"),
    ("America/New_York", "es", "email", "sábado, 7 de marzo de 2026, a las 12:05 EST"),
    ("Asia/Kathmandu", "en", "sms", "Sat Mar 7, 10:50 PM UTC+5:45"),
    ("America/Sao_Paulo", "en", "sms", "Sat Mar 7, 2:05 PM UTC-3"),
    ("Pacific/Auckland", "en", "sms", "Sun Mar 8, 6:05 AM NZDT"),
    ("America/New_York", "fr", "sms", "Sat Mar 7, 12:05 PM EST"),
]


class TestDateAndTime:
    @pytest.mark.parametrize(("zone", "language", "channel", "text"), WRITTEN)
    def test_is_the_readers_own(self, zone: str, language: str, channel: str, text: str) -> None:
        written = date_and_time(MOMENT, zone=ZoneInfo(zone), language=language, channel=channel)

        assert written == text

    @pytest.mark.parametrize(
        ("hour", "text"), [(0, "12:05 AM"), (11, "11:05 AM"), (12, "12:05 PM"), (23, "11:05 PM")]
    )
    def test_counts_the_hours_twice_to_twelve(self, hour: int, text: str) -> None:
        moment = datetime(2026, 3, 7, hour, 5, tzinfo=UTC)

        assert clock_time(moment, zone=ZoneInfo("UTC"), language="en") == text


class TestPhoneNumber:
    def test_of_the_us_is_written_as_it_is_dialled(self) -> None:
        assert phone_number("+12025550100") == "202-555-0100"

    def test_of_elsewhere_keeps_its_country_code(self) -> None:
        assert phone_number("+442079460000") == "+442079460000"
