"""What happens at the door happens with its event or not at all (security reference, S50)."""

from typing import Any

import pytest
from allauth.core.context import request_context
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.core.cache import cache
from django.test import Client, RequestFactory

from accounts.adapters import StaffAccountAdapter
from accounts.exceptions import NotRecorded
from accounts.models import User
from accounts.services import record_event
from accounts.sign_in import events, second_factor
from tests.dashboard.rows import PASSWORD, make_user
from tests.sign_in import LOGIN, SECRET, code, enrol, give_password, sign_in

pytestmark = pytest.mark.django_db
NEW = "nine loud otters run"


@pytest.fixture(autouse=True)
def _forget_limits_of_allauth() -> None:
    cache.clear()


@pytest.fixture
def client() -> Client:
    """Return a browser that gets the server's answer where something went wrong."""
    return Client(raise_request_exception=False)


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what makes one action unrecordable from then on."""

    def break_record(action: str) -> None:
        def refuse(**details: Any) -> Any:
            if details["action"] == action:
                raise NotRecorded
            return record_event(**details)

        monkeypatch.setattr(events, "record_event", refuse)

    return break_record


class TestUnrecordedSignIn:
    def test_s50_lets_nobody_in(self, client: Client, broken: Any) -> None:
        enrol(make_user("robin"))
        give_password(client, "robin", PASSWORD)
        broken("login")

        answer = client.post(f"{LOGIN}code/", {"code": code()})

        assert answer.status_code == 503
        assert "_auth_user_id" not in client.session
        assert client.get("/dashboard/calls/")["Location"].startswith(LOGIN)

    def test_s50_enrols_no_app(self, client: Client, broken: Any) -> None:
        make_user("robin")
        give_password(client, "robin", PASSWORD)
        client.get(f"{LOGIN}enrol/")
        secret = client.session["sign_in.enrolment_secret"]
        broken("mfa.enrolled")

        answer = client.post(f"{LOGIN}enrol/", {"code": code(secret=secret)})

        assert answer.status_code == 503
        assert not Authenticator.objects.exists()


class TestUnrecordedAct:
    def test_s50_leaves_the_password(self, client: Client, broken: Any) -> None:
        user = enrol(make_user("robin"))
        sign_in(client, "robin", PASSWORD)
        broken("password.changed")
        given = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}

        assert client.post("/accounts/password/change/", given).status_code == 503

        assert User.objects.get(pk=user.pk).check_password(PASSWORD)

    def test_s50_leaves_the_recovery_codes(self, client: Client, broken: Any) -> None:
        user = enrol(make_user("robin"))
        old = second_factor.new_recovery_codes(user=user)
        sign_in(client, "robin", PASSWORD)
        before = Authenticator.objects.get(user=user, type=second_factor.RECOVERY).data
        broken("mfa.recovery_codes_made")

        assert client.post("/accounts/recovery-codes/").status_code == 503

        kept = Authenticator.objects.get(user=user, type=second_factor.RECOVERY).data
        assert kept == before
        assert len(old) == len(kept["hashes"])

    def test_s50_ends_no_session(self, client: Client, broken: Any) -> None:
        user = enrol(make_user("robin"))
        sign_in(client, "robin", PASSWORD)
        second_factor.set_secret(user=user, secret=SECRET)  # the code counts once more
        sign_in(Client(), "robin", PASSWORD)
        broken("session.ended")

        assert client.post("/accounts/sessions/").status_code == 503

        assert UserSession.objects.filter(user=user).count() == 2

    def test_s50_gives_no_fresh_proof_of_who_one_is(self, client: Client, broken: Any) -> None:
        user = enrol(make_user("robin"))
        codes = second_factor.new_recovery_codes(user=user)
        give_password(client, "robin", PASSWORD)
        client.post(f"{LOGIN}code/", {"code": codes[0]})
        broken("login.reauthenticated")

        answer = client.post("/accounts/reauthenticate/", {"password": PASSWORD, "code": code()})

        assert answer.status_code == 503
        assert "sign_in.verified_at" not in client.session


class TestNewPassword:
    def test_s28_gives_no_right_back_that_was_taken_meanwhile(self, rf: RequestFactory) -> None:
        user = make_user("robin", "admin")
        request = rf.post("/accounts/password/change/")
        request.user, request.session = AnonymousUser(), SessionStore()
        stale = User.objects.get(pk=user.pk)
        User.objects.filter(pk=user.pk).update(role="nurse", is_active=False)

        with request_context(request):
            StaffAccountAdapter().set_password(stale, NEW)

        now = User.objects.get(pk=user.pk)
        assert (now.role, now.is_active) == ("nurse", False)
        assert now.check_password(NEW)
