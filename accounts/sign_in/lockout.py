"""
How many tries somebody has: counted in the database, before anything is checked (security reference, S33).

A try is written down as failed, and taken back when it turns out right. So of fifty at once only as many reach the
check as there are tries left, on every process together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from unicodedata import normalize

from django.conf import settings
from django.db import transaction

from accounts.models import SignInCounter
from accounts.sign_in.addresses import network_of

FORGET_AFTER = timedelta(days=1)


@dataclass(frozen=True)
class Limit:
    """So many failures within `window` for one key; reaching it locks for `lock`, or until the oldest has aged."""

    key: str
    failures: int
    window: timedelta
    lock: timedelta | None = None


@dataclass(frozen=True)
class Attempt:
    """A try that was let through; `is_last` if it used up a limit."""

    keys: tuple[str, ...]
    stamp: float
    is_last: bool


def account_limit(username: str) -> Limit:
    """Return the limit of an account, whether it exists or not; two spellings of a name are one account."""
    name = normalize("NFKC", username).casefold().strip()
    window = timedelta(minutes=settings.LIMIT_LOGIN_LOCK_MINUTES)
    failures = settings.LIMIT_LOGIN_FAILURES_PER_ACCOUNT
    return Limit(f"account:{sha256(name.encode()).hexdigest()}", failures, window, window)


def address_limit(address: str) -> Limit:
    """Return the limit of an address; it is never locked longer than its failures are remembered."""
    failures = settings.LIMIT_LOGIN_FAILURES_PER_ADDRESS_HOUR
    return Limit(f"address:{network_of(address)}", failures, timedelta(hours=1))


def code_limit(user_id: object) -> Limit:
    """Return the limit of somebody's second factor (security reference, S32)."""
    window = timedelta(minutes=settings.LIMIT_LOGIN_LOCK_MINUTES)
    return Limit(f"code:{user_id}", settings.LIMIT_LOGIN_CODE_TRIES, window, window)


@transaction.atomic
def begin_attempt(*limits: Limit, now: datetime) -> Attempt | None:
    """Count a try against all limits and return it, or nothing if one of them is used up; then none is counted."""
    rows = _locked_rows([limit.key for limit in limits], now=now)
    kept = {limit.key: _recent(rows[limit.key], limit, now=now) for limit in limits}
    if any(_is_locked(rows[one.key], kept[one.key], one, now=now) for one in limits):
        return None
    stamp, is_last = now.timestamp(), False
    for limit in limits:
        row = rows[limit.key]
        row.tries = [*kept[limit.key], stamp]
        row.last_at = now
        row.locked_until = None
        if len(row.tries) >= limit.failures:
            is_last = True
            row.locked_until = now + limit.lock if limit.lock else None
        row.save()
    return Attempt(tuple(limit.key for limit in limits), stamp, is_last)


@transaction.atomic
def take_back(attempt: Attempt) -> None:
    """Count a try no longer: it was right."""
    for row in (
        SignInCounter.objects.select_for_update(no_key=True)
        .filter(key__in=attempt.keys)
        .order_by("key")
    ):
        if attempt.stamp in row.tries:
            row.tries.remove(attempt.stamp)
            row.locked_until = None
            row.save()


def forget(*limits: Limit) -> bool:
    """Drop what was counted against these limits; return whether one of them was used up."""
    keys = [limit.key for limit in limits]
    locked = SignInCounter.objects.filter(key__in=keys, locked_until__isnull=False).exists()
    SignInCounter.objects.filter(key__in=keys).delete()
    return locked


def forget_old(*, now: datetime) -> int:
    """Drop counters that no limit looks at any more; return how many."""
    return SignInCounter.objects.filter(last_at__lt=now - FORGET_AFTER).delete()[0]


def _locked_rows(keys: Sequence[str], *, now: datetime) -> dict[str, SignInCounter]:
    """Return the counters, locked in the order of their keys, which is the same for everybody."""
    missing = [SignInCounter(key=key, last_at=now) for key in sorted(keys)]
    SignInCounter.objects.bulk_create(missing, ignore_conflicts=True)
    found = (
        SignInCounter.objects.select_for_update(no_key=True).filter(key__in=keys).order_by("key")
    )
    return {row.key: row for row in found}


def _recent(row: SignInCounter, limit: Limit, *, now: datetime) -> list[float]:
    oldest = (now - limit.window).timestamp()
    return [stamp for stamp in row.tries if stamp > oldest]


def _is_locked(row: SignInCounter, recent: list[float], limit: Limit, *, now: datetime) -> bool:
    if row.locked_until is not None and now < row.locked_until:
        return True
    return len(recent) >= limit.failures
