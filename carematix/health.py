"""
`/health/live` and `/health/ready`: whether the process lives, and whether it should be given work (R14, S11).

Liveness is for everybody. Readiness names what is wrong, so it answers neighbours only: this machine and private
networks, where load balancers live. To the world it is an address like any that does not exist.
"""

import copy
import logging
import shutil
from collections.abc import Callable
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.db import DatabaseError, connection, connections
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.views.decorators.http import require_safe
from twilio.request_validator import RequestValidator

from carematix import errors, production
from voice import live_calls
from voice.signatures import request_is_signed

logger = logging.getLogger("carematix.health")

CONNECT_SECONDS = 2
FULL_WARNING = 0.9
FULL = 0.98
SAMPLE_PATH = "/twilio/voice"
SAMPLE_FIELDS = {"CallSid": "CA" + "0" * 32, "From": "+12025550100"}


@require_safe
async def live(request: HttpRequest) -> HttpResponse:
    """Answer at all: a blocked loop would not."""
    return JsonResponse({"status": "ok"})


@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """Answer 200, or 503 with the names of what is wrong."""
    if not _is_neighbour(request.META.get("REMOTE_ADDR", "")):
        return errors.problem(request, HTTPStatus.NOT_FOUND)
    reasons = [name for name, holds in CONDITIONS.items() if not holds()]
    answer: dict[str, object] = {"status": "unavailable" if reasons else "ok", "reasons": reasons}
    answer["warnings"] = ["disk"] if _disk_used() >= FULL_WARNING else []
    if reasons:
        logger.warning("carematix.health.not_ready", extra={"reason": ",".join(reasons)})
    return JsonResponse(answer, status=503 if reasons else 200)


def database_opens() -> bool:
    """Open a connection of its own, past the pool, and ask it something."""
    wanted = copy.deepcopy(connection.settings_dict)
    wanted["OPTIONS"] = {name: value for name, value in wanted["OPTIONS"].items() if name != "pool"}
    if connection.vendor == "postgresql":
        wanted["OPTIONS"]["connect_timeout"] = CONNECT_SECONDS
    fresh = type(connections[connection.alias])(wanted, alias="readiness")
    try:
        with fresh.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    finally:
        fresh.close()
    return True


def public_address_holds() -> bool:
    """Tell whether the address that Twilio is told can be right: https in production, and a host of ours."""
    address = urlsplit(settings.PUBLIC_BASE_URL)
    secure = address.scheme == "https" or settings.DEBUG
    known = production.host_is_allowed(address.hostname or "", settings.ALLOWED_HOSTS)
    return secure and known and address.path in {"", "/"} and not address.query


def signatures_verify() -> bool:
    """Tell whether a request signed as Twilio signs passes the real check: closed by mistake is a dead line (S11)."""
    token = settings.TWILIO_AUTH_TOKEN
    if not token:
        return False
    sample = HttpRequest()
    sample.method = "POST"
    sample.path = SAMPLE_PATH
    sample.POST = QueryDict(mutable=True)  # type: ignore[assignment]  # a request's own is filled the same way
    sample.POST.update(SAMPLE_FIELDS)
    url = settings.PUBLIC_BASE_URL.rstrip("/") + SAMPLE_PATH
    sample.META["HTTP_X_TWILIO_SIGNATURE"] = RequestValidator(token).compute_signature(
        url, SAMPLE_FIELDS
    )
    try:
        return request_is_signed(sample)
    except DisallowedHost:
        return False


def disk_has_room() -> bool:
    return _disk_used() < FULL


CONDITIONS: dict[str, Callable[[], bool]] = {
    "database": database_opens,
    "public_base_url": public_address_holds,
    "carrier_signature": signatures_verify,
    "disk": disk_has_room,
    "capacity": live_calls.has_room,
}
"""What must hold, by the name that the answer gives; a server that drains has no capacity."""


def _disk_used() -> float:
    """Return how full the disk of the recordings is, from 0 to 1."""
    folder: Path = settings.MEDIA_ROOT
    while not folder.exists():
        folder = folder.parent
    usage = shutil.disk_usage(folder)
    return usage.used / usage.total


def _is_neighbour(address: str) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return not address  # a socket file: the proxy of this machine
    return found.is_loopback or found.is_private
