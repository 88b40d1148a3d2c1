"""The addresses of scheduling that are no pages of staff."""

from django.urls import path

from scheduling.calendars import calendar_feed

app_name = "scheduling"
urlpatterns = [
    path("calendars/<str:token>.ics", calendar_feed, name="calendar_feed"),
]
