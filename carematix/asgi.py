"""The ASGI application: HTTP to Django, WebSockets to the consumers."""

import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import django
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.urls import re_path

from carematix import production

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "carematix.settings")
production.refuse_faults(settings)
django.setup(set_prefix=False)  # first: it loads the apps that the routes import

from carematix import edge  # noqa: E402
from carematix.body import BoundedBody  # noqa: E402
from dashboard.routing import websocket_urlpatterns as live_urlpatterns  # noqa: E402
from voice.routing import websocket_urlpatterns as media_urlpatterns  # noqa: E402

Scope = MutableMapping[str, Any]


class DjangoApplication(ASGIHandler):
    """Django's own, whose answers to requests that it cannot even read are protected as all others are."""

    def create_request(self, scope: Any, body_file: Any) -> Any:
        request, answer = super().create_request(scope, body_file)
        if answer is not None:
            edge.protect(answer, edge.new_request_id())
        return request, answer


def with_the_clients_address(application: Callable[..., Awaitable[None]]) -> Callable[..., Any]:
    """Tell sockets the address that the outermost of our proxies saw, as pages are told it (S45)."""

    async def addressed(scope: Scope, receive: Any, send: Any) -> None:
        if scope.get("client"):
            peer, port = scope["client"]
            forwarded = edge.forwarded_for(scope["headers"])
            found = edge.client_address(peer, forwarded, settings.TRUSTED_PROXY_COUNT)
            scope = {**scope, "client": [found, port]}
        await application(scope, receive, send)

    return addressed


async def no_such_socket(scope: Any, receive: Any, send: Any) -> None:
    """Refuse a WebSocket at an address that does not exist: 403, where the router would leave a traceback."""
    await receive()  # websocket.connect
    await send({"type": "websocket.close"})


anywhere_else: list[Any] = [re_path("", no_such_socket)]  # type: ignore[arg-type]  # ASGI, no view
application = ProtocolTypeRouter(
    {
        "http": BoundedBody(DjangoApplication()),
        "websocket": with_the_clients_address(
            URLRouter([*media_urlpatterns, *live_urlpatterns, *anywhere_else])
        ),
    }
)
