"""Tell Django about the app."""

from django.apps import AppConfig


class SchedulingConfig(AppConfig):
    name = "scheduling"
