"""How staff come in and leave."""

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import NoReverseMatch, reverse

from accounts.models import AuditEvent, User
from tests.dashboard.rows import PASSWORD, make_user
from tests.sign_in import LOGIN, code, enrol, give_password, sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _forget_limits_of_allauth() -> None:
    cache.clear()


class TestLogin:
    def test_opens_the_first_page_after_password_and_code(self, client: Client) -> None:
        enrol(make_user("robin"))

        first = give_password(client, "robin", PASSWORD)
        second = client.post(first["Location"], {"code": code()})

        assert first["Location"] == "/accounts/login/code/"
        assert second["Location"] == "/"
        assert client.get("/dashboard/calls/").status_code == 200

    def test_goes_on_where_it_was_asked_for(self, client: Client) -> None:
        enrol(make_user("robin"))
        give_password(client, "robin", PASSWORD, next="/dashboard/appointments/")

        answer = client.post("/accounts/login/code/", {"code": code()})

        assert answer["Location"] == "/dashboard/appointments/"

    def test_never_leads_to_another_site(self, client: Client) -> None:
        enrol(make_user("robin"))
        give_password(client, "robin", PASSWORD, next="https://evil.example/")

        assert client.post("/accounts/login/code/", {"code": code()})["Location"] == "/"

    @pytest.mark.parametrize("name", ["robin", "nobody", "invited", "gone"])
    def test_says_the_same_whatever_was_wrong_s33(self, client: Client, name: str) -> None:
        make_user("robin")
        make_user("gone", is_active=False)
        User.objects.create_user("invited")
        wrong = PASSWORD if name == "gone" else "wrong"

        answer = give_password(client, name, wrong)

        page = answer.content.decode()
        assert answer.status_code == 200
        assert "There is a problem" in page
        assert "The username or the password is wrong." in page
        assert _without_what_was_typed(page) == _without_what_was_typed(
            give_password(Client(), "other", "wrong").content.decode()
        )

    def test_hashes_a_password_for_an_unknown_name_too_s33(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hashed: list[str] = []
        monkeypatch.setattr(User, "set_password", lambda self, raw: hashed.append(raw))

        give_password(client, "nobody", "wrong")

        assert hashed == ["wrong"]

    def test_never_sends_the_password_back(self, client: Client) -> None:
        assert (
            "my secret words"
            not in give_password(client, "robin", "my secret words").content.decode()
        )

    def test_gives_the_session_a_new_id_at_each_step_s35(self, client: Client) -> None:
        enrol(make_user("robin"))
        session = client.session
        session["before"] = "login"
        session.save()
        ids = [session.session_key]

        give_password(client, "robin", PASSWORD)
        ids.append(client.session.session_key)
        client.post("/accounts/login/code/", {"code": code()})
        ids.append(client.session.session_key)

        assert len(set(ids)) == 3

    def test_coming_back_to_the_login_begins_anew(self, client: Client) -> None:
        enrol(make_user("robin"))
        give_password(client, "robin", PASSWORD)

        assert client.get(LOGIN).status_code == 200
        assert client.get("/accounts/login/code/")["Location"] == LOGIN

    def test_an_account_closed_between_the_steps_stays_out(self, client: Client) -> None:
        user = enrol(make_user("robin"))
        give_password(client, "robin", PASSWORD)
        User.objects.filter(pk=user.pk).update(is_active=False)

        answer = client.post("/accounts/login/code/", {"code": code()})

        assert answer["Location"] == LOGIN
        assert "_auth_user_id" not in client.session

    def test_is_the_only_door_to_the_admin_site(self, client: Client) -> None:
        assert client.get("/admin/login/?next=/admin/")["Location"].startswith(LOGIN)

    def test_a_person_without_staff_status_is_refused_there(self, client: Client) -> None:
        client.force_login(make_user())

        assert client.get("/admin/login/").status_code == 403


def _without_what_was_typed(page: str) -> str:
    """Return a page without the name in its field and the token of its form, which differ at every request."""
    lines = page.splitlines()
    return "\n".join(
        line for line in lines if 'name="login"' not in line and "csrfmiddlewaretoken" not in line
    )


class TestTheRecord:
    def test_tells_of_login_and_logout_s46(self, client: Client) -> None:
        user = enrol(make_user("robin"))

        sign_in(client, "robin", PASSWORD)
        client.post("/accounts/logout/")

        events = AuditEvent.objects.filter(action__in=["login", "logout"])
        assert [(one.action, one.actor_id, one.address) for one in events] == [
            ("login", str(user.pk), "127.0.0.1"),
            ("logout", str(user.pk), "127.0.0.1"),
        ]

    def test_tells_whose_account_a_failure_was_aimed_at_and_never_what_was_typed(
        self, client: Client
    ) -> None:
        user = make_user("robin")

        give_password(client, "robin", "wrong")
        give_password(client, "my password by mistake", "wrong")

        events = AuditEvent.objects.filter(action="login.failed")
        assert [one.object_id for one in events] == [str(user.pk), ""]
        assert "mistake" not in str(list(events.values()))


class TestLogout:
    def test_ends_at_the_login_page(self, client: Client) -> None:
        client.force_login(make_user())

        response = client.post("/accounts/logout/", follow=True)

        assert response.redirect_chain == [(LOGIN, 302)]
        assert "You are signed out." in response.content.decode()
        assert "_auth_user_id" not in client.session

    def test_happens_only_when_it_is_posted_s37(self, client: Client) -> None:
        client.force_login(make_user())

        page = client.get("/accounts/logout/").content.decode()

        assert "Sign out?" in page
        assert "_auth_user_id" in client.session

    def test_ends_the_session_on_the_server_and_clears_the_browser_s35(
        self, client: Client
    ) -> None:
        enrol(make_user("robin"))
        sign_in(client, "robin", PASSWORD)
        old = client.cookies["sessionid"].value

        answer = client.post("/accounts/logout/")
        client.cookies["sessionid"] = old

        assert answer["Clear-Site-Data"] == '"cache", "storage"'
        assert client.get("/dashboard/calls/")["Location"].startswith(LOGIN)

    def test_from_the_admin_site_ends_there_too(self, client: Client) -> None:
        client.force_login(make_user("chief", "admin", is_staff=True, is_superuser=True))

        assert client.post("/admin/logout/")["Location"] == LOGIN


class TestPasswordChange:
    def test_asks_for_the_old_one_s34(self, client: Client) -> None:
        user = make_user()
        client.force_login(user)
        new = "nine loud otters run"
        given = {"oldpassword": "wrong", "password1": new, "password2": new}

        page = client.post("/accounts/password/change/", given).content.decode()

        assert "There is a problem" in page
        assert not User.objects.get(pk=user.pk).check_password(new)

    def test_counts_the_old_one_as_any_try_s33(self, client: Client) -> None:
        client.force_login(make_user())
        new = "nine loud otters run"
        wrong = {"oldpassword": "wrong", "password1": new, "password2": new}

        for _ in range(5):
            client.post("/accounts/password/change/", wrong)
        right = wrong | {"oldpassword": PASSWORD}
        page = client.post("/accounts/password/change/", right).content.decode()

        assert "Too many attempts" in page

    def test_ends_the_other_sessions_s34(self, client: Client) -> None:
        enrol(make_user("robin"))
        other = Client()
        sign_in(other, "robin", PASSWORD)
        client.force_login(User.objects.get(username="robin"))
        new = "nine loud otters run"

        client.post(
            "/accounts/password/change/",
            {"oldpassword": PASSWORD, "password1": new, "password2": new},
        )

        assert client.get("/dashboard/calls/").status_code == 200
        assert other.get("/dashboard/calls/")["Location"].startswith(LOGIN)

    def test_stores_the_new_one(self, client: Client) -> None:
        user = make_user()
        client.force_login(user)
        new = "nine loud otters run"
        given = {"oldpassword": PASSWORD, "password1": new, "password2": new}

        page = client.post("/accounts/password/change/", given, follow=True).content.decode()

        assert "Your password is changed." in page
        assert User.objects.get(pk=user.pk).check_password(new)

    def test_refuses_a_short_one(self, client: Client) -> None:
        client.force_login(make_user())
        given = {"oldpassword": PASSWORD, "password1": "short", "password2": "short"}

        page = client.post("/accounts/password/change/", given).content.decode()

        assert "at least 12 characters" in page


class TestDoorsThatAreNotThere:
    @pytest.mark.parametrize(
        "path",
        [
            "signup/",
            "confirm-email/",
            "confirm-email/abc/",
            "inactive/",
            "email/",
            "password/set/",
            "social/signup/",
            "3rdparty/",
        ],
    )
    @pytest.mark.parametrize("method", ["get", "post"])
    def test_nobody_can_sign_up_or_confirm(self, client: Client, path: str, method: str) -> None:
        assert getattr(client, method)(f"/accounts/{path}").status_code == 404

    @pytest.mark.parametrize("name", ["account_signup", "account_inactive", "account_email"])
    def test_their_names_lead_nowhere(self, name: str) -> None:
        with pytest.raises(NoReverseMatch):
            reverse(name)
