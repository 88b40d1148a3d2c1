"""What every page of staff goes through: a login, the policy, and no copy left behind."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.cache import never_cache

from accounts.access import viewer_of_request
from accounts.exceptions import NotAllowed
from accounts.models import User
from accounts.permissions import Resource, Verb

View = Callable[..., HttpResponseBase]


def staff_page(verb: Verb, resource: Resource) -> Callable[[View], View]:
    """
    Open a page to whose role may do `verb` with `resource`; others get 403, and nobody's browser keeps it (S39).

    The view still has to read through `scheduling.selectors.sight`, for a role may end at own rows.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not viewer_of_request(request).may(verb, resource):
                raise PermissionDenied
            try:
                return view(request, *args, **kwargs)
            except NotAllowed as error:
                raise PermissionDenied(error.detail) from error

        return never_cache(login_required(guarded))

    return decorate


def signed_in_user(request: HttpRequest) -> User:
    """Return who is behind a page of staff."""
    assert isinstance(request.user, User)
    return request.user
