"""How a request to the API says who sends it: an API key in its header, or the session of somebody signed in."""

from typing import Any, ClassVar

from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import (
    APIException,
    AuthenticationFailed,
    PermissionDenied,
    Throttled,
)
from rest_framework.request import Request

from accounts import issued_keys, keys
from accounts.exceptions import KeyRefused, TooManyRequests
from accounts.models import ApiKey, AuditEvent
from accounts.services import record_event
from accounts.sign_in import clock
from accounts.sign_in.addresses import address_of
from accounts.throttle import RequestLimit, bad_key_limit, key_limit, take


class KeyInAddress(APIException):
    """A key travels in the header only: addresses are kept in logs and histories (security reference, S42)."""

    status_code = 400
    default_code = "key_in_address"
    default_detail = (
        "Send the key in the Authorization header. It stood in the address: make a new one."
    )


class CsrfFailed(PermissionDenied):
    """A session's request that changes something needs the token of its forms (security reference, S37)."""

    default_code = "csrf_failed"
    default_detail = "The form's token is missing or too old."


class BearerKeyAuthentication(BaseAuthentication):
    """
    `Authorization: Bearer cmx_…` (RFC 6750, section 2.1).

    The key's limit is taken here and not after the policy, so that requests which are refused count as well. Keys
    that open nothing are counted by address, and a right key is never refused for their sake: others at the same
    address cannot lock an integrator out, and 32 random bytes are not found by trying.
    """

    keyword: ClassVar[str] = "Bearer"

    def authenticate(self, request: Request) -> tuple[ApiKey, ApiKey] | None:
        """
        Return the key, or nothing if none was sent.

        Raises:
            KeyInAddress: a key stands in the address.
            AuthenticationFailed: the key opens nothing here.
            Throttled: the limit of the key, or of the address, is used up.
        """
        address = address_of(request)
        if keys.is_in_address(request.get_full_path()):
            _refuse(request, KeyRefused("in_address"))
            raise KeyInAddress
        token = keys.bearer_token(request.headers.get("Authorization", ""))
        if token is None:
            return None
        now = clock.now()
        try:
            key = issued_keys.recognised_key(token, address=address, now=now)
        except KeyRefused as refused:
            _refuse(request, refused)
            raise AuthenticationFailed(refused.detail, refused.code) from refused
        _take(key_limit(key.pk, method=request.method or ""))
        issued_keys.note_use(key, now=now)
        return key, key

    def authenticate_header(self, request: Request) -> str:
        """Return what a 401 asks for."""
        return self.keyword


class SignedInAuthentication(SessionAuthentication):
    """The session of somebody who gave both factors; what changes something brings the token of the forms."""

    def enforce_csrf(self, request: Any) -> None:
        """
        Check the token.

        Raises:
            CsrfFailed: it is missing or wrong; why would only help whoever forged it.
        """
        try:
            super().enforce_csrf(request)
        except PermissionDenied as error:
            raise CsrfFailed from error


def _refuse(request: Request, refused: KeyRefused) -> None:
    """Count a key that opens nothing and record it; beyond the limit it is only refused."""
    _take(bad_key_limit(address_of(request)))
    known = refused.outcome in {"revoked", "expired", "wrong_address"}  # it was the right secret
    record_event(
        action="key.refused",
        outcome=refused.outcome,
        surface="api",
        actor_type=AuditEvent.ActorType.KEY if known else AuditEvent.ActorType.SYSTEM,
        actor_id=refused.key_id if known else "",
        object_type="api_key",
        object_id=refused.key_id,
        address=address_of(request),
        request_id=getattr(request, "request_id", ""),
    )


def _take(limit: RequestLimit) -> None:
    try:
        take(limit, now=clock.now())
    except TooManyRequests as error:
        raise Throttled(error.wait_s) from error
