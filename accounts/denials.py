"""What is refused to a person who is signed in, or to a key, becomes an event of the audit record (S26, S46)."""

from uuid import UUID

from django.http import HttpRequest, HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

from accounts.access import NotVisible
from accounts.origin import KeyOrigin, Origin, sender_of

FORBIDDEN = 403
NOT_FOUND = 404
SURFACES = (("/admin/", "admin"), ("/api/", "api"), ("/fhir/", "api"))


class DenialMiddleware(MiddlewareMixin):
    """
    Record every 403, and every 404 at the address of a record.

    A foreign record and a missing one get the same answer, and one event each, so that neither the page nor the time
    it takes tells them apart. It stands innermost, where views and their exceptions are seen. Whoever is not signed
    in meets the login, which records its own.
    """

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        """Keep what a view knew of the record that it did not show."""
        if isinstance(exception, NotVisible):
            request._not_visible = exception  # type: ignore[attr-defined]  # ours, until the answer passes

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Write the event; if it cannot be written, the exception takes the place of the answer (S50)."""
        refused = response.status_code in {FORBIDDEN, NOT_FOUND}
        match = request.resolver_match
        sender = sender_of(request, surface=surface_of(request.path)) if refused else None
        if sender is not None and match is not None:
            is_record = bool(match.kwargs or match.args)
            if response.status_code == FORBIDDEN or is_record:
                _record(request, response.status_code, sender)
        return response


def surface_of(path: str) -> str:
    """Return which of our surfaces an address belongs to."""
    return next((name for prefix, name in SURFACES if path.startswith(prefix)), "dashboard")


def _record(request: HttpRequest, status: int, sender: Origin | KeyOrigin) -> None:
    match = request.resolver_match
    assert match is not None
    hidden: NotVisible | None = getattr(request, "_not_visible", None)
    # Only ids of records: other parts of an address may be secrets, as a calendar's token is.
    object_id = next((str(one) for one in match.kwargs.values() if isinstance(one, UUID)), "")
    outcome = "forbidden" if status == FORBIDDEN else "not_found"
    if hidden is not None:
        object_id = str(hidden.object_id)
        outcome = "foreign" if hidden.foreign else "not_found"
    sender.record(
        action="access.denied",
        outcome=outcome,
        object_type=hidden.resource.value if hidden else match.view_name[:64],
        object_id=object_id[:64],
        reason=f"{request.method} {match.view_name}"[:200],
    )
