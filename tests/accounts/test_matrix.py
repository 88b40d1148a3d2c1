"""S25, S26: every address × method × role × {own, foreign, missing}, walked from the URL conf itself."""

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from django.http import HttpResponseBase
from django.test import Client
from django.urls import URLPattern
from django.utils import timezone

from accounts.models import ApiKey, AuditEvent, EmergencyAccess, LegalHold, User
from accounts.permissions import Reach, Resource, Role, Verb, may, reach
from carematix.asgi import application
from dashboard.routing import websocket_urlpatterns as live_urlpatterns
from tests.accounts.routes import (
    ADMIN,
    API,
    CARRIER,
    OPEN,
    OWN_GUARD,
    ROUTES,
    SOCKETS,
    Route,
    admin_resources,
    all_routes,
)
from tests.dashboard.rows import make_call
from tests.factories import make_appointment, make_assignment, make_nurse, make_patient, make_user
from voice.models import CallLog
from voice.routing import websocket_urlpatterns as media_urlpatterns

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
KINDS = ("own", "foreign", "missing")
REFUSED = {401, 403, 404, 405}
ADMIN_PATTERNS = sorted(
    (path, pattern.name or "") for path, pattern in all_routes() if path.startswith(ADMIN)
)
PATTERNS = sorted(path for path, _ in all_routes() if not path.startswith((ADMIN, API)))


@pytest.fixture
def rows(db: None) -> dict[tuple[str, str], str]:
    """Return the ids of records, by the part of the address and by whose they are for the nurse."""
    login = make_user(role="nurse", username="nurse")
    nurse = make_nurse(user=login)
    mine, other = make_patient(), make_patient()
    make_assignment(patient=mine, nurse=nurse)
    own_visit, foreign_visit = make_appointment(patient=mine, nurse=nurse), make_appointment()
    assert own_visit.pk != foreign_visit.pk
    person = make_user(role="scheduler", username="person")
    access = EmergencyAccess.objects.create(
        user=login,
        patient_id=mine.pk,
        opened_by=person,
        reason="a test of the matrix",
        opened_at=timezone.now() - timedelta(hours=2),
        expires_at=timezone.now() - timedelta(hours=1),
    )
    key = ApiKey.objects.create(
        name="Portal",
        public_id="0123456789abcdef",
        created_at=timezone.now(),
        expires_at=timezone.now() + timedelta(days=1),
    )
    found = {"call_id": (make_call(mine).pk, make_call(other).pk)}
    found |= {"user_id": (person.pk, person.pk), "access_id": (access.pk, access.pk)}
    found |= {"key_id": (key.pk, key.pk)}
    hold = LegalHold.objects.create(
        kind="patient",
        record_id=mine.pk,
        reason="a test of the matrix",
        placed_by=person,
        placed_at=timezone.now(),
    )
    found |= {"patient_id": (mine.pk, other.pk), "hold_id": (hold.pk, hold.pk)}
    found |= {"row_id": (own_visit.pk, foreign_visit.pk)}
    ids = {(name, "own"): str(own) for name, (own, _) in found.items()}
    ids |= {(name, "foreign"): str(foreign) for name, (_, foreign) in found.items()}
    ids |= {(name, "missing"): str(uuid.UUID(int=number)) for number, name in enumerate(found)}
    return ids


def parts_of(pattern: str) -> list[str]:
    return re.findall(r"<uuid:(\w+)>", pattern)


def address(pattern: str, ids: dict[tuple[str, str], str], kind: str) -> str:
    for part in parts_of(pattern):
        pattern = pattern.replace(f"<uuid:{part}>", ids[part, kind])
    return f"/{pattern}"


def client_of(role: str) -> Client:
    client = Client(raise_request_exception=False)
    user = User.objects.filter(username="nurse").first() if role == Role.NURSE else None
    client.force_login(user or make_user(role=role))
    return client


def body(response: HttpResponseBase) -> bytes:
    return bytes(getattr(response, "content", b""))


def kinds_of(pattern: str) -> tuple[str, ...]:
    return KINDS if parts_of(pattern) else ("own",)


class TestTheTableOfRoutes:
    def test_names_every_address_s25(self) -> None:
        unknown = [
            path
            for path in PATTERNS
            if path not in {*ROUTES, *OPEN, *OWN_GUARD} and not path.startswith(CARRIER)
        ]

        assert unknown == [], "declare what these are for in tests/accounts/routes.py"

    def test_names_no_address_that_is_gone(self) -> None:
        assert {*ROUTES, *OPEN, *OWN_GUARD} - set(PATTERNS) == set()

    def test_names_every_socket_s25(self) -> None:
        sockets = [*media_urlpatterns, *live_urlpatterns]

        assert {str(route.pattern) for route in sockets} == set(SOCKETS)

    def test_has_no_address_of_a_test_or_a_debugger_s25(self) -> None:
        assert not [path for path in PATTERNS if re.search("debug|test|__", path)]


@pytest.mark.parametrize("pattern", PATTERNS)
class TestAnonymousPeople:
    def test_reach_only_the_way_in_s25(
        self, rows: dict[tuple[str, str], str], pattern: str
    ) -> None:
        if pattern in OPEN | OWN_GUARD:
            return
        for method in METHODS:
            for kind in kinds_of(pattern):
                path = address(pattern, rows, kind).replace("^.*$", "anything")
                response = Client().generic(method, path)

                is_login = response.get("Location", "").startswith("/accounts/login/")
                assert is_login or response.status_code in REFUSED, (method, path)
                assert not AuditEvent.objects.exclude(surface="twilio").exists()


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("pattern", sorted(ROUTES))
class TestEveryRole:
    def test_gets_what_the_policy_says_s25_s26(
        self, rows: dict[tuple[str, str], str], pattern: str, role: Role
    ) -> None:
        route = ROUTES[pattern]
        for method in METHODS:
            verb = route.verbs.get(method)
            for kind in kinds_of(pattern):
                client = client_of(role)
                before = AuditEvent.objects.count()
                response = client.generic(
                    method,
                    address(pattern, rows, kind),
                    **sent(method, route.data),
                )
                written = list(AuditEvent.objects.order_by("seq")[before:])

                self.check(route, verb, role, kind, response.status_code, written)
                if route.patients and response.status_code == 200:
                    assert written, (method, kind, "shows patients and writes no event")

    def check(
        self,
        route: Route,
        verb: Verb | None,
        role: Role,
        kind: str,
        status: int,
        written: list[AuditEvent],
    ) -> None:
        outcomes = {event.outcome for event in written if event.action == "access.denied"}
        reached = reach(role, verb, route.resource) if verb else Reach.NONE
        closed = route.own_only and verb is Verb.UPDATE and reached is Reach.ANY
        if verb is None:  # a method that the page does not take
            assert status in {403, 405} or route.resource is Resource.ACCOUNT
        elif reached is Reach.NONE or closed:
            assert (status, outcomes) == (403, {"forbidden"})
        elif kind == "foreign" and reached is Reach.OWN:
            assert (status, outcomes) == (404, {"foreign"})
        elif kind == "missing":
            assert status == 302 or (status, outcomes) == (404, {"not_found"})
        elif route.resource is not Resource.ACCOUNT:
            assert (status in {200, 302}, outcomes) == (True, set())
        assert status < 500


def sent(method: str, data: Any) -> dict[str, Any]:
    """Return what a browser's form sends."""
    if method != "POST":
        return {}
    return {
        "data": "&".join(f"{key}={value}" for key, value in data.items()),
        "content_type": "application/x-www-form-urlencoded",
    }


class TestAForeignRecord:
    def test_is_answered_as_a_missing_one_byte_by_byte_s26(
        self, rows: dict[tuple[str, str], str]
    ) -> None:
        client = client_of(Role.NURSE)
        for pattern, route in ROUTES.items():
            verb = route.verbs.get("GET")
            ends_at_own = verb and reach(Role.NURSE, verb, route.resource) is Reach.OWN
            if not parts_of(pattern) or not ends_at_own:
                continue

            foreign = client.get(address(pattern, rows, "foreign"))
            missing = client.get(address(pattern, rows, "missing"))

            assert (foreign.status_code, body(foreign)) == (404, body(missing))
            assert dict(foreign.headers).keys() == dict(missing.headers).keys()

    def test_takes_as_many_queries_as_a_missing_one_s15(
        self, rows: dict[tuple[str, str], str], django_assert_max_num_queries: Any
    ) -> None:
        client = client_of(Role.NURSE)
        pattern = "dashboard/calls/<uuid:call_id>/"
        with django_assert_max_num_queries(100) as foreign:
            client.get(address(pattern, rows, "foreign"))
        with django_assert_max_num_queries(100) as missing:
            client.get(address(pattern, rows, "missing"))

        assert len(foreign) == len(missing)


def admin_address(pattern: str) -> str:
    for part in re.findall(r"<\w+:?\w*>", pattern):
        pattern = pattern.replace(part, str(uuid.UUID(int=7)))
    pattern = re.sub(r"\^\(\?P<app_label>(\w+)\|.*\$", r"\1/", pattern)
    return "/" + pattern.replace("(?P<url>.*)$", "nowhere")


@pytest.mark.parametrize(("pattern", "name"), ADMIN_PATTERNS)
class TestTheAdminSite:
    def test_is_closed_to_all_but_administrators_s25(
        self, db: None, pattern: str, name: str
    ) -> None:
        if name == "logout":
            return  # everybody's way out
        for role in (Role.SCHEDULER, Role.NURSE):
            client = Client()
            client.force_login(make_user(role=role, is_staff=True, is_superuser=True))
            for method in ("GET", "POST"):
                assert client.generic(method, admin_address(pattern)).status_code == 403
        assert {event.outcome for event in AuditEvent.objects.all()} == {"forbidden"}

    def test_leads_anonymous_people_to_the_login_s25(
        self, db: None, pattern: str, name: str
    ) -> None:
        for method in METHODS:
            response = Client().generic(method, admin_address(pattern))

            location = response.get("Location", "")
            assert location.startswith("/accounts/login/") or response.status_code in REFUSED

    def test_opens_to_administrators_no_more_than_the_policy_s25(
        self, db: None, pattern: str, name: str
    ) -> None:
        client = Client()
        client.force_login(make_user(role=Role.ADMIN))
        resource, verb = admin_resources().get(name, (Resource.ADMIN_SITE, Verb.READ))
        part = (Resource.CLINICAL, Resource.SETTINGS)  # their rows are parts of one record

        status = client.get(admin_address(pattern)).status_code

        assert status < 500
        if not may(Role.ADMIN, verb, resource) and resource not in part:
            assert status in {302, 403}  # a missing row leads back before anything is asked


class TestSockets:
    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("role", ["", *Role])
    async def test_of_the_carrier_let_no_session_in_s25(self, role: str) -> None:
        headers = [(b"host", b"testserver")]
        if role:
            client = await signed_in(role)
            cookie = f"sessionid={client.cookies['sessionid'].value}"
            headers += [(b"cookie", cookie.encode()), (b"origin", b"http://testserver")]
        socket = WebsocketCommunicator(application, "/ws/media-stream", headers=headers)

        accepted, _ = await socket.connect()

        assert not accepted


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("pattern", sorted(SOCKETS))
class TestTheSocketsOfEveryRole:
    async def test_show_what_the_policy_says_s25_s29(
        self, rows: dict[tuple[str, str], str], pattern: str, role: Role
    ) -> None:
        from asgiref.sync import sync_to_async

        await sync_to_async(CallLog.objects.update)(status="in_progress", ended_at=None)
        resource = SOCKETS[pattern]
        reached = reach(role, Verb.READ, resource) if resource else Reach.NONE
        cookie = (await signed_in(role)).cookies["sessionid"].value
        headers = [(b"cookie", f"sessionid={cookie}".encode()), (b"host", b"testserver")]
        headers.append((b"origin", b"https://testserver"))
        path = "/" + pattern.strip("^/?$")
        socket = WebsocketCommunicator(application, path, headers=headers)

        accepted, _ = await socket.connect(timeout=5)

        assert accepted is (reached is not Reach.NONE)
        if accepted:
            calls = {call["id"] for call in (await socket.receive_json_from(5))["calls"]}
            await socket.disconnect()
            own, foreign = rows["call_id", "own"], rows["call_id", "foreign"]
            assert calls == ({own, foreign} if reached is Reach.ANY else {own})


async def signed_in(role: str) -> Client:
    from asgiref.sync import sync_to_async

    return await sync_to_async(client_of)(role)


def test_the_list_of_patterns_is_the_url_confs_own() -> None:
    elsewhere = [path for path, _ in all_routes() if path.startswith(API)]  # test_matrix_api

    assert len(PATTERNS) + len(ADMIN_PATTERNS) + len(elsewhere) == len(list(all_routes()))
    assert all(isinstance(pattern, URLPattern) for _, pattern in all_routes())
