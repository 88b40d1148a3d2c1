"""API keys by REST: for administrators who have just shown who they are; a key can read itself (S36, S42)."""

from typing import Any, ClassVar

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import QuerySet
from django.http import HttpResponseBase
from rest_framework import serializers, status
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from accounts import issued_keys
from accounts.access import Viewer
from accounts.api_views import StrictSerializer
from accounts.models import ApiKey
from accounts.origin import Origin, origin_of
from accounts.permissions import Reach, Resource, Scope, Verb
from accounts.rest.views import SURFACE, CreatingListView, DeletingObjectView, Done, ResourceView
from accounts.sign_in import clock
from accounts.sign_in.decorators import is_recently_authenticated

EXAMPLE = {
    "id": "3f0e5a8c-7d0d-4a52-9d3a-1f6b2c8e9a10",
    "name": "Patient portal",
    "public_id": "0a1b2c3d4e5f6071",
    "scopes": ["schedule:read", "appointments:write"],
    "networks": ["192.0.2.0/24"],
    "created_by": "7c6b5a49-3827-4615-8f0e-1d2c3b4a5968",
    "created_at": "2026-03-05T10:00:00-05:00",
    "expires_at": "2026-06-03T10:00:00-04:00",
    "last_used_at": None,
    "revoked_at": None,
}
SHOWN_ONCE = "cmx_0a1b2c3d4e5f6071_" + "A" * 43


class ReauthRequired(PermissionDenied):
    """Password and code were not given within the last minutes (security reference, S36)."""

    default_code = "reauth_required"
    default_detail = "Give your password and a code again, then repeat this."


class ApiKeyOutput(serializers.ModelSerializer[ApiKey]):
    """A key, without what opens anything."""

    example: ClassVar[dict[str, Any]] = EXAMPLE

    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=[scope.value for scope in Scope]),
        read_only=True,
        help_text="What it opens.",
    )
    networks = serializers.ListField(
        child=serializers.CharField(),
        read_only=True,
        help_text="From where it may be used; none: from anywhere.",
    )

    class Meta:
        model = ApiKey
        fields = tuple(EXAMPLE)
        read_only_fields = tuple(EXAMPLE)
        extra_kwargs: ClassVar[dict[str, Any]] = {
            "expires_at": {"help_text": "From when it opens nothing."},
            "public_id": {"help_text": "The part of the key by which it is known in lists."},
            "created_by": {"help_text": "Null for a key that an operator made."},
            "last_used_at": {"help_text": "To the minute."},
            "revoked_at": {"help_text": "Since when it opens nothing."},
        }


class NewApiKeyOutput(ApiKeyOutput):
    """A new key, with the key itself: this once."""

    example: ClassVar[dict[str, Any]] = EXAMPLE | {"key": SHOWN_ONCE}

    key = serializers.CharField(
        source="text", read_only=True, help_text="Shown this once; a repetition has it empty."
    )

    class Meta(ApiKeyOutput.Meta):
        fields = (*ApiKeyOutput.Meta.fields, "key")
        read_only_fields = fields


class NewApiKeyInput(StrictSerializer):
    """What a key is for."""

    example: ClassVar[dict[str, Any]] = {
        "name": EXAMPLE["name"],
        "scopes": EXAMPLE["scopes"],
        "networks": EXAMPLE["networks"],
        "days": issued_keys.USUAL_DAYS,
    }

    name = serializers.CharField(max_length=80, help_text="Whose it is, in words.")
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=[scope.value for scope in Scope]),
        allow_empty=False,
        max_length=len(Scope),
        help_text="What it opens.",
    )
    networks = serializers.ListField(
        child=serializers.CharField(max_length=64),
        required=False,
        default=list,
        max_length=100,
        help_text="Addresses, or networks such as 192.0.2.0/24; none: from anywhere.",
    )
    days = serializers.IntegerField(
        required=False,
        default=issued_keys.USUAL_DAYS,
        min_value=1,
        help_text="How long it is valid; a year at most.",
    )


class ApiKeyChange(StrictSerializer):
    """What may change of a key; for other scopes make another key."""

    example: ClassVar[dict[str, Any]] = {"networks": ["192.0.2.7"]}

    name = serializers.CharField(required=False, max_length=80)
    networks = serializers.ListField(
        child=serializers.CharField(max_length=64),
        required=False,
        max_length=100,
        help_text="Addresses, or networks such as 192.0.2.0/24; none: from anywhere.",
    )


class KeyView(ResourceView):
    """What the views of keys share."""

    resource = Resource.API_KEY
    noun = "api_key"
    output: ClassVar[type[serializers.Serializer[Any]]] = ApiKeyOutput

    def rows(self) -> QuerySet[ApiKey]:
        """Return all keys."""
        return ApiKey.objects.all()

    def visible(self, rows: QuerySet[Any], verb: Verb) -> QuerySet[Any]:
        """Return all keys to an administrator, and to a key itself."""
        sender: object = self.request.user
        if isinstance(sender, ApiKey):
            return rows.filter(pk=sender.pk)
        return rows if self.viewer.reach(verb, self.resource) is Reach.ANY else rows.none()

    @property
    def origin(self) -> Origin:
        """Return the administrator who asks, for the events that the services write."""
        return origin_of(self.request, surface=SURFACE)

    def require_recent_sign_in(self) -> None:
        """
        Let only somebody go on who has just shown who they are.

        Raises:
            ReauthRequired: that was too long ago.
        """
        if not is_recently_authenticated(self.request):
            raise ReauthRequired


class Keys(KeyView, CreatingListView):
    """Keys of programs, revoked ones too."""

    inputs = {"POST": NewApiKeyInput}
    answers: ClassVar[dict[str, Any]] = {"POST": {201: NewApiKeyOutput}}
    secret_fields = ("key",)
    orderings = ("-created_at", "created_at")

    def output_for(self, viewer: Viewer) -> type[serializers.Serializer[Any]]:
        """Show the key itself in the answer to its making only."""
        return NewApiKeyOutput if self.request.method == "POST" else ApiKeyOutput

    def post(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """
        Make a key.

        It needs password and code given within the last ten minutes, else 403 `reauth_required`.
        """
        self.require_recent_sign_in()
        values = self.read_body()

        def work() -> Done:
            try:
                key, text = issued_keys.create_key(**values, origin=self.origin, now=clock.now())
            except DjangoValidationError as error:
                raise serializers.ValidationError(error.message_dict) from error
            key.text = text  # type: ignore[attr-defined]  # of this answer only, stored nowhere
            return status.HTTP_201_CREATED, key

        response = self.once(work)
        response.headers.pop("ETag", None)  # it was made of the key too, which nobody sees again
        response["Location"] = f"{request.path}{response.data['id']}/"
        return response


class Key(KeyView, DeletingObjectView):
    """One key; to delete it is to revoke it, at once and for good."""

    inputs = {"PATCH": ApiKeyChange}

    def patch(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """
        Change the name of a key, or from where it may be used.

        It needs password and code given within the last ten minutes, else 403 `reauth_required`.
        """
        self.require_recent_sign_in()
        return super().patch(request, *args, **kwargs)

    def change(self, row: ApiKey, values: dict[str, Any]) -> ApiKey:
        """Change it."""
        return issued_keys.change_key(key_id=row.pk, **values, origin=self.origin)

    def remove(self, row: ApiKey) -> None:
        """Revoke it."""
        issued_keys.revoke_key(key_id=row.pk, origin=self.origin, now=clock.now())
