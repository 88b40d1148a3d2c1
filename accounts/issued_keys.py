"""API keys that were issued: making, finding, recognising and revoking them (security reference, S42 and S28)."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet

from accounts import keys
from accounts.exceptions import InvalidLifetime, KeyRefused, NoSuchKey
from accounts.models import ApiKey
from accounts.origin import Origin
from accounts.permissions import Resource, Verb
from accounts.rights import lock_people
from accounts.services import record_event

USUAL_DAYS = 90
STAMP_AFTER = timedelta(minutes=1)
"""How far the stamp of the last use may lag behind, so that a busy key is not written at every request."""

_NO_KEY = keys.digest("")


def issued_keys() -> QuerySet[ApiKey]:
    """Return all keys with who made them: those that were not revoked first, the latest first."""
    in_use_first = F("revoked_at").desc(nulls_first=True)
    return ApiKey.objects.select_related("created_by").order_by(in_use_first, "-created_at", "id")


@transaction.atomic
def create_key(
    *,
    name: str,
    scopes: Iterable[str],
    networks: Iterable[str] = (),
    days: int = USUAL_DAYS,
    origin: Origin | None = None,
    now: datetime,
) -> tuple[ApiKey, str]:
    """
    Make a key and return it with its text, which nobody can read again; without `origin` an operator makes it.

    Raises:
        NotAllowed: whoever asks was no administrator any more by the time it was their turn.
        InvalidScopes: a scope is unknown, or there is none.
        InvalidNetwork: an address is none.
        InvalidLifetime: it would live less than a day, or too long.
        ValidationError: the name is empty or too long.
    """
    if origin is not None:
        _look_again(origin, Verb.CREATE)
    if not 1 <= days <= settings.LIMIT_KEY_DAYS:
        raise InvalidLifetime(settings.LIMIT_KEY_DAYS)
    made = keys.new_key()
    key = ApiKey(
        name=name.strip(),
        public_id=made.public_id,
        key_hash=made.digest,
        scopes=keys.scopes_of(scopes),
        networks=keys.networks_of(networks),
        created_by_id=origin.user_id if origin else None,
        created_at=now,
        expires_at=now + timedelta(days=days),
    )
    key.full_clean()
    key.save(force_insert=True)
    _record("key.created", key, origin, reason=" ".join(key.scopes))
    return key, made.text


@transaction.atomic
def change_key(
    *,
    key_id: UUID,
    name: str | None = None,
    networks: Iterable[str] | None = None,
    origin: Origin,
) -> ApiKey:
    """
    Change the name of a key, or from where it may be used; who does so writes the event.

    Raises:
        NotAllowed: as for a new key.
        NoSuchKey: there is none of that id.
        InvalidNetwork: an address is none.
    """
    _look_again(origin, Verb.UPDATE)
    key = ApiKey.objects.select_for_update(no_key=True).filter(pk=key_id).first()
    if key is None:
        raise NoSuchKey
    if name is not None:
        key.name = name
    if networks is not None:
        key.networks = keys.networks_of(networks)
    key.save(update_fields=["name", "networks"])
    return key


@transaction.atomic
def revoke_key(*, key_id: UUID, origin: Origin, now: datetime) -> ApiKey:
    """
    Close a key: the next request that brings it is refused, on every process.

    Raises:
        NotAllowed: as for a new key.
        NoSuchKey: there is none of that id.
    """
    _look_again(origin, Verb.DELETE)
    key = ApiKey.objects.select_for_update(no_key=True).filter(pk=key_id).first()
    if key is None:
        raise NoSuchKey
    if key.revoked_at is None:
        key.revoked_at = now
        key.save(update_fields=["revoked_at"])
        _record("key.revoked", key, origin)
    return key


def recognised_key(text: str, *, address: str, now: datetime) -> ApiKey:
    """
    Return the key of that text, if it opens anything at that address now.

    Raises:
        KeyRefused: it is no key, unknown, wrong, revoked, expired, or not for that address.
    """
    public_id = keys.public_id_of(text)
    key = ApiKey.objects.filter(public_id=public_id).first() if public_id else None
    is_right = keys.matches(text, key.key_hash if key else _NO_KEY)
    if key is None:
        raise KeyRefused("unknown" if public_id else "malformed")
    if not is_right:
        raise KeyRefused("wrong_secret", key.pk)
    if key.revoked_at is not None:
        raise KeyRefused("revoked", key.pk)
    if not key.is_usable(now=now):
        raise KeyRefused("expired", key.pk)
    if not keys.is_allowed(address, key.networks):
        raise KeyRefused("wrong_address", key.pk)
    return key


def note_use(key: ApiKey, *, now: datetime) -> None:
    """Stamp when a key was last used, at most once a minute."""
    if key.last_used_at is not None and now - key.last_used_at < STAMP_AFTER:
        return
    stale = Q(last_used_at=None) | Q(last_used_at__lte=now - STAMP_AFTER)
    ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=now)


def _look_again(origin: Origin, verb: Verb) -> None:
    lock_people([], origin=origin, verb=verb, resource=Resource.API_KEY)


def _record(action: str, key: ApiKey, origin: Origin | None, *, reason: str = "") -> None:
    details: dict[str, Any] = {"object_type": "api_key", "object_id": key.pk, "reason": reason}
    if origin is None:
        record_event(action=action, outcome="ok", surface="cli", **details)
    else:
        origin.record(action=action, **details)
