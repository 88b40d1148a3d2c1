"""The addresses of this app's REST API, below `/api/v1/`."""

from django.urls import include, path

from accounts.sign_in.decorators import background
from dashboard import api

urlpatterns = [
    path("analytics/", include("dashboard.analytics.urls")),
    path("live-events/", background(api.LiveEvents.as_view()), name="api_live_events"),
]
