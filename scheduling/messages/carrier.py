"""
Requests to Twilio's REST API, and what their failures mean: a text or a call must never go out twice (R10).

A request says one of four things: it was accepted, it was refused for good, it certainly did not arrive and may be
tried again, or nobody knows.
"""

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from django.conf import settings
from twilio.base.exceptions import TwilioRestException, TwilioServiceException
from twilio.http.http_client import TwilioHttpClient
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

if TYPE_CHECKING:
    from twilio.rest import Client

TIMEOUT_S = 15.0
"""How long one step of a request may take; the library itself would wait for ever."""
ANSWERED_NOT_NOW = {429, 503}
CODES_NOT_NOW = {20429, 30001, 30022}
CREDENTIALS = {401, 403}
"""Nothing was accepted, and somebody may be changing the token just now."""


class TransportFailure(Exception):
    """A message did not go out as it should; `code` is short and stable, and holds nothing of the message."""

    def __init__(self, code: str) -> None:
        self.code = code[:40]
        super().__init__(self.code)


class NotSent(TransportFailure):
    """It certainly did not leave; trying again later is safe."""


class Refused(TransportFailure):
    """The other side said no, and would say so again."""


class Uncertain(TransportFailure):
    """The request went out and the answer did not come back."""


def is_configured() -> bool:
    """Tell whether an account is set up."""
    return bool(settings.TWILIO_ACCOUNT_SID and settings.TWILIO_AUTH_TOKEN)


@contextmanager
def asked() -> Iterator["Client"]:
    """
    Give the library's client for one request.

    Raises:
        NotSent, Refused, Uncertain: what the request's failure means.
    """
    from twilio.rest import Client  # slow to import, and only a process that sends needs it

    client = Client(
        settings.TWILIO_ACCOUNT_SID,
        settings.TWILIO_AUTH_TOKEN,
        http_client=_TwilioConnection(settings.TWILIO_API_BASE_URL),
    )
    try:
        yield client
    except (TwilioRestException, TwilioServiceException) as error:
        raise _from_answer(int(error.status), int(error.code or 0)) from error
    except requests.exceptions.RequestException as error:
        raise _from_connection(error) from error
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise Uncertain("odd_answer") from error


class _TwilioConnection:
    """
    An HTTP client for Twilio's library that goes to the configured address, each request on a new connection.

    A kept connection may be closed at the moment of a request, and nobody could say then whether it arrived.
    """

    is_async = False

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url.rstrip("/")
        self._client = TwilioHttpClient(pool_connections=False, timeout=TIMEOUT_S)

    def request(self, method: str, uri: str, **options: Any) -> Any:
        """Send one request; the host that the library or its environment chose does not count."""
        parts = urlsplit(uri)
        query = f"?{parts.query}" if parts.query else ""
        return self._client.request(method, f"{self._base_url}{parts.path}{query}", **options)


def _from_answer(status: int, code: int) -> TransportFailure:
    """Return what an answer with an error means (twilio reference, sections 8, 9 and 11)."""
    known = str(code if code > 999 else f"http_{status}")
    if status in ANSWERED_NOT_NOW | CREDENTIALS or code in CODES_NOT_NOW:
        return NotSent(known)
    if status >= 500:
        return Uncertain(known)
    return Refused(known)


def _from_connection(error: requests.exceptions.RequestException) -> TransportFailure:
    """Tell a request that never left from one whose answer was lost."""
    never_left = (requests.exceptions.ConnectTimeout, requests.exceptions.ProxyError)
    if isinstance(error, never_left):
        return NotSent("no_connection")
    for cause in _causes(error):
        if isinstance(
            cause, NewConnectionError | ConnectTimeoutError | ssl.SSLCertVerificationError
        ):
            return NotSent("no_connection")
    return Uncertain("connection_lost")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and what requests and urllib3 wrapped in it."""
    seen: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        found = waiting.pop()
        if not isinstance(found, BaseException) or found in seen:
            continue
        seen.append(found)
        yield found
        waiting += [*found.args, getattr(found, "reason", None)]
