"""
The outermost ring of every HTTP answer: a number for the request, whom it came from, and the browser's protections.

It stands before everything else, so that errors, redirects and static files carry the headers of S38 and S39 too.
"""

import secrets
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from ipaddress import ip_address

from csp.constants import HEADER as CSP_HEADER
from csp.utils import build_policy
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseForbidden
from django.utils.deprecation import MiddlewareMixin

from carematix import errors
from carematix.logs import request_id

CARRIER = "/twilio/"
REQUEST_ID = "X-Request-ID"
REQUEST_ID_BYTES = 12
BODY_FAULT = "carematix.body_fault"
"""Where the ASGI side notes in the scope that a body was too long or too slow (`carematix.asgi`)."""

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    # The test-call page alone asks for the microphone, in a header of its own.
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # On plain http browsers pass it over (RFC 6797, section 8.1), so that development needs no exception.
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
}


class EdgeMiddleware(MiddlewareMixin):
    """Number the request, refuse strangers' hosts and oversized bodies, and protect whatever is answered."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        """Answer at once what no page shall see, else let the request pass."""
        number = new_request_id()
        request.request_id = number  # type: ignore[attr-defined]  # ours, for pages and the audit record
        request_id.set(number)
        request.META["REMOTE_ADDR"] = client_address(
            request.META.get("REMOTE_ADDR", ""),
            request.META.pop("HTTP_X_FORWARDED_FOR", ""),
            settings.TRUSTED_PROXY_COUNT,
        )
        if (refusal := _refuse_strange_host(request)) is not None:
            return refusal
        if fault := _body_fault(request):
            return errors.problem(request, fault)
        return None

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Add what is missing; what a view set by itself stays."""
        if _is_page_for_developers(request, response):
            response = errors.problem(request, HTTPStatus.NOT_FOUND)
        protect(response, getattr(request, "request_id", ""))
        if not request.path.startswith(settings.STATIC_URL):
            _keep_out_of_caches(request, response)
        request_id.set("")
        return response


def new_request_id() -> str:
    """Return a number that names one request in its answer, in the log and in the audit record."""
    return secrets.token_hex(REQUEST_ID_BYTES)


def protect(response: HttpResponseBase, number: str) -> None:
    """Give an answer the headers of S38 and S39, and its request's number."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault(CSP_HEADER, build_policy())
    if number:
        response.headers[REQUEST_ID] = number


def client_address(peer: str, forwarded: str, proxies: int) -> str:
    """
    Return the address of the client, as the outermost of our own proxies saw it.

    Each proxy appends the address it was called from, so only the last `proxies` entries of `X-Forwarded-For` are
    theirs; the ones before, and anything that is no address, are the sender's words and change nothing (S45).
    """
    hops = [hop for part in forwarded.split(",") if (hop := part.strip())]
    if not proxies or not hops:
        return peer
    found = hops[-min(proxies, len(hops))]
    try:
        return str(ip_address(found))
    except ValueError:
        return peer


def forwarded_for(headers: Sequence[tuple[bytes, bytes]]) -> str:
    """Return all `X-Forwarded-For` lines of an ASGI scope as one list, in their order."""
    lines = [value.decode("latin-1") for name, value in headers if name == b"x-forwarded-for"]
    return ",".join(lines)


def body_limit(headers: Mapping[str, str]) -> int:
    """Return how many bytes a request may send: a form with files may be longer than anything else."""
    multipart = headers.get("content-type", "").lower().startswith("multipart/form-data")
    return int(settings.LIMIT_UPLOAD_BYTES if multipart else settings.LIMIT_BODY_BYTES)


def _is_page_for_developers(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Tell whether a program would get the page by which Django explains a wrong address while DEBUG=1."""
    is_page = response.get("Content-Type", "").startswith("text/html")
    wrong = response.status_code == HTTPStatus.NOT_FOUND and is_page
    return settings.DEBUG and wrong and request.path_info.startswith(errors.PROGRAMS)


def _refuse_strange_host(request: HttpRequest) -> HttpResponse | None:
    """Answer 404 for a host that is not ours; Twilio's doors ask for a signature instead, never for a host (S2)."""
    try:
        request.get_host()
    except DisallowedHost:
        if not request.path_info.startswith(CARRIER):
            return errors.problem(request, HTTPStatus.NOT_FOUND)
    else:
        return None
    request.META["HTTP_HOST"] = settings.PUBLIC_BASE_URL.partition("://")[2]
    try:
        request.get_host()
    except DisallowedHost:
        return HttpResponseForbidden()
    return None


def _body_fault(request: HttpRequest) -> HTTPStatus | None:
    noted = getattr(request, "scope", {}).get(BODY_FAULT)
    if noted is not None:
        return HTTPStatus(noted)
    length = request.META.get("CONTENT_LENGTH") or "0"
    limit = body_limit({"content-type": request.META.get("CONTENT_TYPE", "")})
    if not length.isdecimal():
        return HTTPStatus.BAD_REQUEST
    return HTTPStatus.REQUEST_ENTITY_TOO_LARGE if int(length) > limit else None


def _keep_out_of_caches(request: HttpRequest, response: HttpResponseBase) -> None:
    """Forbid storing: always where a cookie or a key came along, else unless the view said otherwise."""
    known = settings.SESSION_COOKIE_NAME in request.COOKIES or "Authorization" in request.headers
    if known or response.cookies:
        if "no-store" not in response.headers.get("Cache-Control", ""):
            response.headers["Cache-Control"] = "no-store"
    else:
        response.headers.setdefault("Cache-Control", "no-store")
