"""What happens at the door, as audit events (security reference, S46)."""

from typing import Any

from django.http import HttpRequest

from accounts.models import AuditEvent, User
from accounts.services import record_event
from accounts.sign_in.addresses import address_of

__all__ = ["address_of", "record"]


def record(
    request: HttpRequest, action: str, *, user: Any = None, outcome: str = "ok", reason: str = ""
) -> AuditEvent:
    """Write what `user` did, or what somebody unknown tried; the name that was typed is never copied."""
    known = isinstance(user, User) and user.pk is not None
    return record_event(
        action=action,
        outcome=outcome,
        surface="login",
        actor_type=AuditEvent.ActorType.USER if known else AuditEvent.ActorType.SYSTEM,
        actor_id=user.pk if known else "",
        object_type="user" if known else "",
        object_id=user.pk if known else "",
        address=address_of(request),
        request_id=getattr(request, "request_id", ""),
        reason=reason,
    )
