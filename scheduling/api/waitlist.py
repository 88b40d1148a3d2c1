"""Who waits for a time, and what they are offered (scheduling reference, section 12)."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, ClassVar
from uuid import UUID

import django_filters
from django.db.models import QuerySet
from django.http import HttpResponseBase
from rest_framework import serializers, status
from rest_framework.request import Request

from accounts.access import NotVisible
from accounts.api_views import StrictSerializer
from accounts.permissions import Resource, Verb
from accounts.rest.fields import DayField, InstantField, InstantFilter, WordsFilter
from accounts.rest.views import (
    ActView,
    CreatingListView,
    DeletingObjectView,
    Done,
    ObjectView,
)
from scheduling.api.base import SchedulingView, VisitTypeField, known
from scheduling.clock import clinic_zone
from scheduling.models import Nurse, Patient, Source, WaitlistEntry, WaitlistOffer
from scheduling.services.offers import accept_offer, decline_offer, lock_offer
from scheduling.services.waitlist import (
    PARTS_OF_DAY,
    change_priority,
    join_waitlist,
    leave_waitlist,
    lock_entry,
)

SOURCE = Source.API
EXAMPLE = {
    "id": "2f0b8a7e-4d59-4a0e-8a07-5f0d6c1b9e33",
    "patient": "5d1d3c5e-7a55-4c0a-8a5c-9a3f0f1c2b3a",
    "visit_type": "routine",
    "nurse": None,
    "earliest": "2026-03-06",
    "latest": "2026-03-20",
    "parts_of_day": ["morning"],
    "minimum_warning_minutes": 120,
    "priority": 0,
    "status": "waiting",
    "source": "api",
    "expires_at": None,
    "waiting_since": "2026-03-05T10:00:00-05:00",
    "created_at": "2026-03-05T10:00:00-05:00",
}
EXAMPLE_OFFER = {
    "id": "8c5b1f0d-96a3-4f7e-b5b0-2a1e7d4c9f60",
    "entry": EXAMPLE["id"],
    "nurse": "9c3b1f6a-2d4e-4f5a-9b8c-7d6e5f4a3b2c",
    "start": "2026-03-06T09:00:00-05:00",
    "end": "2026-03-06T09:30:00-05:00",
    "moves": None,
    "status": "open",
    "expires_at": "2026-03-05T10:30:00-05:00",
    "answered_at": None,
    "appointment": None,
    "created_at": "2026-03-05T10:00:00-05:00",
}


class WaitlistEntryOutput(serializers.ModelSerializer[WaitlistEntry]):
    """A wish for a time that is not free yet."""

    example: ClassVar[dict[str, Any]] = EXAMPLE

    visit_type = VisitTypeField(read_only=True, help_text="Code of the kind of visit.")
    parts_of_day = serializers.ListField(
        child=serializers.ChoiceField(choices=list(PARTS_OF_DAY)),
        read_only=True,
        help_text="None: any.",
    )

    class Meta:
        model = WaitlistEntry
        fields = tuple(EXAMPLE)
        read_only_fields = tuple(EXAMPLE)
        extra_kwargs: ClassVar[dict[str, Any]] = {
            "nurse": {"help_text": "The nurse's id; null: any nurse."},
            "earliest": {"help_text": "The first day, by the patient's calendar."},
            "latest": {"help_text": "The last day."},
            "minimum_warning_minutes": {
                "help_text": "How long before its start a time may still be offered."
            },
            "waiting_since": {
                "help_text": "Since when the patient waits; among equals the first is offered first."
            },
            "expires_at": {"help_text": "When the wish ends; null: with its last day."},
        }


class WaitlistOfferOutput(serializers.ModelSerializer[WaitlistOffer]):
    """A time offered to a wish; it is kept until `expires_at`."""

    example: ClassVar[dict[str, Any]] = EXAMPLE_OFFER

    class Meta:
        model = WaitlistOffer
        fields = tuple(EXAMPLE_OFFER)
        read_only_fields = tuple(EXAMPLE_OFFER)
        extra_kwargs: ClassVar[dict[str, Any]] = {
            "expires_at": {"help_text": "Until when the time is kept for the answer."},
            "answered_at": {"help_text": "When it was answered."},
            "entry": {"help_text": "The wish's id."},
            "appointment": {"help_text": "The visit that a yes booked or moved."},
            "moves": {"help_text": "The later visit that a yes gives up."},
        }


class WaitlistEntryInput(StrictSerializer):
    """What somebody waits for."""

    example: ClassVar[dict[str, Any]] = {
        "patient": EXAMPLE["patient"],
        "visit_type": "routine",
        "earliest": EXAMPLE["earliest"],
        "latest": EXAMPLE["latest"],
        "parts_of_day": ["morning"],
    }

    patient = serializers.UUIDField()
    visit_type = VisitTypeField(
        required=False, default="routine", max_length=40, help_text="A code or an id."
    )
    nurse = serializers.UUIDField(
        required=False, allow_null=True, default=None, help_text="Any nurse unless told."
    )
    earliest = DayField(required=False, help_text="The first day; today unless told.")
    latest = DayField(help_text="The last day.")
    parts_of_day = serializers.ListField(
        child=serializers.ChoiceField(choices=list(PARTS_OF_DAY)),
        required=False,
        default=list,
        max_length=len(PARTS_OF_DAY),
        help_text="By the patient's clock; any unless told.",
    )
    expires_at = InstantField(
        required=False,
        allow_null=True,
        default=None,
        help_text="When the wish ends; with its last day unless told.",
    )


class WaitlistPriorityInput(StrictSerializer):
    """How urgent a wish is."""

    example: ClassVar[dict[str, Any]] = {"priority": 1}

    priority = serializers.IntegerField(
        required=False, min_value=-100, max_value=100, help_text="A higher number goes first."
    )


class EntryFilters(django_filters.FilterSet):
    """By whom, for what, and when."""

    patient = django_filters.UUIDFilter(field_name="patient_id", label="The patient's id.")
    nurse = django_filters.UUIDFilter(field_name="nurse_id", label="The nurse's id.")
    visit_type = django_filters.CharFilter(
        field_name="visit_type__code", label="Code of the kind of visit."
    )
    status = WordsFilter(choices=WaitlistEntry.Status.choices, label="One or several, by commas.")
    waiting_since = InstantFilter(
        field_name="waiting_since", lookup_expr="gte", label="Waits since this instant or later."
    )


class EntryView(SchedulingView):
    """What the views of the waitlist share."""

    resource = Resource.APPOINTMENT
    noun, plural = "waitlist_entry", "waitlist_entries"
    output: ClassVar[type[serializers.Serializer[Any]]] = WaitlistEntryOutput

    def rows(self) -> QuerySet[WaitlistEntry]:
        """Return all wishes."""
        return WaitlistEntry.objects.select_related("visit_type")

    def lock(self, pk: UUID) -> None:
        """Lock an open offer's people before the wish, in the order of the services."""
        lock_entry(pk)


class Entries(EntryView, CreatingListView):
    """
    The waitlist.

    A time that becomes free is offered by text to whoever is next. Nobody is booked without a yes. The same open wish
    is stored once: it is answered with as it is.
    """

    inputs = {"POST": WaitlistEntryInput}
    filterset_class = EntryFilters
    orderings = ("-waiting_since", "waiting_since", "-created_at", "created_at", "latest")

    def post(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Put a patient on the waitlist."""
        values = self.read_body()
        earliest: date = values.get("earliest") or self.now.astimezone(clinic_zone()).date()
        if values["latest"] < earliest:
            raise serializers.ValidationError({"latest": ["The last day is not before the first."]})
        if values["expires_at"] is not None and values["expires_at"] <= self.now:
            raise serializers.ValidationError({"expires_at": ["That is past."]})

        def work() -> Done:
            patient = known(Patient.objects.filter(active=True), values["patient"], "patient")
            if values["nurse"] is not None:
                known(Nurse.objects.filter(active=True), values["nurse"], "nurse")
            row = join_waitlist(
                patient_id=patient.pk,
                visit_type=values["visit_type"],
                nurse_id=values["nurse"],
                earliest=earliest,
                latest=values["latest"],
                parts_of_day=values["parts_of_day"],
                source=SOURCE,
                actor=self.actor,
                now=self.now,
                expires_at=values["expires_at"],
            )
            self.record("created", [row])
            return status.HTTP_201_CREATED, self.rows().get(pk=row.pk)

        response = self.once(work)
        response["Location"] = f"{request.path}{response.data['id']}/"
        return response


class Entry(EntryView, DeletingObjectView):
    """One wish; to delete it is to take it off the list, with the offer that is open for it. It stays readable."""

    inputs = {"PATCH": WaitlistPriorityInput}

    def change(self, row: WaitlistEntry, values: dict[str, Any]) -> WaitlistEntry:
        """Let it go before others, or after them."""
        if not values:
            return row
        return change_priority(entry_id=row.pk, priority=values["priority"])

    def remove(self, row: WaitlistEntry) -> None:
        """Take it off the list."""
        leave_waitlist(entry_id=row.pk, now=self.now)


class OfferView(SchedulingView):
    """The latest offer of a wish; the address names the wish."""

    resource = Resource.APPOINTMENT
    noun = "waitlist_offer"
    output: ClassVar[type[serializers.Serializer[Any]]] = WaitlistOfferOutput

    def rows(self) -> QuerySet[WaitlistOffer]:
        """Return all offers, the latest first."""
        return WaitlistOffer.objects.select_related("entry", "moves").order_by("-created_at", "id")

    def patients_of(self, rows: Sequence[Any]) -> Iterable[Any]:
        """Return the patients of the wishes."""
        return {row.entry.patient_id for row in rows}

    def one(self, verb: Verb, *, lock: bool = False) -> WaitlistOffer:
        """
        Return the offer.

        Raises:
            NotVisible: there is none for this sender.
        """
        pk = self.kwargs["pk"]
        rows = self.rows().filter(entry=pk)
        found = self.visible(rows, verb).first()
        if found is None:
            raise NotVisible(resource=self.resource, object_id=pk, foreign=rows.exists())
        if lock:
            lock_offer(found.pk)
            found = self.rows().get(pk=found.pk)
        return found


class Offer(OfferView, ObjectView):
    """What a wish was offered last; 404 while it was offered nothing."""


class Acceptance(OfferView, ActView):
    """
    A yes: the time is booked, or the later visit is moved there.

    `appointment` names the visit; a repetition gets the same one.
    """

    act, operation = "accepted", "accept_waitlist_offer"

    def perform(self, row: WaitlistOffer, values: dict[str, Any]) -> WaitlistOffer:
        """Book it."""
        accept_offer(offer_id=row.pk, source=SOURCE, actor=self.actor, now=self.now)
        return row

    def post(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Accept what a wish was offered."""
        return super().post(request, *args, **kwargs)


class Refusal(OfferView, ActView):
    """A no: the time goes to the next one, the wish stays on the list; an offer that has ended stays as it is."""

    act, operation = "declined", "decline_waitlist_offer"

    def perform(self, row: WaitlistOffer, values: dict[str, Any]) -> WaitlistOffer:
        """Pass it on."""
        return decline_offer(offer_id=row.pk, now=self.now)

    def post(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Decline what a wish was offered."""
        return super().post(request, *args, **kwargs)
