"""How the admin site is dressed: its door, the clinic's time on every page, and rows that read as people call them."""

from collections.abc import Callable
from contextlib import nullcontext
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import SimpleTemplateResponse
from django.utils import timezone

from accounts.access import viewer_of_request
from accounts.audit.admin_events import RecordedAdmin, record_page
from accounts.exceptions import NoSuchPerson, NotAllowed, OwnAccount
from accounts.permissions import Resource, Verb
from accounts.sign_in.views import sign_out

View = Callable[..., HttpResponseBase]


class TitledRow:
    """Stands for a row on an admin page and reads as its title; `str()` of a row keeps names out of logs."""

    def __init__(self, row: models.Model, title: str) -> None:
        self._row = row
        self._title = title

    def __getattr__(self, name: str) -> Any:
        return getattr(self._row, name)

    def __str__(self) -> str:
        return self._title


class TitledAdmin(RecordedAdmin):
    """Names the row on its pages and in the notes after saving, where Django would write `str(row)`."""

    def title(self, row: Any) -> str:
        """Return what people call the row."""
        return str(row)

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: models.Model | None = None,
    ) -> Any:
        """Head the form with the row's title."""
        if obj is not None:
            title = self.title(obj)
            context |= {"original": TitledRow(obj, title), "subtitle": title}
        return super().render_change_form(request, context, add, change, form_url, obj)

    def render_delete_form(self, request: HttpRequest, context: dict[str, Any]) -> Any:
        """Ask for the row by its title."""
        row = context["object"]
        return super().render_delete_form(
            request, context | {"object": TitledRow(row, self.title(row))}
        )

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> Any:
        """Say by its title what was added; a field that asked for it shows the title too."""
        return super().response_add(request, TitledRow(obj, self.title(obj)), post_url_continue)

    def response_change(self, request: HttpRequest, obj: Any) -> Any:
        """Say by its title what was changed."""
        return super().response_change(request, TitledRow(obj, self.title(obj)))


def may_enter(request: HttpRequest) -> bool:
    """Tell whether the policy opens the admin site to who asks; `is_staff` opens nothing."""
    return viewer_of_request(request).may(Verb.READ, Resource.ADMIN_SITE)


def admin_login(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
    """Lead to our one login, or on; whoever is signed in and may not enter is told so."""
    if request.user.is_anonymous:
        return redirect_to_login(request.GET.get("next") or request.get_full_path())
    if not may_enter(request):
        raise PermissionDenied
    return redirect("admin:index")


def admin_password_change(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
    """Lead to our one page for the own password: it counts wrong tries and records the change (S33, S46)."""
    return redirect("account_change_password")


def admin_view(view: View, cacheable: bool = False) -> View:
    """Send whoever is not signed in straight to our login; show the rest in the clinic's time, and record it."""
    inner = admin.AdminSite.admin_view(admin.site, view, cacheable)

    @wraps(view)
    def in_clinic_time(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_anonymous:
            return redirect_to_login(request.get_full_path())
        if not may_enter(request):
            raise PermissionDenied
        # What is done and its audit event are stored together or not at all (security reference, S50).
        together = transaction.atomic() if request.method == "POST" else nullcontext()
        with timezone.override(settings.CLINIC_TIME_ZONE), together:
            try:
                response = inner(request, *args, **kwargs)
            except (NotAllowed, OwnAccount) as error:
                raise PermissionDenied(error.detail) from error
            except NoSuchPerson as error:
                raise Http404(error.detail) from error
            # Drawn now: later the clinic's zone is no longer the current one.
            if isinstance(response, SimpleTemplateResponse) and not response.is_rendered:
                response.render()
            if request.user.is_authenticated:
                record_page(request, response)
            return response

    return in_clinic_time


# One door for everybody: the admin site has no login page of its own, and leaving it ends at ours.
admin.site.has_permission = may_enter  # type: ignore[method-assign]  # the policy's answer, asked by every page
admin.site.login = admin_login  # type: ignore[method-assign]  # the site has no other hook
admin.site.logout = sign_out  # type: ignore[method-assign]  # the same, for the way out
admin.site.password_change = admin_password_change  # type: ignore[method-assign]  # the same, for passwords
admin.site.admin_view = admin_view  # type: ignore[method-assign, assignment]  # the site has no other hook
admin.site.site_header = "Carematix administration"
admin.site.site_title = "Carematix"
admin.site.index_title = "Records"
admin.site.site_url = "/"
