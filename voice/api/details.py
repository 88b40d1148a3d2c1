"""What was said in a call, and what the assistant did: opened by a permission of their own (matrix, "Transcript")."""

from typing import Any, ClassVar

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request

from accounts.access import NotVisible
from accounts.permissions import Resource, Verb
from accounts.rest.pages import Pages
from accounts.rest.views import ListView
from scheduling.selectors.sight import seen
from voice.models import CallLog, ToolCall, TranscriptEntry

TURN = {
    "id": "a9b8c7d6-e5f4-4a3b-9c2d-1e0f9a8b7c6d",
    "speaker": "caller",
    "text": "I would like to book a visit.",
    "unheard_text": "",
    "language": "en",
    "started_ms": 4200,
    "ended_ms": 6100,
    "interrupted": False,
    "transcribed": True,
}
TOOL_CALL = {
    "id": "f0e1d2c3-b4a5-4697-8879-6a5b4c3d2e1f",
    "function_call_id": "call_1",
    "name": "find_slots",
    "arguments": {"nurse": "any"},
    "code": "ok",
    "fact": "",
    "result": {"ok": True},
    "repeated": False,
    "started_ms": 6400,
    "duration_ms": 35,
    "created_at": "2026-03-05T10:00:08-05:00",
}


class TranscriptEntryOutput(serializers.ModelSerializer[TranscriptEntry]):
    """What one of the two said; times are from the start of the stream."""

    example: ClassVar[dict[str, Any]] = TURN

    class Meta:
        model = TranscriptEntry
        fields = tuple(TURN)
        read_only_fields = tuple(TURN)
        extra_kwargs: ClassVar[dict[str, Any]] = {
            "speaker": {"help_text": "Who spoke."},
            "text": {"help_text": "What was heard."},
            "unheard_text": {"help_text": "What an interruption cut off."},
            "started_ms": {"help_text": "Since the start of the stream."},
            "ended_ms": {"help_text": "Since the start of the stream."},
            "interrupted": {"help_text": "Whether the other one spoke over it."},
            "transcribed": {"help_text": "Whether the words are known."},
        }


class ToolCallOutput(serializers.ModelSerializer[ToolCall]):
    """Something that the assistant did, with the answer that it got."""

    example: ClassVar[dict[str, Any]] = TOOL_CALL

    class Meta:
        model = ToolCall
        fields = tuple(TOOL_CALL)
        read_only_fields = tuple(TOOL_CALL)
        extra_kwargs: ClassVar[dict[str, Any]] = {
            "function_call_id": {"help_text": "The model's own id of it."},
            "name": {"help_text": "Which tool."},
            "arguments": {"help_text": "What the model asked for."},
            "code": {"help_text": "`ok`, or why it was refused."},
            "fact": {"help_text": "What it made true, if anything."},
            "result": {"help_text": "What the model was told."},
            "repeated": {"help_text": "Whether the answer was that of an earlier call."},
            "started_ms": {"help_text": "Since the start of the stream."},
            "duration_ms": {"help_text": "How long it took."},
        }


class PagesOfACall(Pages):
    """Rows in the order of the conversation."""

    def get_ordering(self, request: Request, queryset: QuerySet[Any], view: Any) -> tuple[str, ...]:
        """Return the order, with what decides between equals."""
        first, *_ = super().get_ordering(request, queryset, view)
        return (first, "started_ms", "id")


class PartOfCall(ListView):
    """
    A list that belongs to one call.

    The policy has no list of transcripts: to read one is to read the whole of a call's.
    """

    resource = Resource.TRANSCRIPT
    verbs: ClassVar[dict[str, Verb]] = {"GET": Verb.READ, "HEAD": Verb.READ}
    pagination_class = PagesOfACall

    def visible(self, rows: QuerySet[Any], verb: Verb) -> QuerySet[Any]:
        """Return those rows that the sender may read."""
        return seen(rows, viewer=self.viewer, verb=Verb.READ, resource=self.resource)

    def call(self) -> CallLog:
        """
        Return the call that the address names.

        Raises:
            NotVisible: there is none for this sender.
        """
        pk, rows = self.kwargs["pk"], CallLog.objects.all()
        found: CallLog | None = self.visible(rows, Verb.READ).filter(pk=pk).first()
        if found is None:
            foreign = rows.filter(pk=pk).exists()
            raise NotVisible(resource=self.resource, object_id=pk, foreign=foreign)
        return found

    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """List it in order, with one event that names the call."""
        with transaction.atomic():
            call = self.call()
            page = self.paginate_queryset(self.rows().filter(call=call))
            assert page is not None
            self.record("read", [call])
            shown = self.trimmed(self.shaped(page, many=True))
        return self.get_paginated_response(shown)


class Transcript(PartOfCall):
    """What was said in a call, turn by turn."""

    noun, operation = "transcript", "list_transcript"
    output = TranscriptEntryOutput
    orderings = ("position",)

    def rows(self) -> QuerySet[TranscriptEntry]:
        """Return all turns."""
        return TranscriptEntry.objects.all()

    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Read what was said in a call."""
        return super().get(request, *args, **kwargs)


class ToolCalls(PartOfCall):
    """What the assistant did in a call, with the answers that it got."""

    noun, operation = "tool_call", "list_tool_calls"
    output = ToolCallOutput
    orderings = ("created_at",)

    def rows(self) -> QuerySet[ToolCall]:
        """Return all calls of tools."""
        return ToolCall.objects.all()

    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Read what the assistant did in a call."""
        return super().get(request, *args, **kwargs)
