"""What pages need to know to warn before a session ends."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def session_limits(request: HttpRequest) -> dict[str, Any]:
    """Return, in seconds, how long a page waits before it warns, and how long before the end that is."""
    warn_after = settings.LIMIT_SESSION_WARNING_MINUTES * 60
    left_then = settings.LIMIT_SESSION_IDLE_MINUTES * 60 - warn_after
    return {"session_limits": {"warn_after": warn_after, "warning": max(left_then, 1)}}
