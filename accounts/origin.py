"""Who does something, and from where: what every event of the audit record needs (security reference, S47)."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpRequest

from accounts.models import ApiKey, AuditEvent, User
from accounts.services import record_event
from accounts.sign_in.events import address_of


@dataclass(frozen=True, slots=True)
class Origin:
    """A member of staff at one of our surfaces."""

    user_id: UUID
    surface: str
    address: str = ""
    request_id: str = ""

    def record(self, *, action: str, outcome: str = "ok", **details: Any) -> AuditEvent:
        """Write one audit event of this person, in the caller's transaction."""
        details |= {"actor_type": AuditEvent.ActorType.USER, "actor_id": self.user_id}
        return _recorded(self, action=action, outcome=outcome, **details)


@dataclass(frozen=True, slots=True)
class KeyOrigin:
    """An integrator's program, with its API key."""

    key_id: UUID
    surface: str
    address: str = ""
    request_id: str = ""

    def record(self, *, action: str, outcome: str = "ok", **details: Any) -> AuditEvent:
        """Write one audit event of this key, in the caller's transaction."""
        details |= {"actor_type": AuditEvent.ActorType.KEY, "actor_id": self.key_id}
        return _recorded(self, action=action, outcome=outcome, **details)


def _recorded(origin: Origin | KeyOrigin, **details: Any) -> AuditEvent:
    return record_event(
        surface=origin.surface,
        address=origin.address,
        request_id=origin.request_id,
        **details,
    )


def origin_of(request: HttpRequest, *, surface: str) -> Origin:
    """Return who sent a request; only for somebody who is signed in."""
    assert isinstance(request.user, User)
    return Origin(
        user_id=request.user.pk,
        surface=surface,
        address=address_of(request),
        request_id=getattr(request, "request_id", ""),
    )


def sender_of(request: HttpRequest, *, surface: str) -> Origin | KeyOrigin | None:
    """Return who sent a request, a person or a key, or nothing for somebody unknown."""
    sender: object = getattr(request, "user", None)
    if isinstance(sender, ApiKey):
        number = getattr(request, "request_id", "")
        return KeyOrigin(sender.pk, surface, address_of(request), number)
    return origin_of(request, surface=surface) if isinstance(sender, User) else None
