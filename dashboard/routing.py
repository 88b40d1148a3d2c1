"""The WebSocket addresses of the app."""

from typing import Any

from django.urls import re_path

from dashboard.consumers import LiveFeedConsumer

websocket_urlpatterns: list[Any] = [
    re_path(r"^ws/live/?$", LiveFeedConsumer.as_asgi()),
]
