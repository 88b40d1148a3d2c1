"""What uvicorn's HTTP protocol lacks: a bound on how long and how slow the head of a request may be (S72)."""

from asyncio import Transport
from asyncio.events import TimerHandle

from django.conf import settings
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class BoundedHttpProtocol(HttpToolsProtocol):
    """Closes a connection whose request line and headers are too long, or do not end in time."""

    _head_bytes = 0
    _head_timer: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_came()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_bytes = 0
        if self._head_timer is None:
            self._await_head()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._head_came()
        super().on_headers_complete()

    def _count(self, length: int) -> None:
        """
        Add to the head's length.

        Raises:
            ValueError: it is longer than allowed; the parser answers 400 and closes.
        """
        self._head_bytes += length
        if self._head_bytes > settings.LIMIT_HEADER_BYTES:
            raise ValueError("the head of the request is too long")

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(settings.LIMIT_HEADER_SECONDS, self._give_up)

    def _head_came(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            self.transport.close()
