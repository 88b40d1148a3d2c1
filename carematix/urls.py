"""Every address of the product, by app."""

from django.contrib import admin
from django.urls import include, path

from carematix import health, schema
from carematix.csp_reports import csp_report

handler400 = "carematix.errors.bad_request"
handler403 = "carematix.errors.permission_denied"
handler404 = "carematix.errors.not_found"
handler500 = "carematix.errors.server_error"

urlpatterns = [
    path("health/live", health.live, name="health_live"),
    path("health/ready", health.ready, name="health_ready"),
    path("csp-report/", csp_report, name="csp_report"),
    path("twilio/", include("voice.urls")),
    path("accounts/", include("accounts.urls")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("accounts.api_urls")),
    path("api/v1/", include("scheduling.api.urls")),
    path("api/v1/", include("voice.api.urls")),
    path("api/v1/", include("dashboard.api_urls")),
    path("api/schema/", schema.description, name="api_schema"),
    path("api/docs/", schema.documentation, name="api_docs"),
    *(path(f"api/docs/{name}.md", guide) for name, guide in schema.guides.items()),
    path("fhir/R4/", include("scheduling.fhir.urls")),
    path("", include("scheduling.urls")),
    path("", include("dashboard.urls")),
]
