"""Calendar feeds and imports in the admin: feeds are read only, an import has its own pages from upload to done."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_POST

from scheduling import services
from scheduling.admin.bases import NamedAdmin, ReadOnly
from scheduling.exceptions import NotFound, Stale
from scheduling.exchange.csv_columns import COLUMNS
from scheduling.exchange.csv_text import FileRefused
from scheduling.models import CalendarFeed, DataImport

Status = DataImport.Status

UNDER_WAY = (Status.UPLOADED, Status.CHECKING, Status.ACCEPTED, Status.APPLYING)
REFRESH_SECONDS = 3


@admin.register(CalendarFeed)
class CalendarFeedAdmin(ReadOnly, NamedAdmin):
    list_display = ("nurse_name", "created_at", "last_used_at", "revoked_at")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    list_select_related = ("nurse",)
    search_fields = ("nurse__name_key",)
    search_help_text = "Nurse"


class UploadForm(forms.Form):
    """Which records, and the file."""

    kind = forms.ChoiceField(choices=DataImport.Kind.choices, label="What is in the file")
    file = forms.FileField(
        label="CSV file",
        help_text="At most 5 MB and 10,000 rows, in UTF-8; the first row names the columns.",
    )

    def clean_file(self) -> "UploadedFile[bytes]":
        """Refuse what is too large before it is read."""
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        if (file.size or 0) > services.most_bytes():
            raise forms.ValidationError("The file is too large. Divide it.")
        return file


@admin.register(DataImport)
class DataImportAdmin(ReadOnly, NamedAdmin):
    """Imports: nothing is stored before somebody has seen what the check found, and has said so."""

    list_display = ("created_at", "kind", "status", "rows_total", "created_by", "finished_at")
    list_filter = ("status", "kind")
    list_select_related = ("created_by",)
    search_fields = ("digest",)
    search_help_text = "The SHA-256 of a file"
    date_hierarchy = "created_at"

    def get_queryset(self, request: HttpRequest) -> QuerySet[DataImport]:
        """Leave the files themselves where they are; no page shows them."""
        return super().get_queryset(request).defer("content")

    def get_urls(self) -> list[Any]:
        """Add the pages of upload and application."""
        guard = self.admin_site.admin_view
        return [
            path("upload/", guard(self.upload), name="scheduling_dataimport_upload"),
            path(
                "<uuid:import_id>/apply/",
                guard(require_POST(self.apply)),
                name="scheduling_dataimport_apply",
            ),
            *super().get_urls(),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """List the imports; who may, is led to the upload."""
        context = {"may_import": _may_import(request), **(extra_context or {})}
        return super().changelist_view(request, context)

    def change_view(
        self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show how far an import is, what the check found, and what can be done now."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        record = self.get_object(request, object_id)
        if record is None:
            raise Http404
        return TemplateResponse(
            request,
            "admin/scheduling/dataimport/import.html",
            self._context(
                request,
                title=f"Import of {record.get_kind_display().lower()}",
                record=record,
                under_way=record.status in UNDER_WAY,
                refresh_seconds=REFRESH_SECONDS,
                has_change_permission=False,
                may_apply=record.status == Status.CHECKED and _may_import(request),
            ),
        )

    def upload(self, request: HttpRequest) -> HttpResponseBase:
        """Take a file in."""
        if not _may_import(request):
            raise PermissionDenied
        form = UploadForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            try:
                record = services.upload_import(
                    kind=form.cleaned_data["kind"],
                    content=form.cleaned_data["file"].read(),
                    user_id=_user_id(request),
                )
            except FileRefused as error:
                form.add_error("file", error.problems[0].detail)
            else:
                return redirect("admin:scheduling_dataimport_change", record.pk)
        kinds = [
            (label, [(column.name, column.needed) for column in COLUMNS[kind]])
            for kind, label in DataImport.Kind.choices
        ]
        return TemplateResponse(
            request,
            "admin/scheduling/dataimport/upload.html",
            self._context(request, title="Import a file", form=form, kinds=kinds),
        )

    def apply(self, request: HttpRequest, import_id: UUID) -> HttpResponseBase:
        """Let the worker store a file that was checked, if it is the one that was seen."""
        if not _may_import(request):
            raise PermissionDenied
        try:
            services.accept_import(
                import_id=import_id,
                digest=request.POST.get("digest", ""),
                user_id=_user_id(request),
                now=timezone.now(),
            )
        except NotFound as error:
            raise Http404 from error
        except Stale as error:
            messages.error(request, error.detail)
        return redirect("admin:scheduling_dataimport_change", import_id)

    def _context(self, request: HttpRequest, **values: Any) -> dict[str, Any]:
        return {**self.admin_site.each_context(request), "opts": self.opts, **values}


def _may_import(request: HttpRequest) -> bool:
    return request.user.has_perm("scheduling.add_dataimport")


def _user_id(request: HttpRequest) -> UUID:
    """Return who acts; the site lets nobody in who is not signed in."""
    return UUID(str(request.user.pk))
