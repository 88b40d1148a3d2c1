"""The API of this app: what a watcher of the live feed has missed."""

from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import viewer_of_request
from accounts.api_views import ApiView
from accounts.origin import sender_of
from accounts.permissions import Resource, Verb
from dashboard.live_messages import Shown, news

AFTER = OpenApiParameter(
    "after",
    {"type": "integer", "minimum": 0, "maximum": 2**63 - 1, "default": 0},
    description="The number of the last message that is known.",
)


class LiveEventsOutput(serializers.Serializer[Any]):
    """Messages as the socket sends them; `next_after` goes on from here, `more` says whether to ask again now."""

    example: ClassVar[dict[str, Any]] = {"results": [], "next_after": 4711, "more": False}

    results = serializers.ListField(child=serializers.DictField(), help_text="The messages.")
    next_after = serializers.IntegerField(help_text="The number to go on from.")
    more = serializers.BooleanField(help_text="Whether there are more already.")


class LiveEventsQuery(serializers.Serializer[Any]):
    """After which number."""

    after = serializers.IntegerField(min_value=0, max_value=2**63 - 1, default=0)


class LiveEvents(ApiView):
    """What happened in calls above a number of the live feed, for a day; as far as the sender may see it."""

    resource = Resource.LIVE_CALLS
    operation = "list_live_events"
    answers: ClassVar[dict[str, Any]] = {"GET": {200: LiveEventsOutput}}
    schema_parameters: ClassVar[dict[str, Any]] = {"GET": [AFTER]}
    verbs = {"GET": Verb.READ, "HEAD": Verb.READ}
    parameters = frozenset({"after"})
    is_background = (
        True  # a script asks, not a person: the session does not live longer for it (S31)
    )

    def get(self, request: Request) -> Response:
        """Tell what was missed."""
        query = LiveEventsQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        after = query.validated_data["after"]
        origin = sender_of(request, surface="api")
        assert origin is not None  # the policy lets nobody else in
        look = news(
            viewer=viewer_of_request(request),
            origin=origin,
            shown=Shown(),
            after=after,
            last=after,
        )
        return Response({"results": look.messages, "next_after": look.cursor, "more": look.more})
