"""The pages of staff: translate the request, one read, one template."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import NotVisible, viewer_of_request
from accounts.origin import origin_of
from accounts.permissions import Reach, Resource, Verb
from dashboard import selectors
from dashboard.context import THEMES
from dashboard.forms import AppointmentFilters, CallFilters, ListFilters
from dashboard.pages import signed_in_user, staff_page
from dashboard.paging import Page, page_of
from scheduling.clock import clinic_now
from scheduling.models import Patient
from scheduling.selectors.feeds import feed_of_nurse
from scheduling.services.feeds import create_feed, revoke_feed

YEAR_SECONDS = 365 * 24 * 3600

CALL_TABS = (
    ("all", "All", "No calls yet", "Calls appear here as soon as somebody phones the clinic."),
    ("live", "Live now", "Nobody is on the phone", "Calls appear here while they go on."),
    (
        "staff",
        "For staff",
        "Nothing for staff",
        "Messages, emergencies and calls passed on appear here.",
    ),
    ("failed", "Failed", "No failed calls", "Calls that broke or were never answered appear here."),
)
APPOINTMENT_TABS = (
    ("upcoming", "Upcoming", "No visits ahead", "Visits appear here as soon as they are booked."),
    ("today", "Today", "No visits today", "Visits of this day appear here, past ones too."),
    (
        "unconfirmed",
        "Not confirmed",
        "Every visit is confirmed",
        "Visits ahead without a confirmation appear here.",
    ),
    ("past", "Past", "No visits yet", "Visits move here when they are over."),
    ("cancelled", "Cancelled", "No cancelled visits", "Visits that were called off appear here."),
)
APPOINTMENT_CAPTIONS = {
    "upcoming": "Visits ahead, soonest first",
    "today": "Visits today, by time",
    "unconfirmed": "Visits ahead that are not confirmed, soonest first",
    "past": "Past visits, latest first",
    "cancelled": "Cancelled visits, latest first",
}


@staff_page(Verb.READ, Resource.ACCOUNT)
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    return redirect("dashboard:calls")


@staff_page(Verb.LIST, Resource.CALL)
@require_http_methods(["GET", "HEAD", "POST"])
def calls(request: HttpRequest) -> HttpResponse:
    """Show the list of calls. A search is posted and answered at once, everything else has an address."""
    filters = CallFilters(_asked(request))
    if request.method == "POST" and not filters.given("search"):
        return _at_its_address("dashboard:calls", filters)
    viewer, now = viewer_of_request(request), timezone.now()
    found = selectors.listed_calls(
        viewer=viewer,
        now=now,
        tab=filters.shown_tab,
        status=filters.given("status"),
        outcome=filters.given("outcome"),
        days=int(filters.given("when") or 0),
        search=filters.given("search"),
    )
    page = page_of(found, filters.page_number)
    _record_list(request, "calls.list", [call.patient_id for call in page.rows if call.patient_id])
    counts = {"live": selectors.live_count(viewer=viewer)}
    context = _list_context("calls", filters, page, CALL_TABS, counts) | {
        "of_all": viewer.reach(Verb.LIST, Resource.CALL) is Reach.ANY,
        "now": now,
        "clinic_now": clinic_now(),
    }
    return render(request, "dashboard/calls.html", context)


@staff_page(Verb.READ, Resource.CALL)
@require_GET
def call(request: HttpRequest, call_id: UUID) -> HttpResponse:
    """Show one call; one that the person may not see is as good as none (security reference, S26)."""
    viewer = viewer_of_request(request)
    found = selectors.call_page(viewer=viewer, call_id=call_id)
    if found is None:
        foreign = selectors.call_exists(call_id=call_id)
        raise NotVisible(resource=Resource.CALL, object_id=call_id, foreign=foreign)
    may_read = viewer.may(Verb.READ, Resource.TRANSCRIPT)
    moments = selectors.moments(call=found) if may_read else []
    _record(
        request,
        "call.read",
        patient_ids=[found.patient_id] if found.patient_id else [],
        object_type="call",
        object_id=found.pk,
    )
    context = {
        "section": "calls",
        "call": found,
        "caller": found.patient.name if found.patient else "Caller not known",
        "language": dict(Patient.Language.choices).get(found.language, found.language),
        "moments": moments,
        "interruptions": sum(bool(m.turn and m.turn.interrupted) for m in moments),
        "clinic_now": clinic_now(),
    }
    return render(request, "dashboard/call.html", context)


@staff_page(Verb.LIST, Resource.APPOINTMENT)
@require_http_methods(["GET", "HEAD", "POST"])
def appointments(request: HttpRequest) -> HttpResponse:
    """Show the list of visits; searched as the list of calls is."""
    viewer = viewer_of_request(request)
    filters = AppointmentFilters(_asked(request), nurses=selectors.nurse_choices(viewer=viewer))
    if request.method == "POST" and not filters.given("search"):
        return _at_its_address("dashboard:appointments", filters)
    now = clinic_now()
    found = selectors.listed_appointments(
        viewer=viewer,
        now=now,
        tab=filters.shown_tab,
        nurse_id=filters.given("nurse"),
        source=filters.given("source"),
        search=filters.given("search"),
    )
    page = page_of(found, filters.page_number)
    _record_list(request, "appointments.list", [visit.patient_id for visit in page.rows])
    context = _list_context("appointments", filters, page, APPOINTMENT_TABS, {})
    caption = APPOINTMENT_CAPTIONS[filters.shown_tab]
    return render(
        request, "dashboard/appointments.html", context | {"now": now, "caption": caption}
    )


@staff_page(Verb.UPDATE, Resource.ACCOUNT)
@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Store how the pages shall look, for this browser; without a choice the device decides."""
    choice = request.POST.get("theme", "")
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        back = reverse("dashboard:home")
    response = redirect(back)
    if choice in THEMES:
        response.set_cookie(
            settings.THEME_COOKIE_NAME,
            choice,
            max_age=YEAR_SECONDS,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
    else:
        response.delete_cookie(settings.THEME_COOKIE_NAME, samesite="Lax")
    return response


def _asked(request: HttpRequest) -> Mapping[str, Any]:
    return request.POST if request.method == "POST" else request.GET


def _at_its_address(route: str, filters: ListFilters) -> HttpResponse:
    query = filters.query()
    return redirect(reverse(route) + (f"?{query}" if query else ""))


@staff_page(Verb.READ, Resource.CALENDAR)
@require_http_methods(["GET", "HEAD", "POST"])
def calendar_link(request: HttpRequest) -> HttpResponse:
    """Let a nurse make the secret address of her calendar, which is shown once, or close it."""
    nurse = getattr(signed_in_user(request), "nurse", None)
    context: dict[str, Any] = {"section": "calendar_link", "nurse": nurse}
    if request.method == "POST":
        if nurse is None:
            raise PermissionDenied
        with transaction.atomic():  # no link without its event (S50)
            context |= _change_feed(request, nurse.pk)
    if nurse is not None:
        context["feed"] = feed_of_nurse(nurse_id=nurse.pk)
    return render(request, "dashboard/calendar_link.html", context)


def _change_feed(request: HttpRequest, nurse_id: UUID) -> dict[str, Any]:
    """Close the link, or make a new one and return it."""
    closes, now = "close" in request.POST, timezone.now()
    if closes:
        revoke_feed(nurse_id=nurse_id, now=now)
        told: dict[str, Any] = {"closed": True}
    else:
        token = create_feed(nurse_id=nurse_id, now=now)
        path = reverse("scheduling:calendar_feed", args=[token])
        told = {"address": settings.PUBLIC_BASE_URL + path}
    action = "calendar.closed" if closes else "calendar.created"
    _record(request, action, object_type="nurse", object_id=nurse_id)
    return told


def _list_context(
    section: str,
    filters: ListFilters,
    page: Page[Any],
    tabs: tuple[tuple[str, str, str, str], ...],
    counts: Mapping[str, int],
) -> dict[str, Any]:
    """Return what both lists show around their rows."""
    empty = {key: (title, words) for key, _, title, words in tabs}
    searched = bool(filters.given("search"))
    return {
        "section": section,
        "action": reverse(f"dashboard:{section}"),
        "form": filters,
        "choices": filters.choice_fields,
        "narrowed": filters.is_narrowed,
        "tab": filters.shown_tab,
        "tabs": [
            {"key": key, "words": words, "count": counts.get(key, 0), "look": "accent"}
            for key, words, _, _ in tabs
        ],
        "page": page,
        "query": filters.query(),
        "pagination_form": "filters" if searched else "",
        "empty": empty[filters.shown_tab],
    }


def _record_list(request: HttpRequest, action: str, patient_ids: list[UUID]) -> None:
    """Write one event for a list, with the patients shown (security reference, S46)."""
    _record(request, action, patient_ids=sorted(set(patient_ids)))


def _record(request: HttpRequest, action: str, **details: Any) -> None:
    """Write one event; what was seen only because a record is open in an emergency says so (S30)."""
    if not viewer_of_request(request).opened.isdisjoint(details.get("patient_ids", ())):
        details["reason"] = "emergency access"
    origin_of(request, surface="dashboard").record(action=action, **details)
