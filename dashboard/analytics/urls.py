"""The addresses of reports, below `/api/v1/analytics/` (contract, section 6)."""

from django.urls import path

from dashboard.analytics import views

urlpatterns = [
    path("calls/", views.CallVolumes.as_view(), name="api_report_calls"),
    path("outcomes/", views.Outcomes.as_view(), name="api_report_outcomes"),
    path("costs/", views.Costs.as_view(), name="api_report_costs"),
    path("latency/", views.Latency.as_view(), name="api_report_latency"),
    path("no-shows/", views.NoShows.as_view(), name="api_report_no_shows"),
    path("reminders/", views.Reminders.as_view(), name="api_report_reminders"),
    path("waiting-times/", views.Waiting.as_view(), name="api_report_waiting_times"),
    path("first-openings/", views.FirstOpenings.as_view(), name="api_report_first_openings"),
    path("utilisation/", views.NurseUtilisation.as_view(), name="api_report_utilisation"),
]
