"""
The yardstick: one view of Django REST framework that answers a line of JSON, and nothing else.

It asks nobody who they are, reads no database and writes no record. `bench.rest` serves it with uvicorn.
"""

from typing import Any

import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.urls import path

settings.configure(
    SECRET_KEY="bench",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF="bench.bare_view",
    INSTALLED_APPS=["rest_framework"],
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "DEFAULT_PERMISSION_CLASSES": [],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "UNAUTHENTICATED_USER": None,
    },
)
django.setup()

from rest_framework.request import Request  # noqa: E402  # the framework reads the settings when it is imported
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402


class Bare(APIView):
    """Answers."""

    def get(self, request: Request) -> Response:
        """Say that all is well."""
        return Response({"status": "ok"})


urlpatterns: list[Any] = [path("", Bare.as_view()), path("health/live", Bare.as_view())]
application = get_asgi_application()
