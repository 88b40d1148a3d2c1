"""How a program of an integrator asks: with a key, and JSON both ways."""

from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from accounts import issued_keys
from accounts.permissions import Scope


class Program:
    """Asks with a key that has these scopes; without any it has them all."""

    def __init__(self, *scopes: str) -> None:
        chosen = scopes or tuple(scope.value for scope in Scope)
        self.key, self.text = issued_keys.create_key(
            name="Portal", scopes=chosen, now=timezone.now() - timedelta(minutes=1)
        )
        self.client = Client(raise_request_exception=False)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Send a request; names of headers are written with underscores."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"data": "" if body is None else body, "content_type": "application/json"}
        if method == "GET":
            sent = {}
        return getattr(self.client, method.lower())(
            f"/api/v1/{path}", headers={"Authorization": f"Bearer {self.text}"} | given, **sent
        )

    def get(self, path: str, **headers: str) -> Any:
        """Read something."""
        return self.ask("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        """Add something, or do something."""
        return self.ask("POST", path, {} if body is None else body, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> Any:
        """Change something."""
        return self.ask("PATCH", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Any:
        """Delete or end something."""
        return self.ask("DELETE", path, **headers)
