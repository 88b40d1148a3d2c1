"""The WebSocket addresses of the app. No Origin check wraps them: Twilio is no browser, and its signature counts."""

from typing import Any

from django.urls import re_path

from voice.consumers import MediaStreamConsumer

websocket_urlpatterns: list[Any] = [
    re_path(r"^ws/media-stream/?$", MediaStreamConsumer.as_asgi()),
]
