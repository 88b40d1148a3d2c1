"""The stored record as the chain sees it: its keys, its events, its seals, its newest seal."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from accounts.audit.chain import Event, Keys, Seal
from accounts.audit.heads import Head
from accounts.models import AuditEvent, AuditSeal

FIELDS = tuple(field.name for field in AuditEvent._meta.concrete_fields)
CHUNK = 2_000


def keys() -> Keys:
    """
    Return the keys of the chain, the signing one first.

    Raises:
        ImproperlyConfigured: there is none.
    """
    if not settings.AUDIT_KEYS:
        raise ImproperlyConfigured("AUDIT_KEYS must hold a key.")
    return settings.AUDIT_KEYS


def events(
    *, above: int | None = None, up_to: int | None = None, most: int | None = None
) -> Iterator[Event]:
    """Yield stored events above a `seq`, in rising order; at most `most` of them, none above `up_to`."""
    rows = AuditEvent.objects.order_by("seq")
    if above is not None:
        rows = rows.filter(seq__gt=above)
    if up_to is not None:
        rows = rows.filter(seq__lte=up_to)
    found = rows.values(*FIELDS)[:most]
    yield from found.iterator(chunk_size=CHUNK)


def seals(*, above: int = 0, up_to: int) -> Iterator[Seal]:
    """Yield stored seals by number, from above one to another."""
    rows = AuditSeal.objects.filter(number__gt=above, number__lte=up_to).order_by("number")
    for row in rows.values_list("number", "seq", "key_id", "hash").iterator(chunk_size=CHUNK):
        yield Seal(*row)


def seal_numbered(number: int) -> Seal | None:
    """Return the seal with that number."""
    return _first(number=number)


def head() -> Seal | None:
    """Return the newest seal."""
    return _first()


def current_head() -> Head | None:
    """Return the newest seal as a head to be stored elsewhere."""
    first, newest = seal_numbered(1), head()
    return Head(newest, first.hash) if first and newest else None


def newest_seq() -> int:
    """Return the number of the newest event that can be seen; 0 without any."""
    return AuditEvent.objects.order_by("-seq").values_list("seq", flat=True).first() or 0


def _first(**which: Any) -> Seal | None:
    rows = AuditSeal.objects.filter(**which).order_by("-number")
    row = rows.values_list("number", "seq", "key_id", "hash").first()
    return Seal(*row) if row else None
