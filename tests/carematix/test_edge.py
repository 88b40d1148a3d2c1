"""What every answer carries, whatever it is: headers, a number, no stranger's host (S37 to S41, S44, S45)."""

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as configured
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import path

from carematix import urls
from carematix.asgi import application
from carematix.body import BoundedBody
from carematix.edge import client_address
from tests.carematix.routes import addresses
from tests.dashboard.rows import make_user

pytestmark = pytest.mark.django_db

POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "media-src 'self'",
    "font-src 'self'",
    "connect-src 'self' wss://clinic.example",
    "form-action 'self'",
    "base-uri 'none'",
    "object-src 'none'",
    "frame-ancestors 'none'",
    "report-uri /csp-report/",
}
HEADERS = {
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
STATIC = ["/static/css/app.css", "/static/js/shared/dom.js", "/static/not/there.css"]
SECRET = "Ida Fernwood +12025550118"


def broken(request: HttpRequest) -> HttpResponse:
    raise ValueError(f"SELECT * FROM patient WHERE name = '{SECRET}'")


class BrokenUrls:
    """The product's addresses, and one whose view fails."""

    urlpatterns = [
        path("dashboard/broken/", broken),
        path("api/v1/broken/", broken),
        *urls.urlpatterns,
    ]
    handler400, handler403 = urls.handler400, urls.handler403
    handler404, handler500 = urls.handler404, urls.handler500


@pytest.fixture
def quiet() -> Iterator[Client]:
    """Return a client that gets an answer when a view fails, at addresses of which two do."""
    with override_settings(ROOT_URLCONF=BrokenUrls):
        yield Client(raise_request_exception=False)


def holds_the_policy(answer: Any) -> None:
    policy = {part.strip() for part in answer.headers["Content-Security-Policy"].split(";")}
    assert policy == POLICY
    for name, value in HEADERS.items():
        assert answer.headers[name] == value, name
    assert re.fullmatch(r"[0-9a-f]{24}", answer.headers["X-Request-ID"])
    assert "Server" not in answer.headers


class TestEveryAnswer:
    @pytest.mark.parametrize("method", ["get", "post", "options"])
    def test_s38_s39_carries_the_headers(self, method: str) -> None:
        client = Client(raise_request_exception=False)

        for address in [*addresses(), "/nowhere", "/dashboard", *STATIC]:
            holds_the_policy(getattr(client, method)(address))

    def test_s38_s39_carries_the_headers_for_somebody_signed_in_and_is_not_stored(
        self,
    ) -> None:
        client = Client(raise_request_exception=False)
        client.force_login(make_user("chief", "admin", is_staff=True, is_superuser=True))

        for address in [*addresses(), "/nowhere", "/dashboard"]:
            answer = client.get(address)
            holds_the_policy(answer)
            assert "no-store" in answer.headers["Cache-Control"], address

    def test_s39_is_number_by_number_another(self, client: Client) -> None:
        numbers = {client.get("/health/live").headers["X-Request-ID"] for _ in range(5)}

        assert len(numbers) == 5

    def test_s39_takes_no_number_from_the_sender(self, client: Client) -> None:
        answer = client.get("/health/live", headers={"X-Request-ID": "forged"})

        assert answer.headers["X-Request-ID"] != "forged"

    @override_settings(DEBUG=True)
    @pytest.mark.parametrize("address", ["/nowhere", "/dashboard/broken/"])
    def test_s38_is_not_spared_where_django_shows_its_own_pages(
        self, quiet: Client, address: str
    ) -> None:
        holds_the_policy(quiet.get(address))

    def test_s38_s39_is_protected_where_django_cannot_read_the_request(self) -> None:
        status, headers = _raw(path="/caf\udce9", body=[b""])

        assert status in {400, 404}
        assert "default-src 'none'" in headers["content-security-policy"]

    def test_s37_names_no_foreign_origin(self, client: Client) -> None:
        for address in addresses():
            answer = client.get(address, headers={"Origin": "https://evil.example"})
            assert "Access-Control-Allow-Origin" not in answer.headers, address
            assert "Access-Control-Allow-Credentials" not in answer.headers, address

    def test_s37_sets_no_cookie_that_scripts_or_other_sites_can_use(self, client: Client) -> None:
        client.force_login(make_user())
        for answer in (
            client.get("/accounts/login/"),
            client.get("/dashboard/calls/"),
            client.post("/dashboard/theme/", {"theme": "dark"}),
            Client().get("/accounts/login/"),
        ):
            for cookie in answer.cookies.values():
                assert cookie["httponly"], cookie.key
                assert cookie["samesite"] == "Lax", cookie.key

    def test_s53_keeps_notes_with_names_out_of_cookies(self) -> None:
        assert configured.MESSAGE_STORAGE.endswith("SessionStorage")


class TestAFormWithoutItsToken:
    @pytest.mark.parametrize(
        "address", ["/accounts/login/", "/dashboard/theme/", "/dashboard/calls/"]
    )
    def test_s37_is_refused_in_plain_words(self, address: str) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(make_user())

        answer = client.post(address, {"login": "x"})

        assert answer.status_code == 403
        assert "The form could not be sent" in answer.content.decode()
        holds_the_policy(answer)


class TestAnUnknownHost:
    @pytest.mark.parametrize("address", ["/", "/health/live", "/static/css/app.css", "/api/v1/me/"])
    def test_s41_is_answered_404(self, client: Client, address: str) -> None:
        answer = client.get(address, headers={"Host": "evil.example"})

        assert answer.status_code == 404
        assert "evil.example" not in answer.content.decode()
        holds_the_policy(answer)

    def test_s2_does_not_matter_at_twilios_doors(self, client: Client) -> None:
        answer = client.post("/twilio/voice", headers={"Host": "evil.example"})

        assert (answer.status_code, answer.content) == (403, b"")
        holds_the_policy(answer)


class TestAFailure:
    def test_s41_tells_a_person_nothing_but_its_number(self, quiet: Client) -> None:
        answer = quiet.get("/dashboard/broken/")

        words = answer.content.decode()
        assert answer.status_code == 500
        assert answer.headers["X-Request-ID"] in words
        for secret in ("Fernwood", "SELECT", "ValueError", "Traceback", str(configured.BASE_DIR)):
            assert secret not in words
        holds_the_policy(answer)

    def test_s41_tells_a_program_the_same_in_its_shape(self, quiet: Client) -> None:
        answer = quiet.get("/api/v1/broken/")

        assert answer.status_code == 500
        assert json.loads(answer.content) == {
            "code": "internal_error",
            "detail": "Something went wrong on our side.",
            "request_id": answer.headers["X-Request-ID"],
        }

    @pytest.mark.parametrize("debug", [True, False], ids=["development", "production"])
    @pytest.mark.parametrize("path", ["/api/v1/nowhere/", "/fhir/nowhere"])
    def test_s41_of_a_wrong_address_is_json_for_programs_wherever_they_run(
        self, client: Client, settings: Any, path: str, debug: bool
    ) -> None:
        settings.DEBUG = debug

        answer = client.get(path)

        assert answer.status_code == 404
        assert answer.json().get("code", "not_found") == "not_found"
        holds_the_policy(answer)

    def test_s41_is_json_for_whoever_asks_for_json(self, client: Client) -> None:
        answer = client.get("/nowhere", headers={"Accept": "application/json"})

        assert json.loads(answer.content)["code"] == "not_found"


class TestABody:
    @pytest.mark.parametrize("length", ["1048577", None])
    def test_s44_above_the_limit_is_refused(self, length: str | None) -> None:
        status, headers = _raw(path="/accounts/login/", length=length, body=[b"x" * 100_000] * 20)

        assert status == 413
        assert "default-src 'none'" in headers["content-security-policy"]

    @pytest.mark.parametrize(("length", "kept"), [("1048577", 0), (None, 1_000_000)])
    def test_s44_above_the_limit_is_kept_by_nobody(self, length: str | None, kept: int) -> None:
        sender = Sender("/", [b"x" * 100_000] * 20, length)
        read: list[bytes] = []

        async def reads_all(scope: Any, receive: Any, send: Any) -> None:
            while (message := await receive())["more_body"]:
                read.append(message["body"])

        asyncio.run(BoundedBody(reads_all)(sender.scope, sender.receive, sender.send))

        assert sum(map(len, read)) == kept

    def test_s44_within_the_limit_is_read(self) -> None:
        status, _ = _raw(path="/accounts/login/", body=[b"x" * 100_000] * 10)

        assert status == 403  # no token of the form

    def test_s72_that_never_ends_is_given_up(self, settings: Any) -> None:
        settings.LIMIT_BODY_SECONDS = 0

        status, _ = _raw(path="/accounts/login/", body=[])

        assert status == 408

    @pytest.mark.parametrize("length", ["-1", "1e3", "x"])
    def test_s44_of_an_odd_length_is_not_understood(self, client: Client, length: str) -> None:
        answer = client.generic("POST", "/accounts/login/", b"", CONTENT_LENGTH=length)

        assert answer.status_code == 400


class TestTheClientsAddress:
    @pytest.mark.parametrize(
        ("forwarded", "proxies", "expected"),
        [
            ("", 1, "10.0.0.9"),
            ("198.51.100.7", 0, "10.0.0.9"),
            ("198.51.100.7", 1, "198.51.100.7"),
            ("1.2.3.4, 198.51.100.7", 1, "198.51.100.7"),
            ("1.2.3.4,5.6.7.8, 198.51.100.7", 1, "198.51.100.7"),
            ("1.2.3.4, 198.51.100.7, 10.0.0.1", 2, "198.51.100.7"),
            ("198.51.100.7", 2, "198.51.100.7"),
            ("1.2.3.4, <script>", 1, "10.0.0.9"),
            ("1.2.3.4, 2001:db8::7", 1, "2001:db8::7"),
        ],
    )
    def test_s45_is_what_our_own_proxies_saw(
        self, forwarded: str, proxies: int, expected: str
    ) -> None:
        assert client_address("10.0.0.9", forwarded, proxies) == expected

    def test_s45_is_the_only_one_that_views_see(self, client: Client, settings: Any) -> None:
        settings.TRUSTED_PROXY_COUNT = 1

        request = client.get(
            "/accounts/login/", headers={"X-Forwarded-For": "1.2.3.4, 198.51.100.7"}
        ).wsgi_request

        assert request.META["REMOTE_ADDR"] == "198.51.100.7"
        assert "HTTP_X_FORWARDED_FOR" not in request.META


class TestAPolicyReport:
    BODY = {"csp-report": {"effective-directive": "script-src", "blocked-uri": SECRET}}

    def post(self, client: Client, body: Any) -> Any:
        return client.post("/csp-report/", json.dumps(body), content_type="application/csp-report")

    def test_s38_is_logged_by_its_directive_alone(self, client: Client, caplog: Any) -> None:
        client.force_login(make_user())

        answer = self.post(client, self.BODY)

        assert answer.status_code == 204
        assert [record.reason for record in caplog.records if record.name == "carematix.csp"] == [
            "script-src"
        ]

    @pytest.mark.parametrize("body", ["text", [], {"csp-report": 7}, {"csp-report": {}}])
    def test_s38_that_is_odd_does_no_harm(self, client: Client, body: Any) -> None:
        client.force_login(make_user())

        assert self.post(client, body).status_code == 204

    def test_s25_is_taken_from_nobody_who_is_not_signed_in(self, client: Client) -> None:
        assert self.post(client, self.BODY).status_code == 403


class Sender:
    """A client of the ASGI application that sends a body in parts."""

    def __init__(self, path: str, parts: list[bytes], length: str | None = None) -> None:
        headers = [(b"host", b"testserver"), (b"content-type", b"text/plain")]
        if length is not None:
            headers.append((b"content-length", length.encode()))
        self.scope: dict[str, Any] = {
            "type": "http",
            "method": "POST",
            "path": path,
            "query_string": b"",
            "headers": headers,
            "client": ["127.0.0.1", 1],
        }
        self.messages = [
            {"type": "http.request", "body": part, "more_body": True} for part in parts
        ]
        if parts:
            self.messages[-1]["more_body"] = False
        self.status = 0
        self.headers: dict[str, str] = {}

    async def receive(self) -> dict[str, Any]:
        if not self.messages:
            await asyncio.Event().wait()  # the client neither sends nor goes
        return self.messages.pop(0)

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {
                name.decode().lower(): value.decode() for name, value in message["headers"]
            }


def _raw(*, path: str, body: list[bytes], length: str | None = None) -> tuple[int, dict[str, str]]:
    """Send one POST through the ASGI application; return status and headers."""
    sender = Sender(path, body, length)
    asyncio.run(application(sender.scope, sender.receive, sender.send))
    return sender.status, sender.headers
