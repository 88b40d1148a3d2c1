"""
The way out: one signed request on a connection of its own (S66, S67).

A name is resolved once, each answer must be allowed, and the connection goes to an address that was checked, under
the name for `Host` and TLS. Redirections are not followed and proxies not asked. OpenSSL finds the trusted
authorities, so `SSL_CERT_FILE` counts.
"""

import io
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from ipaddress import ip_address
from typing import Any, cast

from scheduling.webhooks.addresses import Address, Target, may_reach

Resolve = Callable[[str, int], list[str]]
"""Returns the addresses of a name; may block and raise OSError."""


class NotDelivered(Exception):
    """There was no answer; `code` is short and stable."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long connecting and all of a request may take, and how much of an answer is read."""

    connect_s: float
    total_s: float
    answer_bytes: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What counts of an answer; `retry_after` is empty if there was none."""

    status: int
    retry_after: str


class Deadline:
    """A moment by which something must be over."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def left_s(self) -> float:
        """
        Return the seconds that are left.

        Raises:
            TimeoutError: none are.
        """
        left = self._at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def addresses_of(host: str, port: int) -> list[str]:
    """Return what a name resolves to, or an address itself."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(row[4][0]) for row in found))


def post(
    target: Target,
    *,
    headers: Mapping[str, str],
    body: bytes,
    bounds: Bounds,
    resolve: Resolve = addresses_of,
) -> Answer:
    """
    Send one request and return what counts of its answer.

    Raises:
        NotDelivered: the name or a connection failed, an address is not allowed, time ran out, or the answer is odd.
    """
    deadline = Deadline(bounds.total_s)
    try:
        addresses = _checked(_resolved(target, deadline, resolve), target)
        with (
            _connected(addresses, target.port, deadline, bounds.connect_s) as connection,
            _secured(connection, target, deadline) as secured,
        ):
            return _exchange(secured, _request(target, headers, body), deadline, bounds)
    except TimeoutError as error:
        raise NotDelivered("timeout") from error


def _resolved(target: Target, deadline: Deadline, resolve: Resolve) -> list[str]:
    """Resolve on a thread of its own, for the system's resolver knows no deadline."""
    answer: Future[list[str]] = Future()

    def work() -> None:
        try:
            answer.set_result(resolve(target.host, target.port))
        except (OSError, UnicodeError) as error:
            answer.set_exception(error)

    threading.Thread(target=work, name="resolve", daemon=True).start()
    try:
        return answer.result(timeout=deadline.left_s())
    except TimeoutError as error:
        raise NotDelivered("name_slow") from error
    except (OSError, UnicodeError) as error:
        raise NotDelivered("name_unknown") from error


def _checked(found: list[str], target: Target) -> list[Address]:
    """Return the addresses if all of them may be connected to; one that may not is a trap or a mistake."""
    try:
        addresses = [ip_address(text) for text in found]
    except ValueError as error:
        raise NotDelivered("address_refused") from error
    if not addresses:
        raise NotDelivered("name_unknown")
    if not all(may_reach(address, local=target.local) for address in addresses):
        raise NotDelivered("address_refused")
    return addresses


def _connected(
    addresses: list[Address], port: int, deadline: Deadline, connect_s: float
) -> socket.socket:
    """Connect to the first address that answers in time."""
    connecting = Deadline(min(connect_s, deadline.left_s()))
    for address in addresses:
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.settimeout(connecting.left_s())
            connection.connect((str(address), port))
        except TimeoutError:
            connection.close()
            raise NotDelivered("connect_timeout") from None
        except OSError:
            connection.close()
        else:
            return connection
    raise NotDelivered("no_connection")


def _secured(connection: socket.socket, target: Target, deadline: Deadline) -> socket.socket:
    """Speak TLS under the name; only a developer's own machine is spoken to in the clear."""
    if target.scheme == "http":
        return connection
    try:
        connection.settimeout(deadline.left_s())
        return ssl.create_default_context().wrap_socket(connection, server_hostname=target.host)
    except TimeoutError:
        raise
    except OSError as error:  # a certificate that is not right is one too
        raise NotDelivered("tls_failed") from error


def _request(target: Target, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = {
        "Host": target.host_header,
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "User-Agent": "Carematix",
        "Connection": "close",
    } | dict(headers)
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {target.path} HTTP/1.1\r\n{head}\r\n".encode("ascii") + body


def _exchange(
    connection: socket.socket, request: bytes, deadline: Deadline, bounds: Bounds
) -> Answer:
    """Send a request and read its answer, of which only the head counts."""
    incoming = _Incoming(connection, deadline, bounds.answer_bytes)
    # The response wants only a file of its socket.
    response = HTTPResponse(cast("socket.socket", incoming), method="POST")
    try:
        connection.settimeout(deadline.left_s())
        connection.sendall(request)
        response.begin()
        answer = Answer(response.status, response.getheader("Retry-After") or "")
        with suppress(OSError, HTTPException, ValueError):
            response.read(bounds.answer_bytes)  # so that the receiver may finish; nothing is kept
    except TimeoutError:
        raise
    except (HTTPException, ValueError) as error:
        raise NotDelivered("odd_answer") from error
    except OSError as error:
        raise NotDelivered("connection_lost") from error
    finally:
        response.close()
    return answer


class _Incoming(io.RawIOBase):
    """What comes over a connection, as a file that ends after so many bytes, or by a timeout at the deadline."""

    def __init__(self, connection: socket.socket, deadline: Deadline, most_bytes: int) -> None:
        super().__init__()
        self._connection = connection
        self._deadline = deadline
        self._left = most_bytes

    def makefile(self, *mode: Any) -> io.BufferedReader:
        """Return itself, buffered."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._connection.settimeout(self._deadline.left_s())
        count = self._connection.recv_into(memoryview(buffer)[: self._left]) if self._left else 0
        self._left -= count
        return count
