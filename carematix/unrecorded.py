"""What is answered when an event cannot be written to the audit record: status 503, and nothing of the page (S50)."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin

from accounts.exceptions import NotRecorded
from carematix.errors import problem

RETRY_AFTER_S = 30


class UnrecordedMiddleware(MiddlewareMixin):
    """Answer for views that stopped because their event could not be written."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer in place of the page, or leave other exceptions to others."""
        if not isinstance(exception, NotRecorded):
            return None
        response = problem(request, HTTPStatus.SERVICE_UNAVAILABLE)
        response["Retry-After"] = str(RETRY_AFTER_S)
        return response
