"""The ASGI application: HTTP to Django, WebSockets to the consumers."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "carematix.settings")
django_application = get_asgi_application()  # first: it loads the apps that the routes import

from voice.routing import websocket_urlpatterns  # noqa: E402

application = ProtocolTypeRouter(
    {"http": django_application, "websocket": URLRouter(websocket_urlpatterns)}
)
