"""`/calendars/<token>.ics`: a nurse's visits for whoever knows the secret address."""

from hashlib import sha256
from urllib.parse import urlsplit

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from accounts.models import AuditEvent
from accounts.services import record_event
from scheduling.clock import clinic_now
from scheduling.exchange.feed import feed
from scheduling.selectors.feeds import appointments_of_feed, feed_visit, feed_with_token
from scheduling.services.feeds import note_feed_use


@require_safe
def calendar_feed(request: HttpRequest, token: str) -> HttpResponse:
    """Answer the feed, or 304 when the calendar has it already; a wrong or revoked token is as good as none."""
    found = feed_with_token(token=token)
    if found is None:
        raise Http404
    host = urlsplit(settings.PUBLIC_BASE_URL).hostname or "localhost"
    appointments = appointments_of_feed(nurse_id=found.nurse_id, now=clinic_now())
    body = feed(
        name=f"Visits, {settings.CLINIC_NAME}",
        visits=[feed_visit(appointment, host=host) for appointment in appointments],
    )
    etag = f'"{sha256(body).hexdigest()}"'
    response = HttpResponse(body, content_type="text/calendar; charset=utf-8")
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    response["Content-Disposition"] = 'inline; filename="visits.ics"'
    answer = get_conditional_response(request, etag=etag, response=response) or response
    note_feed_use(feed_id=found.pk, now=timezone.now())
    if answer.status_code == response.status_code:
        record_event(
            action="calendar.read",
            outcome="ok",
            surface="api",
            actor_type=AuditEvent.ActorType.USER,
            actor_id=found.nurse.user_id or "",
            patient_ids=sorted({appointment.patient_id for appointment in appointments}),
            object_type="calendar",
            object_id=found.pk,
            address=request.META.get("REMOTE_ADDR") or "",
        )
    return answer
