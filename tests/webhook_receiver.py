"""Another system on a loopback port: it takes events, remembers each, and answers as a test says, or badly."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

Play = Callable[[socket.socket], None]


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came."""

    line: str
    headers: dict[str, str]
    body: bytes


def answers(status: int, *lines: str, body: bytes = b"") -> Play:
    """Answer with a status, further header lines, and a body."""
    head = "".join(f"{line}\r\n" for line in (f"Content-Length: {len(body)}", *lines))
    return says(f"HTTP/1.1 {status} Any\r\n{head}\r\n".encode() + body)


def says(text: bytes) -> Play:
    """Answer with these bytes and no others."""
    return lambda connection: connection.sendall(text)


def waits_for(moment: threading.Event) -> Play:
    """Answer well, but only after a moment."""

    def play(connection: socket.socket) -> None:
        moment.wait(60)
        answers(200)(connection)

    return play


def hangs(connection: socket.socket) -> None:
    """Never answer; wait until the other side has had enough."""
    connection.recv(1)


def never_ends(connection: socket.socket) -> None:
    """Begin an answer and send one header after the other for as long as somebody listens."""
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    pause = threading.Event()
    while True:
        pause.wait(0.02)
        connection.sendall(b"x")


class Receiver:
    """A listener that counts connections; the plays in `script` are used one by one, then the last one again."""

    def __init__(self, secured: Callable[[socket.socket], socket.socket] | None = None) -> None:
        self.connections = 0
        self.received: list[Received] = []
        self.script: list[Play] = [answers(200)]
        self.arrived = threading.Semaphore(0)
        self._secured = secured
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}/hook"

    def __enter__(self) -> Self:
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    @property
    def ids(self) -> list[str]:
        """Return the ids of the events in the order in which they came."""
        return [request.headers["webhook-id"] for request in self.received]

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # closed
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            if self._secured is not None:
                connection = self._secured(connection)
            request = _read(connection)
            with self._lock:
                self.received.append(request)
                play = self.script.pop(0) if len(self.script) > 1 else self.script[0]
            self.arrived.release()
            play(connection)
            connection.close()


def _read(connection: socket.socket) -> Received:
    """Read one request to the end of its body."""
    incoming: Any = connection.makefile("rb")
    line = incoming.readline().decode("latin-1").rstrip()
    headers: dict[str, str] = {}
    while text := incoming.readline().decode("latin-1").rstrip():
        name, _, value = text.partition(":")
        headers[name.lower()] = value.strip()
    return Received(line, headers, incoming.read(int(headers.get("content-length", 0))))


@contextmanager
def receivers(count: int) -> Iterator[list[Receiver]]:
    """Run several receivers."""
    with Receiver() as first:
        if count == 1:
            yield [first]
            return
        with receivers(count - 1) as others:
            yield [first, *others]
