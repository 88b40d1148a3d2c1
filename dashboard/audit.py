"""The page of the audit record, for administrators: who saw or changed what, and copies of it (S46, S51)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts.audit import record
from accounts.audit.chain import Seal
from accounts.audit.export import FORMATS
from accounts.audit.selectors import audit_events, seals_of
from accounts.models import AuditEvent, User
from accounts.origin import origin_of
from accounts.permissions import Resource, Verb
from accounts.sign_in import clock
from accounts.sign_in.decorators import recently_authenticated
from dashboard import audit_labels, selectors
from dashboard.forms import ListFilters
from dashboard.pages import staff_page
from dashboard.paging import page_of
from scheduling.models import StaffTask

MOST_PATIENTS = 20
CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}


class AuditFilters(ListFilters):
    """Who, what, when, and which patient; the patient is searched for by name, number or id."""

    tabs = ("all",)
    search_label = "Patient"

    who = forms.ChoiceField(required=False)
    what = forms.ChoiceField(
        required=False,
        choices=[
            ("", "Anything"),
            ("viewed", "Viewed"),
            ("changed", "Changed"),
            ("refused", "Refused"),
            ("locked", "Locked"),
            ("login", "Signed in or out"),
            ("exported", "Exported"),
            ("assistant", "Done in calls"),
        ],
    )
    when = forms.ChoiceField(
        required=False,
        choices=[("", "Any time"), ("1", "Last day"), ("7", "Last 7 days"), ("30", "Last 30 days")],
    )

    def __init__(self, data: Any, *, people: Sequence[tuple[str, str]]) -> None:
        super().__init__(data)
        kinds = [("call", "The assistant"), ("key", "API keys"), ("system", "The system")]
        self.fields["who"] = forms.ChoiceField(
            required=False, choices=[("", "Anyone"), *kinds, *people]
        )

    def patients(self) -> list[str] | None:
        """Return the ids of the patients searched for; none without a search."""
        search = self.given("search")
        if not search:
            return None
        try:
            return [str(UUID(search))]
        except ValueError:
            found = selectors.patients_named(search=search).values_list("pk", flat=True)
            return [str(pk) for pk in found[:MOST_PATIENTS]]

    def events(self, *, now: datetime) -> "QuerySet[Any]":
        """Return the events that are asked for, newest first."""
        days = int(self.given("when") or 0)
        return audit_events(
            actor=self.given("who"),
            patient_ids=self.patients(),
            action=self.given("what"),
            since=now - timedelta(days=days) if days else None,
        )


@dataclass(frozen=True, slots=True)
class Line:
    """One event as the page shows it."""

    event: AuditEvent
    name: str
    what: str
    which: str
    patients: str
    result: str
    refused: bool
    seal: Seal | None


@staff_page(Verb.LIST, Resource.AUDIT)
@require_http_methods(["GET", "HEAD", "POST"])
def audit(request: HttpRequest) -> HttpResponse:
    """Show the events that are asked for; looking at them is one as well."""
    filters = _filters(request)
    address = reverse("dashboard:audit")
    if request.method == "POST" and not filters.given("search"):
        query = filters.query()
        return redirect(f"{address}?{query}" if query else address)
    now = clock.now()
    page = page_of(filters.events(now=now), filters.page_number)
    lines = _lines(page.rows)
    origin_of(request, surface="dashboard").record(action="audit.list", object_type="audit")
    searched = bool(filters.given("search"))
    context = {
        "section": "audit",
        "action": address,
        "form": filters,
        "choices": filters.choice_fields,
        "narrowed": filters.is_narrowed,
        "tab": filters.shown_tab,
        "page": page,
        "lines": lines,
        "query": filters.query(),
        "pagination_form": "filters" if searched else "",
        "now": now,
        "chain": _chain(),
    }
    return render(request, "dashboard/audit.html", context)


@staff_page(Verb.EXPORT, Resource.AUDIT)
@recently_authenticated
@require_POST
def audit_export(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """Answer with a copy of the events that the list shows, on all its pages."""
    chosen = request.POST.get("format", "")
    if chosen not in FORMATS:
        return HttpResponseBadRequest()
    filters, now = _filters(request), clock.now()
    origin_of(request, surface="dashboard").record(
        action="audit.exported",
        object_type="audit",
        patient_ids=filters.patients() or [],
        reason=f"{chosen} {filters.query()}"[:200],
    )
    response = StreamingHttpResponse(
        FORMATS[chosen](filters.events(now=now)), content_type=CONTENT_TYPES[chosen]
    )
    name = f"audit-{now:%Y-%m-%d}.{chosen}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _filters(request: HttpRequest) -> AuditFilters:
    people = User.objects.order_by("last_name", "first_name", "username")
    choices = [(str(user.pk), user.get_full_name() or user.get_username()) for user in people]
    return AuditFilters(request.POST if request.method == "POST" else request.GET, people=choices)


def _lines(events: Sequence[AuditEvent]) -> list[Line]:
    ids = {event.actor_id for event in events if event.actor_type == "user" and event.actor_id}
    people = {
        str(user.pk): user.get_full_name() or user.get_username()
        for user in User.objects.filter(pk__in=ids)
    }
    seals = seals_of([event.seq for event in events])
    return [
        Line(
            event=event,
            name=_name(event, people),
            what=audit_labels.what(event),
            which=audit_labels.which(event),
            patients=audit_labels.patients(event),
            result=audit_labels.result(event),
            refused=audit_labels.is_refusal(event),
            seal=seals.get(event.seq),
        )
        for event in events
    ]


def _name(event: AuditEvent, people: dict[str, str]) -> str:
    match event.actor_type:
        case AuditEvent.ActorType.USER:
            return people.get(event.actor_id, "Somebody whose account is gone")
        case AuditEvent.ActorType.CALL:
            return "The assistant"
        case AuditEvent.ActorType.KEY:
            return "API key"
        case _:
            return "System"


def _chain() -> dict[str, Any]:
    """Return how far the record is sealed, and whether a check has found a fault."""
    head = record.head()
    alarm = StaffTask.objects.filter(kind=StaffTask.Kind.ALARM, topic="audit_chain", status="open")
    return {
        "head": head,
        "sealed": head.number if head else 0,
        "fault": alarm.order_by("-created_at").values_list("text", flat=True).first(),
    }
