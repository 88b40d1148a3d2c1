"""
Who may open the live feed, and who still may while it is open (security reference, S28, S29, S31, S42).

Everything here reads the database: call it beside the event loop.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn
from urllib.parse import urlsplit

from django.conf import settings
from django.http.cookie import parse_cookie
from django.http.request import validate_host

from accounts import issued_keys, keys
from accounts.access import Viewer, still_may, viewer_of, viewer_of_key
from accounts.exceptions import KeyRefused, TooManyRequests
from accounts.models import ApiKey, AuditEvent
from accounts.origin import KeyOrigin, Origin
from accounts.permissions import Resource, Verb
from accounts.services import record_event
from accounts.sign_in.sessions import live_user
from accounts.throttle import bad_key_limit, key_limit, take

SURFACE = "live"
LOCAL_HOSTS = (".localhost", "127.0.0.1", "[::1]")
"""What Django takes for its own with DEBUG=1 and without ALLOWED_HOSTS."""
SESSION_OVER, NOT_ALLOWED = 4401, 4403


class EntryRefused(Exception):
    """The socket is not opened; nobody is told why."""


class FeedClosed(Exception):
    """An open socket has to close, with a code that says why."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who opened a socket: a session of a person, or a key."""

    origin: Origin | KeyOrigin
    address: str
    session_key: str = ""
    role: str = ""

    @property
    def name(self) -> str:
        """Return what sockets are counted by."""
        return self.session_key or str(self.origin)

    def viewer(self, *, now: datetime) -> Viewer:
        """
        Return what they may see now, read afresh.

        Raises:
            FeedClosed: nothing any more.
        """
        if isinstance(self.origin, KeyOrigin):
            key = ApiKey.objects.filter(pk=self.origin.key_id).first()
            if key is None or not key.is_usable(now=now):
                raise FeedClosed(NOT_ALLOWED)
            return viewer_of_key(key.scopes)
        if not still_may(self.origin.user_id, Verb.READ, Resource.LIVE_CALLS, role=self.role):
            raise FeedClosed(NOT_ALLOWED)
        user = live_user(session_key=self.session_key, now=now)
        if user is None or user.pk != self.origin.user_id:
            raise FeedClosed(SESSION_OVER)
        return viewer_of(user, now=now)


def admitted(scope: Mapping[str, Any], *, now: datetime) -> Watcher:
    """
    Return who asks for the feed; a key counts before a cookie. Who is let in is an event of the audit record.

    Raises:
        EntryRefused: nobody who may have it, or a foreign page asks with somebody's cookie.
    """
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    address = str((scope.get("client") or [""])[0])
    query = scope.get("query_string", b"").decode("latin-1")
    if keys.is_in_address(f"{scope['path']}?{query}"):
        _refuse_key(KeyRefused("in_address"), address, now)
    token = keys.bearer_token(headers.get("authorization", ""))
    watcher = _session_of(headers, address, now) if token is None else _key_of(token, address, now)
    try:
        viewer = watcher.viewer(now=now)
    except FeedClosed as closed:
        raise EntryRefused from closed
    if not viewer.may(Verb.READ, Resource.LIVE_CALLS):
        watcher.origin.record(action="access.denied", outcome="forbidden", object_type="live_feed")
        raise EntryRefused
    watcher.origin.record(action="live.opened", object_type="live_feed")
    return watcher


def origin_is_ours(origin: str) -> bool:
    """Tell whether a page of ours asks: a host of ALLOWED_HOSTS, by https unless DEBUG=1."""
    try:
        parts = urlsplit(origin)
        host = parts.hostname or ""
    except ValueError:
        return False
    schemes = {"https", "http"} if settings.DEBUG else {"https"}
    hosts = settings.ALLOWED_HOSTS or (LOCAL_HOSTS if settings.DEBUG else ())
    shown = f"[{host}]" if ":" in host else host
    return parts.scheme in schemes and bool(host) and validate_host(shown, list(hosts))


def _session_of(headers: Mapping[str, str], address: str, now: datetime) -> Watcher:
    session_key = parse_cookie(headers.get("cookie", "")).get(settings.SESSION_COOKIE_NAME, "")
    if not session_key or not origin_is_ours(headers.get("origin", "")):
        raise EntryRefused
    user = live_user(session_key=session_key, now=now)
    if user is None:
        raise EntryRefused
    return Watcher(Origin(user.pk, SURFACE, address), address, session_key, user.role)


def _key_of(token: str, address: str, now: datetime) -> Watcher:
    try:
        key = issued_keys.recognised_key(token, address=address, now=now)
    except KeyRefused as refused:
        _refuse_key(refused, address, now)
    try:
        take(key_limit(key.pk, method="GET"), now=now)
    except TooManyRequests as error:
        raise EntryRefused from error
    issued_keys.note_use(key, now=now)
    return Watcher(KeyOrigin(key.pk, SURFACE, address), address)


def _refuse_key(refused: KeyRefused, address: str, now: datetime) -> NoReturn:
    """Count a key that opens nothing and record it, as the API does; beyond the limit it is only refused."""
    try:
        take(bad_key_limit(address), now=now)
    except TooManyRequests as error:
        raise EntryRefused from error
    known = refused.outcome in {"revoked", "expired", "wrong_address"}  # it was the right secret
    record_event(
        action="key.refused",
        outcome=refused.outcome,
        surface=SURFACE,
        actor_type=AuditEvent.ActorType.KEY if known else AuditEvent.ActorType.SYSTEM,
        actor_id=refused.key_id if known else "",
        object_type="api_key",
        object_id=refused.key_id,
        address=address,
    )
    raise EntryRefused from refused
