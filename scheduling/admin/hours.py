"""Whatever changes hours in the admin first shows which visits it would leave outside (section 11)."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from scheduling import services
from scheduling.admin.bases import NamedAdmin
from scheduling.clock import clinic_now
from scheduling.exceptions import Stale
from scheduling.models import Source

TOKEN = "hours_token"
REASONS = {
    "hours": "Outside the hours",
    "license": "Not covered by the license",
    "inactive": "The nurse is not active",
}


class HoursAdmin(NamedAdmin):
    """Saves and deletes rows that say when nurses work, through the service alone."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Do nothing yet: the row and those below it are saved together."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save the row and those below it as one change of hours."""
        rows, deleted = [form.instance], []
        for formset in formsets:
            rows += formset.save(commit=False)
            deleted += formset.deleted_objects
        self._save(request, rows=rows, deleted=deleted)
        form.save_m2m()
        for formset in formsets:
            formset.save_m2m()

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete one row as a change of hours."""
        self._save(request, deleted=[obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Delete the chosen rows as one change of hours."""
        self._save(request, deleted=list(queryset))

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Show or take the form; ask first if visits would be left outside."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except Stale as error:
            return self._ask(request, error)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Ask before a row is deleted, once more if visits would be left outside."""
        try:
            return super().delete_view(request, *args, **kwargs)
        except Stale as error:
            return self._ask(request, error)

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """List the rows; the action that deletes several asks as well, and logs nothing before."""
        try:
            with transaction.atomic():
                return super().changelist_view(request, *args, **kwargs)
        except Stale as error:
            return self._ask(request, error)

    def _save(self, request: HttpRequest, **change: Any) -> None:
        services.save_hours(
            **change,
            token=request.POST.get(TOKEN, ""),
            source=Source.ADMIN,
            actor=f"user:{request.user.pk}",
            now=clinic_now(),
        )

    def _ask(self, request: HttpRequest, error: Stale) -> HttpResponse:
        """Show what would be left outside; the same form comes again with the list's token."""
        sent = [
            (name, value)
            for name, values in request.POST.lists()
            if name not in ("csrfmiddlewaretoken", TOKEN)
            for value in values
        ]
        return TemplateResponse(
            request,
            "admin/scheduling/hours_confirmation.html",
            {
                **self.admin_site.each_context(request),
                "title": "Visits outside the hours",
                "opts": self.opts,
                "visits": [(one, REASONS[one.reason]) for one in error.preview.orphaned],
                "holds": len(error.preview.lost_holds),
                "changed": bool(request.POST.get(TOKEN)),
                "sent": sent,
                "token_name": TOKEN,
                "token": error.preview.token,
            },
            status=409,
        )
