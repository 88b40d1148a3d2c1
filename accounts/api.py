"""The API of this app: who one is."""

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_views import ApiView
from accounts.models import ApiKey, User
from accounts.permissions import Resource, Scope, Verb


class MeOutput(serializers.Serializer[Any]):
    """A person (`type` is `user`) or a key (`key`); each has the fields of its kind only."""

    example: ClassVar[dict[str, Any]] = {
        "type": "key",
        "id": "3f0e5a8c-7d0d-4a52-9d3a-1f6b2c8e9a10",
        "name": "Patient portal",
        "scopes": ["schedule:read", "appointments:write"],
        "networks": [],
        "created_at": "2026-03-05T10:00:00-05:00",
        "expires_at": "2026-06-03T10:00:00-04:00",
    }

    type = serializers.ChoiceField(choices=["user", "key"], help_text="A person or a program.")
    id = serializers.UUIDField()
    username = serializers.CharField(required=False, help_text="The name to sign in with.")
    first_name = serializers.CharField(required=False)
    last_name = serializers.CharField(required=False)
    email = serializers.CharField(required=False)
    role = serializers.ChoiceField(
        choices=User.Role.choices, required=False, help_text="What the person may do."
    )
    name = serializers.CharField(required=False)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=[scope.value for scope in Scope]),
        required=False,
        help_text="What the key may do.",
    )
    networks = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        help_text="From which networks the key may be used; from any if there are none.",
    )
    created_at = serializers.DateTimeField(required=False)
    expires_at = serializers.DateTimeField(
        required=False, help_text="From when on the key opens nothing."
    )


class Me(ApiView):
    """Who sends the request: a member of staff with a role, or an API key with its scopes."""

    operation = "read_me"
    answers: ClassVar[dict[str, Any]] = {"GET": {200: MeOutput}}

    verbs = {"GET": Verb.READ, "HEAD": Verb.READ}

    def resource_of(self, request: Request) -> Resource:
        """Return the own account of a person, the own key of a program."""
        return Resource.API_KEY if isinstance(request.auth, ApiKey) else Resource.ACCOUNT

    def get(self, request: Request) -> Response:
        """Tell who one is."""
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
