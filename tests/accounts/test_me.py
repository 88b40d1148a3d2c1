"""`GET /api/v1/me/`, and with it what every address of the API does (security reference, S41 and S44)."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from django.http import Http404
from django.test import Client, RequestFactory
from django.urls import path
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import NotVisible
from accounts.api_views import ApiView, StrictSerializer
from accounts.exceptions import NotRecorded
from accounts.models import AuditEvent
from accounts.permissions import Resource, Scope, Verb
from carematix import api_errors, urls
from tests.accounts.test_api_keys import ME, ask, make_key
from tests.factories import make_user

pytestmark = pytest.mark.django_db


class TestWhoOneIs:
    @pytest.mark.parametrize("role", ["admin", "scheduler", "nurse"])
    def test_is_a_person_with_a_role(self, client: Client, role: str) -> None:
        user = make_user(role=role, first_name="Ana", email="ana@example.org")
        client.force_login(user)

        answer = client.get(ME)

        assert answer.status_code == 200
        assert answer.json() == {
            "type": "user", "id": str(user.pk), "username": user.username, "first_name": "Ana",
            "last_name": "", "email": "ana@example.org", "role": role,
        }  # fmt: skip

    @pytest.mark.parametrize("scope", list(Scope))
    def test_is_a_key_whatever_its_scope(self, scope: Scope) -> None:
        key, text = make_key(scopes=(scope.value,), networks=["203.0.113.0/24"])

        answer = ask(text)

        assert answer.status_code == 200
        assert answer.json().keys() == {
            "type", "id", "name", "scopes", "networks", "created_at", "expires_at",
        }  # fmt: skip
        assert (answer.json()["id"], answer.json()["scopes"]) == (str(key.pk), [scope.value])

    def test_is_nobody_without_a_login_or_a_key(self, client: Client) -> None:
        answer = client.get(ME)

        assert answer.status_code == 401
        assert answer["WWW-Authenticate"] == "Bearer"
        assert answer.json() == {
            "code": "not_authenticated",
            "detail": "Sign in, or send an API key.",
            "request_id": answer["X-Request-ID"],
        }

    def test_is_nobody_with_a_password_alone(self, client: Client) -> None:
        client.force_login(make_user())
        session = client.session
        del session["sign_in.second_factor_at"]
        session.save()

        assert client.get(ME).status_code == 401

    def test_is_nobody_once_the_account_is_closed_s28(self, client: Client) -> None:
        user = make_user()
        client.force_login(user)
        user.is_active = False
        user.save()

        assert client.get(ME).status_code == 401

    def test_is_the_key_if_both_are_there(self, client: Client) -> None:
        client.force_login(make_user())
        _, text = make_key()

        answer = client.get(ME, headers={"Authorization": f"Bearer {text}"})

        assert answer.json()["type"] == "key"

    def test_is_nobody_if_the_key_is_wrong_although_there_is_a_session(
        self, client: Client
    ) -> None:
        client.force_login(make_user())

        answer = client.get(ME, headers={"Authorization": "Bearer nonsense"})

        assert answer.status_code == 401

    def test_is_kept_by_no_cache(self) -> None:
        assert "no-store" in ask(make_key()[1])["Cache-Control"]


class TestEveryAddress:
    @pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
    def test_names_methods_that_it_does_not_take(self, client: Client, method: str) -> None:
        client.force_login(make_user())

        answer = getattr(client, method)(ME)

        assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
        assert answer["Allow"] == "GET, HEAD"

    def test_wants_a_token_of_a_session_that_changes_something_s37(self) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(make_user())

        answer = client.post(ME)

        assert (answer.status_code, answer.json()["code"]) == (403, "csrf_failed")

    def test_answers_json_only_s44(self, client: Client) -> None:
        client.force_login(make_user())

        page = client.get(ME, headers={"Accept": "text/html"})

        assert (page.status_code, page["Content-Type"]) == (406, "application/json")
        assert page.json()["code"] == "not_acceptable"

    def test_takes_no_parameter_that_it_does_not_know_s44(self, client: Client) -> None:
        client.force_login(make_user())

        answer = client.get(ME, {"role": "admin", "format": "api"})

        assert answer.status_code == 400
        assert answer.json()["code"] == "invalid"
        assert answer.json()["fields"] == {
            "format": ["There is no such parameter."], "role": ["There is no such parameter."],
        }  # fmt: skip

    def test_refuses_bodies_of_more_than_a_mebibyte_s44(self) -> None:
        _, text = make_key()
        headers = {"Authorization": f"Bearer {text}"}

        answer = Client().post(
            ME, b" " * 1_048_577, content_type="application/json", headers=headers
        )

        assert (answer.status_code, answer.json()["code"]) == (413, "request_too_large")

    def test_that_does_not_exist_is_answered_as_json(self, client: Client) -> None:
        answer = client.get("/api/v1/nothing/")

        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


class Notes(ApiView):
    """An address of this test: what it does is put in by the test."""

    resource = Resource.CALL
    verbs = {"GET": Verb.READ, "POST": Verb.CREATE}

    class Input(StrictSerializer):
        text = serializers.CharField(max_length=5)
        made_by = serializers.CharField(read_only=True)

    @staticmethod
    def act() -> None:
        """Do nothing."""

    def get(self, request: Request) -> Response:
        self.act()
        return Response({})

    def post(self, request: Request) -> Response:
        data = self.Input(data=request.data)
        data.is_valid(raise_exception=True)
        return Response(data.validated_data)


@pytest.fixture
def notes(monkeypatch: pytest.MonkeyPatch, settings: Any) -> str:
    """Route `Notes` for one test."""
    routes = ModuleType("routes")
    for name, value in vars(urls).items():
        setattr(routes, name, value)
    routes.urlpatterns = [*urls.urlpatterns, path("api/v1/notes/", Notes.as_view())]  # type: ignore[attr-defined]
    settings.ROOT_URLCONF = routes
    return "/api/v1/notes/"


def raising(exception: Exception) -> Callable[[], None]:
    """Return something that fails."""

    def act() -> None:
        raise exception

    return staticmethod(act)


class TestTheScopesOfAKey:
    def test_open_what_the_policy_says_and_nothing_else_s42(self, notes: str) -> None:
        for scope in Scope:
            _, text = make_key(scopes=(scope.value,))

            status = ask(text, path=notes).status_code

            assert status == (200 if scope is Scope.CALLS_READ else 403), scope

    def test_that_do_not_suffice_are_on_record_s26_s46(self, notes: str) -> None:
        key, text = make_key(scopes=("patients:read",))

        answer = ask(text, path=notes)

        event = AuditEvent.objects.get(action="access.denied")
        assert answer.json()["code"] == "permission_denied"
        assert (event.actor_type, event.actor_id) == ("key", str(key.pk))
        assert (event.surface, event.outcome) == ("api", "forbidden")
        assert event.request_id == answer["X-Request-ID"]


class TestInput:
    @pytest.fixture(autouse=True)
    def _may_write(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Notes, "verbs", {"POST": Verb.READ})

    def send(self, path: str, body: Any, content_type: str = "application/json") -> Any:
        client = Client()
        client.force_login(make_user())
        return client.post(path, body, content_type=content_type)

    def test_that_is_right_passes(self, notes: str) -> None:
        assert self.send(notes, {"text": "hello"}).json() == {"text": "hello"}

    @pytest.mark.parametrize("field", ["made_by", "role", "is_staff", "patient", "created_by"])
    def test_with_a_field_that_cannot_be_set_is_refused_s27(self, notes: str, field: str) -> None:
        answer = self.send(notes, {"text": "hello", field: "x"})

        assert answer.status_code == 400
        assert answer.json()["fields"] == {field: ["This field cannot be set."]}

    def test_names_the_fields_that_are_wrong(self, notes: str) -> None:
        answer = self.send(notes, {"text": "too long"})

        assert answer.json().keys() == {"code", "detail", "request_id", "fields"}
        assert answer.json()["fields"].keys() == {"text"}

    @pytest.mark.parametrize(
        "body", ["{", "[" * 100_000, '{"text": NaN}', "\xff", '{"a":' * 50_000]
    )
    def test_that_is_no_json_is_refused_s44(self, notes: str, body: str) -> None:
        answer = self.send(notes, body.encode("latin-1"))

        assert (answer.status_code, answer.json()["code"]) == (400, "parse_error")

    def test_that_is_no_object_is_refused(self, notes: str) -> None:
        assert self.send(notes, "[1]").status_code == 400

    @pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain"])
    def test_of_another_kind_is_refused_s44(self, notes: str, kind: str) -> None:
        answer = self.send(notes, "text=hello", kind)

        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
        assert kind not in answer.content.decode()


class TestErrors:
    @pytest.mark.parametrize(
        ("exception", "status", "code"),
        [
            (Http404("secret"), 404, "not_found"),
            (ValueError("secret"), 500, "internal_error"),
            (NotRecorded("secret"), 503, "temporarily_unavailable"),
        ],
    )
    def test_have_one_shape_and_tell_nothing_s41(
        self,
        notes: str,
        monkeypatch: pytest.MonkeyPatch,
        exception: Exception,
        status: int,
        code: str,
    ) -> None:
        monkeypatch.setattr(Notes, "act", raising(exception))
        client = Client(raise_request_exception=False)
        client.force_login(make_user())

        answer = client.get(notes)

        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.json().keys() == {"code", "detail", "request_id"}
        assert answer.json()["request_id"] == answer["X-Request-ID"]
        assert b"secret" not in answer.content

    @pytest.mark.parametrize("foreign", [True, False])
    def test_of_records_keep_for_the_audit_record_what_the_answer_does_not_say_s26(
        self, foreign: bool
    ) -> None:
        request = Request(RequestFactory().get(ME))
        hidden = NotVisible(resource=Resource.CALL, object_id=7, foreign=foreign)

        answer = api_errors.answer(hidden, {"request": request})

        assert answer is not None
        assert (answer.status_code, answer.data["code"]) == (404, "not_found")
        assert request._request._not_visible is hidden  # type: ignore[attr-defined]  # ours
