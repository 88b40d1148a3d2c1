"""The page of one nurse's week."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.forms import DateField, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from scheduling.clock import clinic_now
from scheduling.exceptions import NurseUnknown
from scheduling.selectors.weeks import DAYS, week_of

ONE_WEEK = timedelta(days=DAYS)


def show_week(model_admin: Any, request: HttpRequest, nurse_id: UUID) -> HttpResponse:
    """Show when a nurse works in a week, what is booked and what is open, by her clock; `?day=` is any date in it."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    try:
        day = DateField(required=False).clean(request.GET.get("day", ""))
        week = week_of(nurse_id=nurse_id, day=day, now=clinic_now())
    except (NurseUnknown, ValidationError, OverflowError) as error:
        raise Http404 from error
    return TemplateResponse(
        request,
        "admin/scheduling/nurse/week.html",
        {
            **model_admin.admin_site.each_context(request),
            "title": f"Week of {week.nurse.name}",
            "opts": model_admin.opts,
            "week": week,
            "zone": week.zone.key,
            "earlier": week.monday - ONE_WEEK,
            "later": week.monday + ONE_WEEK,
        },
    )
