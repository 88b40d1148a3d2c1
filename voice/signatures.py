"""
Twilio's signature on requests and on the stream's upgrade (twilio reference, section 3; S1 to S4).

The signed address is built from `PUBLIC_BASE_URL` alone: `Host` and `X-Forwarded-*` are the sender's to choose.
There is no switch that turns the check off.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, HttpResponseNotAllowed
from django.utils.encoding import escape_uri_path
from django.views.decorators.csrf import csrf_exempt
from twilio.request_validator import RequestValidator

from carematix.logs import call_sid as logged_call_sid


def request_is_signed(request: HttpRequest) -> bool:
    """Tell whether Twilio signed the request's address and all its fields, with either auth token."""
    query = request.META.get("QUERY_STRING", "")
    url = settings.PUBLIC_BASE_URL + escape_uri_path(request.path) + (f"?{query}" if query else "")
    return _signed([url], request.POST, request.headers.get("X-Twilio-Signature", ""))


def upgrade_is_signed(scope: Mapping[str, Any]) -> bool:
    """
    Tell whether Twilio signed the WebSocket's upgrade.

    Signed is the `wss://` address of the TwiML without parameters; the form with a trailing slash is accepted too,
    since Twilio publishes no rule for it.
    """
    headers = dict(scope["headers"])
    signature = headers.get(b"x-twilio-signature", b"").decode("latin-1")
    url = stream_base_url() + scope["path"].rstrip("/")
    return _signed([url, url + "/"], {}, signature)


def stream_base_url() -> str:
    """Return `PUBLIC_BASE_URL` as Twilio dials it: always `wss`, also where a stand-in then connects without TLS."""
    return "wss://" + settings.PUBLIC_BASE_URL.partition("://")[2]


def twilio_signed(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Let a view see only POST requests that Twilio signed; the others get an empty 403, or 405 when signed."""

    @csrf_exempt
    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request_is_signed(request) or not _our_account(request):
            return HttpResponseForbidden()
        if request.method != "POST":  # parameters of a GET would land in access logs (S2)
            return HttpResponseNotAllowed(["POST"])
        logged = logged_call_sid.set(request.POST.get("CallSid", ""))
        try:
            return view(request, *args, **kwargs)
        finally:
            logged_call_sid.reset(logged)

    return checked


def _signed(urls: Iterable[str], fields: Mapping[str, Any], signature: str) -> bool:
    if not signature:
        return False
    tokens = [settings.TWILIO_AUTH_TOKEN, settings.TWILIO_AUTH_TOKEN_NEXT]
    validators = [RequestValidator(token) for token in tokens if token]
    return any(
        validator.validate(url, fields, signature) for validator in validators for url in urls
    )


def _our_account(request: HttpRequest) -> bool:
    """Compare `AccountSid`, where one is configured (S9); a request without the field has nothing to compare."""
    ours = settings.TWILIO_ACCOUNT_SID
    theirs = request.POST.get("AccountSid", ours)
    return not ours or theirs == ours
