"""One request on its way: to allowed machines only (S66), within its bounds (S67)."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from scheduling.webhooks import transport
from scheduling.webhooks.addresses import Target
from scheduling.webhooks.transport import Answer, Bounds, NotDelivered, post
from tests.webhook_receiver import Play, Receiver, answers, hangs, never_ends, says

BOUNDS = Bounds(connect_s=5, total_s=5, answer_bytes=65_536)
SHORT = Bounds(connect_s=0.2, total_s=0.3, answer_bytes=65_536)
NAME = "other.example"
INSIDE = [
    "127.0.0.1", "10.0.0.8", "169.254.169.254", "100.64.0.1", "0.0.0.0", "::1", "::ffff:7f00:1",
    "64:ff9b::7f00:1", "64:ff9b:1::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::1", "::7f00:1", "192.88.99.1",
    "224.0.0.1", "ff0e::1", "fe80::1%lo",
]  # fmt: skip


def send(target: Target, *found: str, bounds: Bounds = BOUNDS) -> Answer:
    """Send an event to a target whose name resolves to `found`, or to this machine."""
    found = found or ("127.0.0.1",)
    return post(target, headers={}, body=b"{}", bounds=bounds, resolve=lambda *_: list(found))


def local(receiver: Receiver, scheme: str = "http") -> Target:
    return Target(scheme, NAME, receiver.port, "/hook?a=1", local=True)


def failure(work: Callable[[], object]) -> str:
    with pytest.raises(NotDelivered) as failed:
        work()
    return failed.value.code


class TestWhereARequestGoes:
    @pytest.mark.parametrize("address", INSIDE)
    def test_s66_is_no_machine_inside(self, receiver: Receiver, address: str) -> None:
        target = Target("https", NAME, receiver.port, "/hook")

        assert failure(lambda: send(target, address)) == "address_refused"
        assert receiver.connections == 0

    @pytest.mark.parametrize("found", [("93.184.216.34", "127.0.0.1"), ("127.0.0.1", "8.8.8.8")])
    def test_s66_is_nowhere_if_one_answer_of_several_is_inside(
        self, receiver: Receiver, found: tuple[str, ...]
    ) -> None:
        target = Target("https", NAME, receiver.port, "/hook")

        assert failure(lambda: send(target, *found)) == "address_refused"
        assert receiver.connections == 0

    def test_s66_is_where_the_name_led_when_it_was_checked(
        self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(transport, "may_reach", lambda at, local: str(at) == "127.0.0.2")
        asked: list[str] = []

        def changing(host: str, port: int) -> list[str]:
            asked.append(host)
            return ["127.0.0.2" if len(asked) == 1 else "127.0.0.1"]

        target = Target("https", NAME, receiver.port, "/hook")
        code = failure(
            lambda: post(target, headers={}, body=b"{}", bounds=BOUNDS, resolve=changing)
        )

        assert code == "no_connection"
        assert asked == [NAME]
        assert receiver.connections == 0

    def test_is_the_address_itself_whatever_the_environment_says_of_proxies(
        self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with Receiver() as proxy:
            for name in ("http_proxy", "https_proxy", "all_proxy"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
                monkeypatch.setenv(name.upper(), f"http://127.0.0.1:{proxy.port}")

            assert send(local(receiver)).status == 200
            assert (receiver.connections, proxy.connections) == (1, 0)

    def test_is_the_next_address_if_one_does_not_answer(self, receiver: Receiver) -> None:
        assert send(local(receiver), "127.0.0.2", "127.0.0.1").status == 200

    @pytest.mark.parametrize("found", [(), ("odd",)])
    def test_is_nowhere_if_the_name_has_no_address(self, found: tuple[str, ...]) -> None:
        target = Target("https", NAME, 443, "/")

        assert failure(
            lambda: post(
                target, headers={}, body=b"", bounds=BOUNDS, resolve=lambda *_: list(found)
            )
        ) in {"name_unknown", "address_refused"}

    def test_is_nowhere_if_nobody_knows_the_name(self) -> None:
        def unknown(host: str, port: int) -> list[str]:
            raise socket.gaierror

        target = Target("https", NAME, 443, "/")

        assert (
            failure(lambda: post(target, headers={}, body=b"", bounds=BOUNDS, resolve=unknown))
            == "name_unknown"
        )


class TestARequest:
    def test_names_the_host_and_carries_the_exact_bytes(self, receiver: Receiver) -> None:
        body = '{"a":"é"}'.encode()

        post(local(receiver), headers={"webhook-id": "e1"}, body=body, bounds=BOUNDS,
             resolve=lambda *_: ["127.0.0.1"])  # fmt: skip

        (request,) = receiver.received
        assert request.line == "POST /hook?a=1 HTTP/1.1"
        assert request.headers["host"] == f"{NAME}:{receiver.port}"
        assert request.headers["content-type"] == "application/json"
        assert request.headers["webhook-id"] == "e1"
        assert request.body == body

    def test_s66_follows_no_redirection(self, receiver: Receiver) -> None:
        with Receiver() as inside:
            receiver.script = [answers(302, f"Location: {inside.url}")]

            assert send(local(receiver)).status == 302
            assert inside.connections == 0

    def test_brings_back_status_and_retry_after(self, receiver: Receiver) -> None:
        receiver.script = [answers(503, "Retry-After: 120", body=b"busy")]

        assert send(local(receiver)) == Answer(503, "120")


class TestABadReceiver:
    @pytest.mark.parametrize("play", [hangs, never_ends], ids=["hanging", "slow"])
    def test_s67_costs_no_more_than_the_time_allowed(self, receiver: Receiver, play: Play) -> None:
        receiver.script = [play]

        assert failure(lambda: send(local(receiver), bounds=SHORT)) == "timeout"

    def test_s67_costs_no_more_than_the_bytes_allowed(self, receiver: Receiver) -> None:
        receiver.script = [answers(200, body=b"x" * 5_000_000)]

        assert send(local(receiver)).status == 200

    def test_s67_with_an_endless_head_is_not_heard_out(self, receiver: Receiver) -> None:
        receiver.script = [says(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 50_000)]

        assert failure(lambda: send(local(receiver))) == "odd_answer"

    @pytest.mark.parametrize("text", [b"", b"SSH-2.0-Other\r\n", b"HTTP/1.1 odd\r\n\r\n"])
    def test_that_speaks_no_http_is_no_success(self, receiver: Receiver, text: bytes) -> None:
        receiver.script = [says(text)]

        assert failure(lambda: send(local(receiver))) in {"odd_answer", "connection_lost"}

    def test_f32_whose_name_nobody_resolves_in_time_costs_no_more(self) -> None:
        moment = threading.Event()

        def slow(host: str, port: int) -> list[str]:
            moment.wait(60)
            return []

        target = Target("https", NAME, 443, "/")

        code = failure(lambda: post(target, headers={}, body=b"", bounds=SHORT, resolve=slow))

        moment.set()
        assert code == "name_slow"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Store a certificate of `other.example`, and its key beside it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "certificate.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    path.with_suffix(".key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@pytest.fixture
def secured(certificate: Path) -> Iterator[Receiver]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    with Receiver(lambda plain: context.wrap_socket(plain, server_side=True)) as running:
        yield running


class TestTls:
    def test_trusts_the_authorities_of_ssl_cert_file(
        self, secured: Receiver, certificate: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

        assert send(local(secured, "https")).status == 200

    def test_trusts_nobody_else(self, secured: Receiver) -> None:
        assert failure(lambda: send(local(secured, "https"))) == "tls_failed"
        assert secured.received == []

    def test_asks_for_the_name_of_the_url(
        self, secured: Receiver, certificate: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        target = Target("https", "second.example", secured.port, "/", local=True)

        assert failure(lambda: send(target)) == "tls_failed"
        assert secured.received == []

    def test_s67_that_never_comes_about_costs_no_more_than_the_time_allowed(
        self, receiver: Receiver
    ) -> None:
        assert failure(lambda: send(local(receiver, "https"), bounds=SHORT)) == "timeout"
