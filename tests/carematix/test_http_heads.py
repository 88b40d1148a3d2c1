"""A client that sends a long head, a slow one or none loses the connection, over real sockets (S44, S72)."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services import free_port

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import django; django.setup()
import sys
from carematix import server
from carematix.body import BoundedBody

async def read_and_answer(scope, receive, send):
    while (await receive()).get("more_body"):
        pass
    fault = scope.get("carematix.body_fault", 200)
    await send({"type": "http.response.start", "status": int(fault), "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})

server.serve(server.listen("127.0.0.1", int(sys.argv[1])), BoundedBody(read_and_answer))
"""
LIMITS = {"LIMIT_HEADER_BYTES": "4096", "LIMIT_HEADER_SECONDS": "1", "LIMIT_BODY_SECONDS": "1"}
WAIT_S = 20.0


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Run a server with the product's protocol and short limits; return its port."""
    number = free_port()
    environment = os.environ | LIMITS | {"DJANGO_SETTINGS_MODULE": "carematix.settings"}
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM, str(number)]
    with subprocess.Popen(command, cwd=ROOT, env=environment) as server:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", number), timeout=1).close()
                break
            except OSError:
                assert server.poll() is None
                time.sleep(0.1)
        yield number
        server.kill()


class Client:
    """One connection; what is not closed within `WAIT_S` fails the test."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=WAIT_S)

    def send(self, text: str) -> None:
        self.socket.sendall(text.encode("ascii"))

    def until_closed(self) -> str:
        """Return all that is answered until the server closes."""
        answer = b""
        try:
            while part := self.socket.recv(65_536):
                answer += part
        except ConnectionResetError:
            pass
        return answer.decode("ascii")

    def status(self) -> str:
        return self.socket.recv(65_536).decode("ascii").partition("\r\n")[0]


@pytest.fixture
def client(port: int) -> Iterator[Client]:
    one = Client(port)
    yield one
    one.socket.close()


class TestAHead:
    def test_s72_within_the_limits_is_answered_and_the_connection_kept(
        self, client: Client
    ) -> None:
        for _ in range(2):
            client.send(f"GET / HTTP/1.1\r\nHost: a\r\nX-A: {'x' * 3000}\r\n\r\n")

            assert client.status() == "HTTP/1.1 200 OK"

    def test_s72_with_too_long_a_header_is_refused(self, client: Client) -> None:
        client.send(f"GET / HTTP/1.1\r\nHost: a\r\nX-A: {'x' * 5000}\r\n\r\n")

        assert client.until_closed().startswith("HTTP/1.1 400")

    def test_s72_with_too_many_headers_is_refused(self, client: Client) -> None:
        client.send("GET / HTTP/1.1\r\nHost: a\r\n" + "X-A: b\r\n" * 1500 + "\r\n")

        assert client.until_closed().startswith("HTTP/1.1 400")

    def test_s72_with_too_long_an_address_is_refused(self, client: Client) -> None:
        client.send(f"GET /{'x' * 5000} HTTP/1.1\r\nHost: a\r\n\r\n")

        assert client.until_closed().startswith("HTTP/1.1 400")

    def test_s72_that_never_begins_ends_the_connection(self, client: Client) -> None:
        assert client.until_closed() == ""

    def test_s72_that_never_ends_ends_the_connection(self, client: Client) -> None:
        client.send("GET / HTTP/1.1\r\nHost: a\r\nX-A: b")

        assert client.until_closed() == ""

    def test_s72_that_never_ends_ends_a_connection_that_was_kept(self, client: Client) -> None:
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.status() == "HTTP/1.1 200 OK"

        client.send("GET / HTTP/1.1\r\nHost: a\r\n")

        assert client.until_closed() == ""


class TestABody:
    def test_s72_that_never_comes_is_answered_with_408(self, client: Client) -> None:
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")

        assert client.status().startswith("HTTP/1.1 408")

    def test_s44_that_says_it_is_above_one_megabyte_is_answered_with_413(
        self, client: Client
    ) -> None:
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1100000\r\n\r\n")

        assert client.status().startswith("HTTP/1.1 413")
