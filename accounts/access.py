"""Who asks, as they are now: their role or scopes, and the records that are open to them in an emergency."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest

from accounts.emergency import open_accesses
from accounts.models import ApiKey, User
from accounts.permissions import Reach, Resource, Verb, key_reach, reach
from accounts.sign_in import clock


class NotVisible(Http404):
    """
    There is no such record for this person: a foreign one, or none at all.

    The answer is the same for both; `foreign` goes to the audit record only (security reference, S26).
    """

    def __init__(self, *, resource: Resource, object_id: object, foreign: bool) -> None:
        super().__init__()
        self.resource, self.object_id, self.foreign = resource, object_id, foreign


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody, or a key, whose reach is asked for again and again while one request is answered."""

    user_id: UUID | None = None
    role: str = ""
    scopes: frozenset[str] = frozenset()
    opened: frozenset[UUID] = frozenset()
    """Patients whose records are open to this person for a while (S30)."""

    def reach(self, verb: Verb, resource: Resource) -> Reach:
        """Return how far this person, or this key, may do something."""
        if self.user_id is None:
            return key_reach(self.scopes, verb, resource)
        return reach(self.role, verb, resource)

    def may(self, verb: Verb, resource: Resource) -> bool:
        """Tell whether they may do it at all, with any row or with own ones."""
        return self.reach(verb, resource) is not Reach.NONE


def viewer_of(user: User, *, now: datetime) -> Viewer:
    """Return a person as a viewer; only whose reach ends at own patients can have others opened."""
    opened: Iterable[UUID] = ()
    if reach(user.role, Verb.READ, Resource.PATIENT) is Reach.OWN:
        opened = open_accesses(now=now).filter(user=user).values_list("patient_id", flat=True)
    return Viewer(user_id=user.pk, role=user.role, opened=frozenset(opened))


def viewer_of_request(request: HttpRequest) -> Viewer:
    """Return who sent a request, read once for it; nobody in particular may do nothing."""
    viewer: Viewer | None = getattr(request, "_viewer", None)
    if viewer is None:
        user: object = request.user
        if isinstance(user, ApiKey):
            viewer = viewer_of_key(user.scopes)
        elif isinstance(user, User) and user.is_active:
            viewer = viewer_of(user, now=clock.now())
        else:
            viewer = Viewer()
        request._viewer = viewer  # type: ignore[attr-defined]  # ours, for one request
    return viewer


def viewer_of_key(scopes: Iterable[str]) -> Viewer:
    """Return an API key as a viewer."""
    return Viewer(scopes=frozenset(scopes))


def still_may(user_id: Any, verb: Verb, resource: Resource, *, role: str) -> bool:
    """
    Tell whether somebody may still do what was granted when a socket opened (security reference, S28).

    One query by key, for each push or every few seconds. `role` is the user's when the socket opened: what it listens
    to was chosen by that role, so another role ends it, whatever the new one may do. That the session itself lives is
    asked of `accounts.sign_in.sessions.live_user`.
    """
    there = User.objects.filter(pk=user_id, is_active=True, role=role)
    return reach(role, verb, resource) is not Reach.NONE and there.exists()
