"""Marks on views: nobody asked for it, or only whoever has just shown who they are."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

from accounts.sign_in import ages, clock
from accounts.sign_in.answers import answers_json, refusal
from accounts.sign_in.sessions import lifetimes

View = Callable[..., HttpResponseBase]
AnyView = TypeVar("AnyView", bound=Callable[..., Any])


def background(view: AnyView) -> AnyView:
    """Mark a view that scripts call by themselves: it never keeps a session alive (security reference, S31)."""
    view.is_background = True  # type: ignore[attr-defined]  # the middleware asks for it
    return view


def is_recently_authenticated(request: HttpRequest) -> bool:
    """Return whether password and code were given within the last minutes (security reference, S36)."""
    if not request.user.is_authenticated:
        return False
    return ages.is_verified(request.session, lifetimes(), now=clock.now())


def reauthentication_answer(request: HttpRequest) -> HttpResponseBase:
    """Send a person to show who they are and back; a program gets 403 `reauth_required`."""
    if answers_json(request):
        detail = "Give your password and a code again, then repeat this."
        return refusal("reauth_required", detail, status=403)
    return redirect(
        f"{reverse('account_reauthenticate')}?{urlencode({'next': _way_back(request)})}"
    )


def recently_authenticated(view: View) -> View:
    """Let a view be used only within minutes of giving password and code (security reference, S36)."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated and not answers_json(request):
            return redirect_to_login(request.get_full_path())
        if not is_recently_authenticated(request):
            return reauthentication_answer(request)
        return view(request, *args, **kwargs)

    return guarded


def _way_back(request: HttpRequest) -> str:
    """Return the page to go on with: what was asked for, or the page whose form was sent."""
    if request.method in {"GET", "HEAD"}:
        return request.get_full_path()
    referer = request.headers.get("Referer", "")
    hosts = {request.get_host()}
    if url_has_allowed_host_and_scheme(referer, hosts, require_https=request.is_secure()):
        return referer
    return "/"
