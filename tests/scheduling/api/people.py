"""How the pages of somebody who is signed in ask: with a session, and JSON both ways."""

from typing import Any

from django.test import Client

from tests.factories import make_user


class Person:
    """Asks as a member of staff with this role."""

    def __init__(self, role: str) -> None:
        self.user = make_user(role=role)
        self.client = Client(raise_request_exception=False)
        self.client.force_login(self.user)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Send a request; names of headers are written with underscores."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        sent: dict[str, Any] = {}
        if method != "GET":
            sent = {"data": "" if body is None else body, "content_type": "application/json"}
        return getattr(self.client, method.lower())(f"/api/v1/{path}", headers=given, **sent)

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
