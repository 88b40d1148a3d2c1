"""
How long a session lives: idle, and in all (security reference, S31); no clock, no database.

A session holds its own facts as numbers of seconds since 1970, under the names below.
"""

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

BEGUN = "sign_in.begun_at"
ACTIVE = "sign_in.active_at"
SECOND_FACTOR = "sign_in.second_factor_at"
VERIFIED = "sign_in.verified_at"
RIGHTS = "sign_in.rights"
"""When it began, when a person last did something, when the second factor was given, when password and code of
the app were last given both, and what the person might do then."""


@dataclass(frozen=True)
class Lifetimes:
    """What a session is granted."""

    idle: timedelta
    total: timedelta
    verified: timedelta


def begin(session: MutableMapping[str, Any], *, rights: str, verified: bool, now: datetime) -> None:
    """Write into a new session that its person has given both factors; `verified` if the second was the app's."""
    stamp = now.timestamp()
    session[BEGUN] = session[ACTIVE] = session[SECOND_FACTOR] = stamp
    session[RIGHTS] = rights
    if verified:
        session[VERIFIED] = stamp


def is_alive(session: Mapping[str, Any], lifetimes: Lifetimes, *, now: datetime) -> bool:
    """Return whether the session has passed the second factor, and neither of its times has run out."""
    begun, active = _at(session, BEGUN), _at(session, ACTIVE)
    if begun is None or active is None or _at(session, SECOND_FACTOR) is None:
        return False
    seconds = now.timestamp()
    idle_left = active + lifetimes.idle.total_seconds() > seconds
    return idle_left and begun + lifetimes.total.total_seconds() > seconds


def is_verified(session: Mapping[str, Any], lifetimes: Lifetimes, *, now: datetime) -> bool:
    """Return whether password and code were given so recently that more dangerous things may be done (S36)."""
    verified = _at(session, VERIFIED)
    within = lifetimes.verified.total_seconds()
    return verified is not None and verified + within > now.timestamp()


def seconds_left(session: Mapping[str, Any], lifetimes: Lifetimes, *, now: datetime) -> int:
    """Return after how many seconds the session ends if nobody does anything."""
    begun, active = _at(session, BEGUN), _at(session, ACTIVE)
    if begun is None or active is None:
        return 0
    ends = min(active + lifetimes.idle.total_seconds(), begun + lifetimes.total.total_seconds())
    return max(0, int(ends - now.timestamp()))


def _at(session: Mapping[str, Any], name: str) -> float | None:
    """Return a stamp of the session; what is no number is none."""
    value = session.get(name)
    return float(value) if isinstance(value, int | float) else None
