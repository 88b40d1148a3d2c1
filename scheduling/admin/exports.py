"""Lists whose records can leave as CSV: the chosen ones by an action, all of them by a page of its own."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

from channels.db import database_sync_to_async
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.handlers.asgi import ASGIRequest
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import path

from scheduling import services
from scheduling.admin.bases import NamedAdmin
from scheduling.clock import clinic_now, clinic_zone


class ExportableAdmin(NamedAdmin):
    """Gives a list an action and a page that export; who may see the records may take them along, on record."""

    export_kind = ""
    actions: Any = ("export_selected",)
    change_list_template = "admin/scheduling/dataimport/exportable_list.html"

    def get_urls(self) -> list[Any]:
        """Add the page that exports everything."""
        return [
            path(
                "export/",
                self.admin_site.admin_view(self.export_all),
                name=f"scheduling_{self.opts.model_name}_export",
            ),
            *super().get_urls(),
        ]

    @admin.action(description="Export selected as CSV", permissions=["view"])
    def export_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponseBase:
        """Send the chosen records."""
        return csv_response(request, self.export_kind, queryset)

    def export_all(self, request: HttpRequest) -> HttpResponseBase:
        """Say what an export of everything is, then send it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            return csv_response(request, self.export_kind, None)
        return TemplateResponse(
            request,
            "admin/scheduling/dataimport/export.html",
            {
                **self.admin_site.each_context(request),
                "title": f"Export all {self.opts.verbose_name_plural}",
                "opts": self.opts,
                "number": self.model._default_manager.count(),
            },
        )


def csv_response(
    request: HttpRequest, kind: str, records: QuerySet[Any] | None
) -> StreamingHttpResponse:
    """Stream a file; its name is ours and says the clinic's date."""
    parts = services.export_csv(
        kind=kind,
        surface="admin",
        records=records,
        user_id=request.user.pk,
        address=request.META.get("REMOTE_ADDR") or "",
    )
    today = clinic_now().astimezone(clinic_zone()).date()
    return StreamingHttpResponse(
        _in_threads(parts) if isinstance(request, ASGIRequest) else parts,
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{kind}-{today.isoformat()}.csv"',
            "Cache-Control": "no-store",
        },
    )


async def _in_threads(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Fetch part after part outside of the event loop; a plain iterator would be read to its end first."""
    while (part := await database_sync_to_async(next)(parts, None)) is not None:
        yield part
