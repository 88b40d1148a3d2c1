"""What an answer means and when to try again (scheduling reference, section 15; S67)."""

from datetime import UTC, datetime

import pytest

from scheduling.webhooks.schedule import Verdict, asked_wait_s, verdict, wait_s

NOW = datetime(2026, 3, 5, 15, 0, tzinfo=UTC)
MINUTE, HALF_A_DAY = 60, 43_200


class TestVerdict:
    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            (200, Verdict.DELIVERED),
            (204, Verdict.DELIVERED),
            (301, Verdict.FAILED),
            (307, Verdict.FAILED),
            (400, Verdict.FAILED),
            (410, Verdict.GONE),
            (429, Verdict.FAILED),
            (503, Verdict.FAILED),
        ],
    )
    def test_follows_the_status(self, status: int, expected: Verdict) -> None:
        assert verdict(status) is expected


class TestWait:
    def test_grows_from_a_minute_to_half_a_day(self) -> None:
        waits = [wait_s(attempts=attempts, chance=0) for attempts in range(1, 8)]

        assert waits == sorted(waits)
        assert waits[0] == MINUTE
        assert wait_s(attempts=7, chance=1) <= HALF_A_DAY

    def test_is_spread_by_chance(self) -> None:
        assert wait_s(attempts=1, chance=1) > wait_s(attempts=1, chance=0)

    def test_is_what_the_receiver_asked_for(self) -> None:
        assert wait_s(attempts=1, chance=0, asked_s=7) == 7
        assert wait_s(attempts=1, chance=0, asked_s=900) == 900

    def test_is_never_longer_than_half_a_day(self) -> None:
        assert wait_s(attempts=1, chance=0, asked_s=10**9) == HALF_A_DAY

    def test_is_no_longer_shortened_when_few_tries_are_left(self) -> None:
        assert wait_s(attempts=4, chance=0, asked_s=1) == wait_s(attempts=4, chance=0)
        assert wait_s(attempts=4, chance=0, asked_s=10_000) == 10_000


class TestRetryAfter:
    @pytest.mark.parametrize(
        ("text", "seconds"),
        [
            ("120", 120.0),
            (" 5 ", 5.0),
            ("9" * 400, 43_200.0),
            ("Thu, 05 Mar 2026 15:02:00 GMT", 120.0),
            ("Thu, 05 Mar 2026 14:00:00 GMT", 0.0),
            ("", None),
            ("soon", None),
            ("-5", None),
            ("٣", None),
        ],
    )
    def test_is_seconds_or_a_date(self, text: str, seconds: float | None) -> None:
        assert asked_wait_s(status=503, retry_after=text, now=NOW) == seconds

    def test_counts_only_with_429_and_503(self) -> None:
        assert asked_wait_s(status=429, retry_after="5", now=NOW) == 5
        assert asked_wait_s(status=500, retry_after="5", now=NOW) is None
