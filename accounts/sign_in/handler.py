"""axes asks here before any password is checked (security reference, S33)."""

from typing import Any

from axes.handlers.base import AxesHandler
from django.http import HttpRequest

from accounts.sign_in import clock, lockout
from accounts.sign_in.events import address_of


class CountingHandler(AxesHandler):
    """
    Counts a login before its password is checked, where axes itself would count after it.

    So tries that arrive at once cannot all slip through. The request remembers the attempt; whoever finds that the
    password was right takes it back.
    """

    def is_allowed(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> bool:
        """Count the try, and say whether it may go on to the password."""
        username = str((credentials or {}).get("username") or "")
        limits = (lockout.account_limit(username), lockout.address_limit(address_of(request)))
        attempt = lockout.begin_attempt(*limits, now=clock.now())
        request.login_attempt = attempt  # type: ignore[attr-defined]  # ours, for the adapter
        return attempt is not None
