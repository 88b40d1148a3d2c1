"""The pages of staff."""

from django.urls import path

from dashboard import views

app_name = "dashboard"
urlpatterns = [
    path("", views.home, name="home"),
    path("dashboard/", views.home),
    path("dashboard/calls/", views.calls, name="calls"),
    path("dashboard/calls/<uuid:call_id>/", views.call, name="call"),
    path("dashboard/appointments/", views.appointments, name="appointments"),
    path("dashboard/theme/", views.theme, name="theme"),
    path("accounts/calendar/", views.calendar_link, name="calendar_link"),
]
