"""What a request meets before any page: an address without its slash leads on, or to the login."""

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import resolve_url
from django.urls import is_valid_path
from django.utils.deprecation import MiddlewareMixin

READING = {"GET", "HEAD"}
PROGRAMS_ONLY = "/fhir/"
"""Where no address ends in a slash, and nobody comes who could sign in on a page."""


class SlashMiddleware(MiddlewareMixin):
    """
    Add the slash that an address lacks, for reading only; whoever is not signed in goes to the login at once.

    It stands in for `APPEND_SLASH`, whose redirect tells anybody which addresses exist (contract, section 8, "Doors")
    and which breaks a posted form with an error of its own in development. It needs `request.user`.
    """

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        """Answer in place of the page, or let the address be as good or as unknown as it is."""
        path = request.path_info
        if request.method not in READING or path.endswith("/") or path.startswith(PROGRAMS_ONLY):
            return None
        if is_valid_path(path) or not is_valid_path(f"{path}/"):
            return None
        address = request.get_full_path(force_append_slash=True)
        if request.user.is_authenticated or request.path == resolve_url("account_login").rstrip(
            "/"
        ):
            return HttpResponsePermanentRedirect(address)
        return redirect_to_login(address)
