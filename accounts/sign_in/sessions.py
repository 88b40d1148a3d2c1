"""Sessions of staff: begun after both factors, renewed, listed and ended (security reference, S31, S35)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from accounts.models import User
from accounts.sign_in import ages
from accounts.sign_in.devices import device_name


def lifetimes() -> ages.Lifetimes:
    """Return how long sessions live here."""
    return ages.Lifetimes(
        idle=timedelta(minutes=settings.LIMIT_SESSION_IDLE_MINUTES),
        total=timedelta(hours=settings.LIMIT_SESSION_HOURS),
        verified=timedelta(minutes=settings.LIMIT_REAUTHENTICATION_MINUTES),
    )


def rights_of(user: User) -> str:
    """Return what the person may do, in a form that differs when any of it changes."""
    return f"{user.role}:{user.is_staff:d}:{user.is_superuser:d}"


def session_is_alive(session: Mapping[str, Any], *, now: datetime) -> bool:
    """Return whether somebody who gave both factors is still there, by what the session says."""
    return ages.is_alive(session, lifetimes(), now=now)


def live_user(*, session_key: str, now: datetime) -> User | None:
    """
    Return who is signed in with a session, read afresh; for sockets, which outlive a request.

    Nothing if the session ended, ran out or was never through the second factor, if the password has changed since,
    or if the account was switched off.
    """
    session = SessionStore(session_key).load()
    if not session_is_alive(session, now=now):
        return None
    user = User.objects.filter(pk=session.get(SESSION_KEY, ""), is_active=True).first()
    if user is None or session.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS:
        return None
    hashes = (user.get_session_auth_hash(), *user.get_session_auth_fallback_hash())
    held = session.get(HASH_SESSION_KEY, "")
    return user if any(constant_time_compare(held, one) for one in hashes) else None


def renew(request: HttpRequest) -> None:
    """Give the session a new id and keep what it holds; its place in the list of sessions goes with it."""
    before = request.session.session_key
    request.session.cycle_key()
    UserSession.objects.filter(session_key=before).update(session_key=request.session.session_key)


@dataclass(frozen=True)
class ListedSession:
    """A session as its person sees it."""

    id: int
    device: str
    address: str
    begun_at: datetime
    active_at: datetime
    is_current: bool


def listed_sessions(*, user: User, current_key: str, now: datetime) -> list[ListedSession]:
    """Return the living sessions of somebody, the current one first, then by last use."""
    listed = []
    for row in UserSession.objects.filter(user=user):
        session = SessionStore(row.session_key).load()
        if not session_is_alive(session, now=now):
            continue
        active = datetime.fromtimestamp(session[ages.ACTIVE], tz=UTC)
        is_current = row.session_key == current_key
        device = device_name(row.user_agent)
        listed.append(ListedSession(row.pk, device, row.ip, row.created_at, active, is_current))
    return sorted(listed, key=lambda one: (not one.is_current, -one.active_at.timestamp()))


def end_sessions(
    *, user: User, keep_key: str = "", only_key: str | None = None, only_id: int | None = None
) -> int:
    """End sessions of somebody, all but `keep_key` or only one; return how many."""
    rows = UserSession.objects.filter(user=user).exclude(session_key=keep_key)
    if only_key is not None:
        rows = rows.filter(session_key=only_key)
    if only_id is not None:
        rows = rows.filter(pk=only_id)
    ended = list(rows)
    for row in ended:
        row.end()
    return len(ended)


def forget_ended(*, now: datetime) -> int:
    """Drop sessions that nobody can use any more, and where they were; return how many."""
    ended, _ = Session.objects.filter(expire_date__lt=now).delete()
    UserSession.objects.filter(created_at__lt=now - lifetimes().total).delete()
    return ended
