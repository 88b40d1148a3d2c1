"""What every request of a session meets: its age, and whether its rights are still the same."""

from datetime import datetime

from django.contrib import messages
from django.contrib.auth import SESSION_KEY, logout
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin

from accounts.sign_in import ages, clock
from accounts.sign_in.answers import answers_json, refusal
from accounts.sign_in.events import record
from accounts.sign_in.sessions import end_sessions, renew, rights_of, session_is_alive

BACKGROUND_HEADER = "X-Background-Request"
"""A script sends it with what no person asked for. It can only shorten a session, so nobody gains by lying."""


class SessionAgeMiddleware(MiddlewareMixin):
    """
    End sessions that ran out or never had a second factor, and let a person's own requests keep theirs alive.

    It stands behind the messages, so that the login page can say what happened, and before anything that asks who
    is there (security reference, S31, S32, S35).
    """

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        """Answer in place of the page if the session is over."""
        if SESSION_KEY not in request.session or not request.user.is_authenticated:
            return None
        now = clock.now()
        if not session_is_alive(request.session, now=now):
            return _end(request)
        _follow_rights(request)
        request.session_seen_at = now  # type: ignore[attr-defined]  # for process_view, which knows the page
        return None

    def process_view(
        self, request: HttpRequest, view: object, args: object, kwargs: object
    ) -> None:
        """Note that a person did something, unless the page or the script says that nobody did."""
        now: datetime | None = getattr(request, "session_seen_at", None)
        if now is None or is_background(request, view):
            return
        request.session[ages.ACTIVE] = now.timestamp()


def is_background(request: HttpRequest, view: object) -> bool:
    """Return whether no person asked for this: a poll, a feed, a heartbeat."""
    return getattr(view, "is_background", False) or BACKGROUND_HEADER in request.headers


def _follow_rights(request: HttpRequest) -> None:
    """Give the session a new id when its person may do other things than before."""
    rights = rights_of(request.user)  # type: ignore[arg-type]  # authenticated, so one of ours
    if request.session.get(ages.RIGHTS) != rights:
        request.session[ages.RIGHTS] = rights
        renew(request)


def _end(request: HttpRequest) -> HttpResponse:
    """End the session, and lead a person to the login; a program is told."""
    record(request, "session.expired", user=request.user)
    end_sessions(user=request.user, only_key=request.session.session_key)  # type: ignore[arg-type]  # signed in
    logout(request)
    messages.warning(request, "You were signed out. Sign in again to go on.")
    if answers_json(request):
        return refusal("not_authenticated", "Your session has ended. Sign in again.", status=401)
    reading = request.method in {"GET", "HEAD"}
    return redirect_to_login(request.get_full_path() if reading else "/")
