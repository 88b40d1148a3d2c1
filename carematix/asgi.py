"""The ASGI application: HTTP to Django, WebSockets to the consumers."""

import os
from typing import Any

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import re_path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "carematix.settings")
django_application = get_asgi_application()  # first: it loads the apps that the routes import

from voice.routing import websocket_urlpatterns  # noqa: E402


async def no_such_socket(scope: Any, receive: Any, send: Any) -> None:
    """Refuse a WebSocket at an address that does not exist: 403, where the router would leave a traceback."""
    await receive()  # websocket.connect
    await send({"type": "websocket.close"})


anywhere_else: list[Any] = [re_path("", no_such_socket)]  # type: ignore[arg-type]  # ASGI, no view
application = ProtocolTypeRouter(
    {"http": django_application, "websocket": URLRouter([*websocket_urlpatterns, *anywhere_else])}
)
