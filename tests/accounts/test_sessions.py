"""How long sessions live, what they may do, and who ends them (security reference, S31, S34 to S36)."""

from datetime import timedelta
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from accounts.models import AuditEvent, User
from accounts.sign_in import ages, clock
from accounts.sign_in.decorators import recently_authenticated
from accounts.sign_in.devices import device_name
from accounts.sign_in.sessions import forget_ended, live_user
from tests.dashboard.rows import PASSWORD, make_user
from tests.sign_in import LOGIN, code, enrol, give_password, sign_in

pytestmark = pytest.mark.django_db
PAGE, STATUS, SESSIONS = "/dashboard/calls/", "/accounts/session/", "/accounts/sessions/"
REAUTHENTICATE = "/accounts/reauthenticate/"


class Hands:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.time = clock.now()

    def __call__(self) -> Any:
        return self.time

    def move(self, **passed: float) -> None:
        self.time += timedelta(**passed)


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    moved = Hands()
    monkeypatch.setattr(clock, "now", moved)
    return moved


@pytest.fixture
def robin(client: Client, hands: Hands) -> User:
    user = enrol(make_user("robin"))
    sign_in(client, "robin", PASSWORD)
    return user


class TestASessionThatIsIdle:
    def test_ends_after_fifteen_minutes_s31(
        self, client: Client, robin: User, hands: Hands
    ) -> None:
        hands.move(minutes=15)

        answer = client.get(PAGE, follow=True)

        assert answer.redirect_chain == [(f"{LOGIN}?next={PAGE}", 302)]
        assert "You were signed out." in answer.content.decode()
        assert AuditEvent.objects.filter(action="session.expired").count() == 1

    def test_lives_on_with_what_a_person_does(
        self, client: Client, robin: User, hands: Hands
    ) -> None:
        for _ in range(3):
            hands.move(minutes=14, seconds=59)
            assert client.get(PAGE).status_code == 200

    def test_is_not_kept_alive_by_feeds_and_polls_s31(
        self, client: Client, robin: User, hands: Hands
    ) -> None:
        for _ in range(14):
            hands.move(minutes=1)
            assert client.get(STATUS).status_code == 200
            assert client.get(PAGE, headers={"X-Background-Request": "1"}).status_code == 200
        hands.move(minutes=1)

        answer = client.get(STATUS, headers={"Accept": "application/json"})

        assert answer.status_code == 401
        assert answer.json()["code"] == "not_authenticated"
        assert answer.json()["request_id"] == answer.headers["X-Request-ID"]

    def test_tells_a_script_how_long_it_lives(
        self, client: Client, robin: User, hands: Hands
    ) -> None:
        hands.move(minutes=13)

        before = client.get(STATUS).json()["seconds_left"]
        after = client.post("/accounts/session/extension/").json()["seconds_left"]

        assert (before, after) == (120, 900)

    def test_ends_on_the_server_too(self, client: Client, robin: User, hands: Hands) -> None:
        key = client.session.session_key
        hands.move(minutes=15)

        client.get(PAGE)

        assert not Session.objects.filter(session_key=key).exists()


class TestASessionInAll:
    def test_ends_after_twelve_hours_however_busy_s31(
        self, client: Client, robin: User, hands: Hands
    ) -> None:
        for _ in range(71):
            hands.move(minutes=10)
            assert client.get(STATUS).status_code == 200
            client.post("/accounts/session/extension/")
        hands.move(minutes=10)

        assert client.get(PAGE)["Location"].startswith(LOGIN)

    def test_without_a_second_factor_is_none_s32(self, client: Client, robin: User) -> None:
        session = client.session
        del session[ages.SECOND_FACTOR]
        session.save()

        assert client.get(PAGE)["Location"].startswith(LOGIN)

    def test_gets_a_new_id_when_its_person_may_do_other_things_s35(
        self, client: Client, robin: User
    ) -> None:
        before = client.session.session_key
        User.objects.filter(pk=robin.pk).update(role="admin")

        client.get(PAGE)

        assert client.session.session_key != before
        assert not Session.objects.filter(session_key=before).exists()
        assert client.get(PAGE).status_code == 200


class TestASocketsSession:
    def test_belongs_to_its_person_while_it_lives_s31(
        self, client: Client, robin: User, hands: Hands
    ) -> None:
        key = client.session.session_key or ""

        assert live_user(session_key=key, now=hands()) == robin
        hands.move(minutes=15)
        assert live_user(session_key=key, now=hands()) is None

    def test_is_over_when_the_person_leaves_or_is_switched_off_s28(
        self, client: Client, robin: User, hands: Hands
    ) -> None:
        key = client.session.session_key or ""
        User.objects.filter(pk=robin.pk).update(is_active=False)
        switched_off = live_user(session_key=key, now=hands())
        User.objects.filter(pk=robin.pk).update(is_active=True)
        client.post("/accounts/logout/")

        assert switched_off is None
        assert live_user(session_key=key, now=hands()) is None

    def test_is_over_when_the_password_changes(
        self, client: Client, robin: User, hands: Hands
    ) -> None:
        robin.set_password("nine loud otters run")
        robin.save()

        key = client.session.session_key or ""
        assert live_user(session_key=key, now=hands()) is None

    def test_before_the_second_factor_is_nobodys_s32(self, client: Client, hands: Hands) -> None:
        enrol(make_user("robin"))
        give_password(client, "robin", PASSWORD)

        key = client.session.session_key or ""
        assert live_user(session_key=key, now=hands()) is None
        assert live_user(session_key="x" * 32, now=hands()) is None


class TestTheListOfSessions:
    def test_shows_device_address_and_last_use_s35(
        self, client: Client, robin: User, hands: Hands
    ) -> None:
        hands.move(seconds=30)  # the next code
        agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
        other = Client(REMOTE_ADDR="198.51.100.7", headers={"User-Agent": agent})
        sign_in(other, "robin", PASSWORD)

        page = client.get(SESSIONS).content.decode()

        assert "Firefox on Windows" in page
        assert "198.51.100.7" in page
        assert page.count("This one") == 1

    def test_ends_one_session(self, client: Client, robin: User, hands: Hands) -> None:
        other = self._another(hands)
        listed = client.get(SESSIONS).context["sessions"]
        chosen = next(one for one in listed if not one.is_current)

        client.post(SESSIONS, {"session": chosen.id})

        assert other.get(PAGE)["Location"].startswith(LOGIN)
        assert client.get(PAGE).status_code == 200
        assert AuditEvent.objects.filter(action="session.ended").count() == 1

    def test_ends_all_others(self, client: Client, robin: User, hands: Hands) -> None:
        others = [self._another(hands), self._another(hands)]

        client.post(SESSIONS)

        assert client.get(PAGE).status_code == 200
        assert all(other.get(PAGE).status_code == 302 for other in others)

    @pytest.mark.parametrize("chosen", ["999999", "x", "-1"])
    def test_ends_nothing_of_other_people(
        self, client: Client, robin: User, hands: Hands, chosen: str
    ) -> None:
        other = self._another(hands)

        client.post(SESSIONS, {"session": chosen})

        assert other.get(PAGE).status_code == 200

    def _another(self, hands: Hands) -> Client:
        hands.move(seconds=30)
        other = Client()
        sign_in(other, "robin", PASSWORD)
        return other


class TestEndedSessions:
    def test_are_forgotten_with_where_they_were(
        self, client: Client, robin: User, hands: Hands
    ) -> None:
        before = Session.objects.count()
        nothing = forget_ended(now=hands())
        hands.move(hours=13)

        assert (nothing, forget_ended(now=hands())) == (0, before)
        assert not UserSession.objects.exists()


class TestDevices:
    @pytest.mark.parametrize(
        ("agent", "name"),
        [
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0) Version/19.0 Safari/604.1",
                "Safari on iPhone",
            ),
            ("Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0 Safari/537.36", "Chrome on Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0) Chrome/156.0 Safari/537.36 Edg/156.0",
                "Edge on Windows",
            ),
            ("curl/8.0", "Unknown device"),
            ("", "Unknown device"),
        ],
    )
    def test_have_the_names_that_people_use(self, agent: str, name: str) -> None:
        assert device_name(agent) == name


def export(request: HttpRequest) -> HttpResponse:
    return HttpResponse("the export")


class TestReauthentication:
    def ask(self, session: Any, user: Any, **headers: str) -> HttpResponse:
        request = RequestFactory().get("/export/?all=1", headers=headers)
        request.session = session
        request.user = user
        answer = recently_authenticated(export)(request)
        assert isinstance(answer, HttpResponse)
        return answer

    def test_is_not_asked_within_ten_minutes_of_a_login_with_the_app_s36(
        self, client: Client, robin: User, hands: Hands
    ) -> None:
        hands.move(minutes=9, seconds=59)

        assert self.ask(client.session, robin).content == b"the export"

    def test_is_asked_after_them_and_leads_back_s36(
        self, client: Client, robin: User, hands: Hands
    ) -> None:
        hands.move(minutes=10)

        answer = self.ask(client.session, robin)

        assert answer["Location"] == f"{REAUTHENTICATE}?next=%2Fexport%2F%3Fall%3D1"

    def test_is_answered_to_a_program_with_403_s36(
        self, client: Client, robin: User, hands: Hands
    ) -> None:
        hands.move(minutes=10)

        answer = self.ask(client.session, robin, accept="application/json")

        assert answer.status_code == 403
        assert b"reauth_required" in answer.content

    def test_is_asked_of_who_came_in_by_a_recovery_code(self, robin: User, hands: Hands) -> None:
        session = SessionStore()
        ages.begin(session, rights="", verified=False, now=hands())

        assert self.ask(session, robin).status_code == 302

    def test_sends_anonymous_people_to_the_login(self) -> None:
        answer = self.ask(SessionStore(), AnonymousUser())

        assert answer["Location"].startswith(LOGIN)

    def test_takes_password_and_code_and_gives_a_new_session_id_s35(
        self, client: Client, robin: User, hands: Hands
    ) -> None:
        hands.move(minutes=11)
        given = {"password": PASSWORD, "code": code(hands()), "next": SESSIONS}
        before = client.session.session_key

        answer = client.post(REAUTHENTICATE, given)

        assert answer["Location"] == SESSIONS
        assert client.session.session_key != before
        assert self.ask(client.session, robin).content == b"the export"
        assert client.get(SESSIONS).context["sessions"][0].is_current

    @pytest.mark.parametrize("wrong", ["password", "code"])
    def test_needs_both(self, client: Client, robin: User, hands: Hands, wrong: str) -> None:
        hands.move(minutes=11)
        given = {"password": PASSWORD, "code": code(hands())} | {wrong: "000000"}

        page = client.post(REAUTHENTICATE, given).content.decode()

        assert "There is a problem" in page
        assert self.ask(client.session, robin).status_code == 302

    def test_never_leads_to_another_site(self, client: Client, robin: User, hands: Hands) -> None:
        hands.move(minutes=1)
        given = {"password": PASSWORD, "code": code(hands()), "next": "https://evil.example/"}

        assert client.post(REAUTHENTICATE, given)["Location"] == "/"
