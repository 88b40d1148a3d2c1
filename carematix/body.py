"""
Bounds on what a client may send, kept while the body arrives and before anything is stored (S44, S72).

Django reads a body to its end, onto the disk if need be, before any middleware looks at it.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any

from django.conf import settings

from carematix.edge import BODY_FAULT, body_limit

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Application = Callable[[Any, Any, Any], Awaitable[None]]

END: Message = {"type": "http.request", "body": b"", "more_body": False}


class BoundedBody:
    """
    Wraps an ASGI application for HTTP: a body that is too long or too slow ends early, and the scope says why.

    The application still runs, so that the answer has the headers and the words of every other one.
    """

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        await self.application(scope, _Body(scope, receive).receive, send)


class _Body:
    """The receiving side of one request."""

    def __init__(self, scope: MutableMapping[str, Any], receive: Receive) -> None:
        self._scope = scope
        self._receive = receive
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        self._left = body_limit(headers)
        declared = headers.get("content-length", "0")
        if declared.isdecimal() and int(declared) > self._left:
            scope[BODY_FAULT] = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        self._complete = False
        self._deadline = asyncio.get_running_loop().time() + settings.LIMIT_BODY_SECONDS

    async def receive(self) -> Message:
        """Return the next part of the body; once it is over, wait for the client to go."""
        if self._complete:
            return await self._until_the_client_goes()
        if BODY_FAULT in self._scope:
            return self._end()
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            return self._end(HTTPStatus.REQUEST_TIMEOUT)
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            return self._end(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        self._complete = not message.get("more_body", False)
        return message

    def _end(self, fault: HTTPStatus | None = None) -> Message:
        if fault is not None:
            self._scope[BODY_FAULT] = fault
        self._complete = True
        return END

    async def _until_the_client_goes(self) -> Message:
        while (message := await self._receive())["type"] != "http.disconnect":
            pass  # the rest of a body that nobody wants
        return message
