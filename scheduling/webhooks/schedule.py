"""
What an answer means and when to try again (scheduling reference, section 15; S67). No I/O, no clock, no chance.

The waits before the second and each further try grow from a minute to about half a day.
"""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum

WAITS_S = (60, 300, 1_200, 3_600, 10_800, 21_600, 39_000)
JITTER = 0.1
"""By how much of itself a wait may be longer: receivers that failed together are not tried together again."""
LONGEST_WAIT_S = 43_200
NOT_NOW = {429, 503}
GONE = 410
GRANTED_TRIES = 3
"""After so many tries a receiver no longer shortens the wait by `Retry-After`: it would soon be given up."""


class Verdict(Enum):
    """What an answer makes of a delivery."""

    DELIVERED = "delivered"
    GONE = "gone"
    FAILED = "failed"


def verdict(status: int) -> Verdict:
    """Return what an HTTP status means; a redirection is a failure and is not followed."""
    if 200 <= status < 300:
        return Verdict.DELIVERED
    return Verdict.GONE if status == GONE else Verdict.FAILED


def wait_s(*, attempts: int, chance: float, asked_s: float | None = None) -> float:
    """
    Return how many seconds pass after a failed try, `attempts` of which there have been (1 or more).

    `chance` from 0 to 1 chooses within the jitter; `asked_s` is what the receiver asked for, see `asked_wait_s`.
    """
    own = WAITS_S[min(attempts, len(WAITS_S)) - 1] * (1 + JITTER * chance)
    if asked_s is None:
        return own
    if attempts > GRANTED_TRIES:
        asked_s = max(asked_s, own)
    return min(max(asked_s, 1.0), LONGEST_WAIT_S)


def asked_wait_s(*, status: int, retry_after: str, now: datetime) -> float | None:
    """Return the seconds that `Retry-After` asks for (RFC 9110, section 10.2.3), if it counts and can be read."""
    text = retry_after.strip()
    if status not in NOT_NOW or not text:
        return None
    if text.isascii() and text.isdigit():
        return float(min(int(text[:10]), LONGEST_WAIT_S))
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - now) / timedelta(seconds=1))
