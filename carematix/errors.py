"""
What is answered when something goes wrong: a plain page for people, the contract's shape for programs.

Neither tells of a stack, a query, a path or a value (S41); the request's number leads to the log line. Nothing here
touches the database or the user, since the server may be ill.
"""

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import get_template

from accounts.exceptions import NotRecorded
from dashboard.context import chosen_theme
from scheduling.fhir.outcomes import outcome_of_status

PROGRAMS = ("/api/", "/fhir/", "/health/")
"""Below these addresses the answer is JSON, whatever the request accepts."""
FHIR = "/fhir/"
"""Below this one it is FHIR's resource for what went wrong."""

CODES = {
    HTTPStatus.BAD_REQUEST: ("bad_request", "The request was not understood."),
    HTTPStatus.FORBIDDEN: ("permission_denied", "You may not do this."),
    HTTPStatus.NOT_FOUND: ("not_found", "There is nothing here that you may see."),
    HTTPStatus.REQUEST_TIMEOUT: ("request_timeout", "The request took too long to arrive."),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("request_too_large", "The request is too long."),
    HTTPStatus.INTERNAL_SERVER_ERROR: ("internal_error", "Something went wrong on our side."),
    HTTPStatus.SERVICE_UNAVAILABLE: (NotRecorded.code, NotRecorded.detail),
}
CSRF = ("csrf_failed", "The form's token is missing or too old.")


def problem(request: HttpRequest, status: HTTPStatus, *, csrf: bool = False) -> HttpResponse:
    """Return the answer for a status of `CODES`."""
    number = getattr(request, "request_id", "")
    code, detail = CSRF if csrf else CODES[status]
    if request.path_info.startswith(FHIR):
        outcome = outcome_of_status(status, detail)
        return JsonResponse(outcome, status=status, content_type="application/fhir+json")
    if _asked_by_a_program(request):
        return JsonResponse({"code": code, "detail": detail, "request_id": number}, status=status)
    template = get_template("403_csrf.html" if csrf else f"{status.value}.html")
    # A page that is not there is the same for a foreign record and a missing one, to the last byte (S26).
    shown = "" if status is HTTPStatus.NOT_FOUND else number
    context = {"request_id": shown, "clinic": {"theme": chosen_theme(request)}}
    return HttpResponse(template.render(context), status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem(request, HTTPStatus.BAD_REQUEST)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem(request, HTTPStatus.FORBIDDEN)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem(request, HTTPStatus.NOT_FOUND)


def server_error(request: HttpRequest) -> HttpResponse:
    return problem(request, HTTPStatus.INTERNAL_SERVER_ERROR)


def csrf_failure(request: HttpRequest, **reason: Any) -> HttpResponse:
    """Answer a form without its token; the reason would only help whoever forged it."""
    return problem(request, HTTPStatus.FORBIDDEN, csrf=True)


def _asked_by_a_program(request: HttpRequest) -> bool:
    if request.path_info.startswith(PROGRAMS):
        return True
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"
