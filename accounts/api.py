"""The API of this app: who one is."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_views import ApiView
from accounts.models import ApiKey, User
from accounts.permissions import Resource, Verb


class Me(ApiView):
    """Who sends the request: a member of staff with a role, or an API key with its scopes."""

    verbs = {"GET": Verb.READ, "HEAD": Verb.READ}

    def resource_of(self, request: Request) -> Resource:
        """Return the own account of a person, the own key of a program."""
        return Resource.API_KEY if isinstance(request.auth, ApiKey) else Resource.ACCOUNT

    def get(self, request: Request) -> Response:
        """Answer with who it is."""
        if isinstance(request.auth, ApiKey):
            return Response(_key(request.auth))
        assert isinstance(request.user, User)
        return Response(_person(request.user))


def _person(user: User) -> dict[str, Any]:
    return {
        "type": "user",
        "id": user.pk,
        "username": user.get_username(),
        "first_name": user.first_name,
        "last_name": user.last_name,
        "email": user.email,
        "role": user.role,
    }


def _key(key: ApiKey) -> dict[str, Any]:
    return {
        "type": "key",
        "id": key.pk,
        "name": key.name,
        "scopes": key.scopes,
        "networks": key.networks,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
    }
