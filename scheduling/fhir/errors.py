"""The one map from what goes wrong below `/fhir/R4/` to its answers: a status and an OperationOutcome."""

from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from accounts.access import NotVisible
from accounts.exceptions import IdempotencyKeyReused, InvalidIdempotencyKey
from scheduling.exceptions import (
    Busy,
    InvalidTransition,
    NotFound,
    SchedulingError,
    SlotExpired,
    SlotTaken,
    Stale,
)
from scheduling.fhir.outcomes import FhirFault, operation_outcome, outcome_of_status

RETRY_AFTER_S = 5
WORDS: dict[int, str] = {
    400: "The body is not JSON, or it is nested too deeply.",
    401: "Send an API key.",
    403: "You may not do this.",
    404: "There is nothing here that you may see.",
    405: "That address does not take that method.",
    406: "Answers are JSON.",
    415: "Send JSON.",
    429: "Too many requests. Try again later.",
}
"""In place of the framework's words."""
DOMAIN: dict[type[SchedulingError], int] = {
    NotFound: 404,
    SlotTaken: 409,
    SlotExpired: 409,
    InvalidTransition: 409,
    Stale: 412,
    Busy: 503,
    SchedulingError: 422,
}
"""The status of each anticipated failure, found by its nearest class."""


def answer(exception: Exception, context: dict[str, Any]) -> Response | None:
    """Return the answer to what a view raised; nothing for an error of our own, which the handler of 500 answers."""
    if isinstance(exception, NotVisible):
        # For the audit record, which sees no exceptions of these views.
        context["request"]._request._not_visible = exception
    if isinstance(exception, FhirFault):
        set_rollback()
        return Response(operation_outcome([exception.issue]), exception.status)
    if isinstance(exception, SchedulingError):
        return _of_the_domain(exception)
    if isinstance(exception, IdempotencyKeyReused | InvalidIdempotencyKey):
        reused = isinstance(exception, IdempotencyKeyReused)
        status = HTTPStatus.UNPROCESSABLE_ENTITY if reused else HTTPStatus.BAD_REQUEST
        return Response(outcome_of_status(status, exception.detail), status)
    response = exception_handler(exception, context)
    if response is not None:
        response.data = _of_the_framework(exception, response.status_code)
    return response


def _of_the_domain(exception: SchedulingError) -> Response:
    status = next(DOMAIN[kind] for kind in type(exception).__mro__ if kind in DOMAIN)
    set_rollback()
    response = Response(outcome_of_status(status, exception.detail), status)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response["Retry-After"] = str(RETRY_AFTER_S)
    return response


def _of_the_framework(exception: Exception, status: int) -> dict[str, Any]:
    if isinstance(exception, exceptions.ParseError):
        fault = FhirFault(status, WORDS[HTTPStatus.BAD_REQUEST], code="structure")
        return operation_outcome([fault.issue])
    words = WORDS.get(status)
    is_plain = isinstance(exception, Http404 | PermissionDenied)
    if status in {HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN} and not is_plain:
        words = str(
            getattr(exception, "detail", words)
        )  # our own words: a key in the address, CSRF
    return outcome_of_status(status, words or "Something is wrong with the request.")
