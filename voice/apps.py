"""Tell Django about the app."""

from django.apps import AppConfig


class VoiceConfig(AppConfig):
    name = "voice"
