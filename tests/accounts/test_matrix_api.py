"""S25, S26 for the API: every address × method × role or scope × {own, foreign, missing}."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.test import Client

from accounts.models import AuditEvent
from accounts.permissions import Reach, Role, Scope, Verb, key_reach, reach
from tests.accounts.api_routes import API_ROUTES, ApiRoute
from tests.accounts.api_rows import Rows
from tests.accounts.routes import all_routes
from tests.factories import TOMORROW_NINE, make_user
from tests.scheduling.api.keys import Program

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
KINDS = ("own", "foreign", "missing")
MISSING = UUID(int=7)
PATTERNS = sorted(path for path, _ in all_routes() if path.startswith("api/"))
DONE = {200, 201, 202, 204}
AGAINST_THE_RULES = {409}
"""The policy let it through; a rule of the clinic or the state of the record did not."""


@pytest.fixture
def rows(db: None, settings: Any) -> Rows:
    settings.CAREMATIX_NOW = TOMORROW_NINE + timedelta(minutes=20)  # a visit may be a no-show now
    return Rows()


@dataclass
class Answer:
    """What came back, and what was recorded of it."""

    status: int
    body: bytes
    events: list[AuditEvent]

    def denials(self) -> set[str]:
        return {event.outcome for event in self.events if event.action == "access.denied"}

    def without_request_id(self) -> bytes:
        return re.sub(rb'"request_id":\s*"[^"]*"', b"", self.body)


@dataclass
class Sender:
    """Somebody who asks: a person with a role, or a program with one scope."""

    client: Client
    headers: dict[str, str]
    actor: str = "nobody"

    def ask(self, path: str, route: ApiRoute, method: str, kind: str, rows: Rows) -> Answer:
        """Send a valid request; whatever it does is undone, so that the next one finds the same records."""
        body = rows.filled(dict(route.bodies.get(method, {})))
        address = address_of(path, route, kind, rows)
        with undone():
            if route.senders_own:
                own = rows.pair(route.row)[0]
                type(own).objects.filter(pk=own.pk).update(owner=f"{self.actor}/1")
            before = AuditEvent.objects.order_by("-seq").values_list("seq", flat=True).first() or 0
            response = self.client.generic(
                method,
                address + (route.query if method == "GET" else ""),
                "" if method == "GET" else json.dumps(body),
                content_type="application/json",
                headers=self.headers,
            )
            events = list(AuditEvent.objects.filter(seq__gt=before).order_by("seq"))
        return Answer(response.status_code, response.content, events)


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def person(role: Role, rows: Rows) -> Sender:
    client = Client(raise_request_exception=False)
    user = rows.login if role is Role.NURSE else make_user(role=role)
    client.force_login(user)
    return Sender(client, {}, f"user:{user.pk}")


def program(scope: Scope) -> Sender:
    made = Program(scope)
    return Sender(made.client, {"Authorization": f"Bearer {made.text}"}, f"key:{made.key.pk}")


def address_of(path: str, route: ApiRoute, kind: str, rows: Rows) -> str:
    part = re.search(r"<(\w+):pk>", path)
    if part is None:
        return f"/{path}"
    own, foreign = rows.pair(route.row)
    missing = MISSING if part[1] == "uuid" else 999_999_999
    found = {"own": own.pk, "foreign": foreign.pk, "missing": missing}[kind]
    return "/" + path.replace(part[0], str(found))


def kinds_of(path: str) -> tuple[str, ...]:
    return KINDS if "<" in path else ("own",)


class TestTheTableOfTheApi:
    def test_names_every_address_s25(self) -> None:
        unknown = sorted(set(PATTERNS) - set(API_ROUTES))

        assert unknown == [], "declare what these are for in tests/accounts/api_routes.py"

    def test_names_no_address_that_is_gone(self) -> None:
        assert set(API_ROUTES) - set(PATTERNS) == set()


@pytest.mark.parametrize("path", sorted(API_ROUTES))
class TestAnonymousPrograms:
    def test_get_401_whatever_they_ask_for_s25(self, rows: Rows, path: str) -> None:
        nobody = Sender(Client(raise_request_exception=False), {})
        for method in METHODS:
            for kind in kinds_of(path):
                answer = nobody.ask(path, API_ROUTES[path], method, kind, rows)

                assert (answer.status, answer.events) == (401, []), (method, kind)
                assert json.loads(answer.body)["code"] == "not_authenticated"


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("path", sorted(API_ROUTES))
class TestEveryRole:
    def test_gets_what_the_policy_says_s25_s26(self, rows: Rows, path: str, role: Role) -> None:
        route, sender = API_ROUTES[path], person(role, rows)
        for method in METHODS:
            verb = route.verbs.get(method)
            reached = reach(role, verb, route.resource) if verb else Reach.NONE
            for kind in kinds_of(path):
                answer = sender.ask(path, route, method, kind, rows)

                check(answer, route, verb, reached, kind, f"{role} {method} {kind}")


@pytest.mark.parametrize("path", sorted(API_ROUTES))
class TestEveryScopeAlone:
    def test_opens_what_the_policy_says_s42(self, rows: Rows, path: str) -> None:
        route = API_ROUTES[path]
        for scope in Scope:
            sender = program(scope)
            for method, verb in {**dict.fromkeys(METHODS), **route.verbs}.items():
                resource = route.for_keys or route.resource
                reached = key_reach([scope], verb, resource) if verb else Reach.NONE
                if reached is Reach.OWN and route.for_keys:
                    reached = Reach.ANY  # the key itself
                for kind in kinds_of(path) if reached else ("own",):
                    answer = sender.ask(path, route, method, kind, rows)

                    seen_as = "foreign" if kind == "own" and reached is Reach.OWN else kind
                    check(answer, route, verb, reached, seen_as, f"{scope} {method} {kind}")


def check(
    answer: Answer,
    route: ApiRoute,
    verb: Verb | None,
    reached: Reach,
    kind: str,
    who: str,
) -> None:
    """Compare an answer and its events with what the policy says."""
    got = (answer.status, answer.denials())
    if reached is Reach.OWN and route.nobodys_own:
        reached = Reach.NONE
    if verb is None:
        assert got == (405, set()), who
    elif reached is Reach.NONE:
        assert got == (403, {"forbidden"}), who
    elif kind == "foreign" and (reached is Reach.OWN or route.senders_own):
        assert got == (404, {"foreign"}), who
    elif kind == "missing":
        assert got == (404, {"not_found"}), who
    else:
        fine = DONE if verb in {Verb.LIST, Verb.READ} else DONE | AGAINST_THE_RULES
        assert answer.status in fine, (who, answer.status, answer.body)
        if route.patients and answer.status in DONE:
            assert shows_patients(answer), (who, "tells of patients and names none in an event")


def shows_patients(answer: Answer) -> bool:
    """Tell whether an event names the patients of the answer; one without rows shows nobody."""
    body = json.loads(answer.body) if answer.body else {}
    is_empty = body.get("results") == []
    return bool(answer.events) and (is_empty or any(one.patient_ids for one in answer.events))


class TestAForeignRecord:
    @pytest.mark.parametrize("path", sorted(path for path in API_ROUTES if "<" in path))
    def test_is_answered_as_a_missing_one_byte_by_byte_s26(self, rows: Rows, path: str) -> None:
        route, nurse = API_ROUTES[path], person(Role.NURSE, rows)
        for method, verb in route.verbs.items():
            if route.nobodys_own or reach(Role.NURSE, verb, route.resource) is not Reach.OWN:
                continue

            foreign = nurse.ask(path, route, method, "foreign", rows)
            missing = nurse.ask(path, route, method, "missing", rows)

            assert foreign.status == missing.status == 404
            assert foreign.without_request_id() == missing.without_request_id()
