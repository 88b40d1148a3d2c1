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
from rest_framework.views import exception_handler

from accounts.access import NotVisible
from accounts.exceptions import TooManyRequests
from carematix.errors import CODES

WORDS = {
    "not_found": CODES[HTTPStatus.NOT_FOUND][1],
    "permission_denied": CODES[HTTPStatus.FORBIDDEN][1],
    "not_authenticated": "Sign in, or send an API key.",
    "method_not_allowed": "This address does not take that method.",
    "not_acceptable": "Answers are JSON.",
    "unsupported_media_type": "Send JSON.",
    "parse_error": "The body is not JSON, or it is nested too deeply.",
    TooManyRequests.code: TooManyRequests.detail,
}
"""In place of the framework's words, by its codes."""

INVALID = ("invalid", "Some of what was sent is not right.")


def answer(exception: Exception, context: dict[str, Any]) -> Response | None:
    """Return the answer to what a view raised; nothing for an error of our own, which goes to the pages' handlers."""
    request = context["request"]._request
    if isinstance(exception, NotVisible):
        request._not_visible = (
            exception  # for the audit record, which sees no exceptions of these views
        )
    response = exception_handler(exception, context)
    if response is None:
        return None
    code, detail = _words(exception)
    fields = _fields(exception)
    number = getattr(request, "request_id", "")
    response.data = {"code": code, "detail": detail, "request_id": number} | fields
    return response


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
