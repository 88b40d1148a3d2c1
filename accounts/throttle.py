"""
How often a key may be used, counted in the database for all processes together (security reference, S43).

A bucket holds when its requests came, and only those of the window: in no window of that length are there more than
the limit, whenever it begins. The row is locked while one is taken; whoever is refused writes nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from uuid import UUID

from django.conf import settings
from django.db import transaction

from accounts.exceptions import TooManyRequests
from accounts.models import RequestBucket
from accounts.sign_in.addresses import network_of

FORGET_AFTER = timedelta(days=1)
READING = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class RequestLimit:
    """So many requests within `window` for one bucket."""

    bucket: str
    requests: int
    window: timedelta


def key_limit(key_id: UUID, *, method: str) -> RequestLimit:
    """Return the limit of an API key; reads and writes are counted apart."""
    if method in READING:
        kind, requests = "read", settings.LIMIT_KEY_READS_PER_MINUTE
    else:
        kind, requests = "write", settings.LIMIT_KEY_WRITES_PER_MINUTE
    return RequestLimit(f"{kind}:{key_id}", requests, timedelta(minutes=1))


def bad_key_limit(address: str) -> RequestLimit:
    """Return the limit of an address that sends keys which open nothing."""
    requests = settings.LIMIT_BAD_KEYS_PER_ADDRESS_HOUR
    return RequestLimit(f"bad_key:{network_of(address)}", requests, timedelta(hours=1))


@transaction.atomic
def take(limit: RequestLimit, *, now: datetime) -> None:
    """
    Count one request.

    Raises:
        TooManyRequests: the limit is used up; nothing was counted.
    """
    bucket = _locked_bucket(limit.bucket, now=now)
    oldest = (now - limit.window).timestamp()
    recent = [stamp for stamp in bucket.used if stamp > oldest]
    if len(recent) >= limit.requests:
        raise TooManyRequests(max(1, ceil(min(recent) - oldest)))
    bucket.used = [*recent, now.timestamp()]
    bucket.last_at = now
    bucket.save()


def forget_old_buckets(*, now: datetime) -> int:
    """Drop buckets that no limit looks at any more; return how many."""
    return RequestBucket.objects.filter(last_at__lt=now - FORGET_AFTER).delete()[0]


def _locked_bucket(key: str, *, now: datetime) -> RequestBucket:
    rows = RequestBucket.objects.select_for_update(no_key=True)
    found = rows.filter(pk=key).first()
    if found is None:
        missing = RequestBucket(key=key, last_at=now)
        RequestBucket.objects.bulk_create([missing], ignore_conflicts=True)
        found = rows.get(pk=key)
    return found
