"""
The one map from what goes wrong in the API to its answers: a status and `{"code", "detail", "request_id"}`.

Faults of single fields come as `"fields"` besides (contract, section 6). Words are ours, so that nothing that was
sent, and nothing of the inside, comes back in them (S41).
"""

from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from accounts import exceptions as of_accounts
from accounts.access import NotVisible
from accounts.exceptions import TooManyRequests
from accounts.keys import InvalidNetwork, InvalidScopes
from carematix.errors import CODES
from scheduling import exceptions as of_scheduling

WORDS = {
    "not_found": CODES[HTTPStatus.NOT_FOUND][1],
    "permission_denied": CODES[HTTPStatus.FORBIDDEN][1],
    "not_authenticated": "Sign in, or send an API key.",
    "method_not_allowed": "This address does not take that method.",
    "not_acceptable": "Answers are JSON; those of analytics are CSV too.",
    "unsupported_media_type": "Send JSON.",
    "parse_error": "The body is not JSON, or it is nested too deeply.",
    TooManyRequests.code: TooManyRequests.detail,
}
"""In place of the framework's words, by its codes."""

DOMAIN: dict[type[Exception], HTTPStatus] = {
    of_scheduling.NotFound: HTTPStatus.NOT_FOUND,
    of_scheduling.Busy: HTTPStatus.SERVICE_UNAVAILABLE,
    of_scheduling.InvalidTime: HTTPStatus.UNPROCESSABLE_ENTITY,
    of_scheduling.TimeDoesNotExist: HTTPStatus.UNPROCESSABLE_ENTITY,
    of_scheduling.NotAvailable: HTTPStatus.UNPROCESSABLE_ENTITY,
    of_scheduling.NurseUnknown: HTTPStatus.UNPROCESSABLE_ENTITY,
    of_scheduling.InvalidWebhookUrl: HTTPStatus.BAD_REQUEST,
    of_scheduling.UnknownEvent: HTTPStatus.BAD_REQUEST,
    of_scheduling.SchedulingError: HTTPStatus.CONFLICT,
    of_accounts.IdempotencyKeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    of_accounts.InvalidIdempotencyKey: HTTPStatus.BAD_REQUEST,
    of_accounts.InvalidLifetime: HTTPStatus.BAD_REQUEST,
    of_accounts.NoSuchKey: HTTPStatus.NOT_FOUND,
    of_accounts.NotAllowed: HTTPStatus.FORBIDDEN,
    of_accounts.NotRecorded: HTTPStatus.SERVICE_UNAVAILABLE,
    InvalidScopes: HTTPStatus.BAD_REQUEST,
    InvalidNetwork: HTTPStatus.BAD_REQUEST,
}
"""The status of each anticipated failure, found by its nearest class; `code` and `detail` are its own."""

RETRY_AFTER_S = 5

INVALID = ("invalid", "Some of what was sent is not right.")


def answer(exception: Exception, context: dict[str, Any]) -> Response | None:
    """Return the answer to what a view raised; nothing for an error of our own, which goes to the pages' handlers."""
    request = context["request"]._request
    if isinstance(exception, NotVisible):
        request._not_visible = (
            exception  # for the audit record, which sees no exceptions of these views
        )
    status = _status_of(exception)
    if status is not None:
        set_rollback()
        response, more = Response(status=status), _facts(exception)
        code, detail = exception.code, exception.detail  # type: ignore[attr-defined]  # each of DOMAIN has them
        if status is HTTPStatus.SERVICE_UNAVAILABLE:
            response["Retry-After"] = str(RETRY_AFTER_S)
    else:
        usual = exception_handler(exception, context)
        if usual is None:
            return None
        response, more = usual, _fields(exception)
        code, detail = _words(exception)
    number = getattr(request, "request_id", "")
    response.data = {"code": code, "detail": detail, "request_id": number} | more
    return response


def _status_of(exception: Exception) -> HTTPStatus | None:
    """Return the status of an anticipated failure of the domain."""
    return next((DOMAIN[kind] for kind in type(exception).__mro__ if kind in DOMAIN), None)


def _facts(exception: Exception) -> dict[str, Any]:
    """Return what a failure brings along for whoever decides what to do now, such as other times that are free."""
    facts: dict[str, Any] = getattr(exception, "facts", {})
    return facts


def _words(exception: Exception) -> tuple[str, str]:
    """Return the code and the words of an exception that has an answer."""
    if isinstance(exception, exceptions.ValidationError):
        return INVALID
    if isinstance(exception, Http404):
        exception = exceptions.NotFound()
    elif isinstance(exception, PermissionDenied):
        exception = exceptions.PermissionDenied()
    assert isinstance(exception, exceptions.APIException)
    code = str(exception.get_codes())
    return code, WORDS.get(code, str(exception.detail))


def _fields(exception: Exception) -> dict[str, Any]:
    """Return what is wrong with each field."""
    if not isinstance(exception, exceptions.ValidationError):
        return {}
    detail = exception.detail
    return {"fields": detail if isinstance(detail, dict) else {"non_field_errors": detail}}
