"""How staff come in and leave."""

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import NoReverseMatch, reverse

from accounts.models import User
from tests.dashboard.rows import PASSWORD, make_user

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"


@pytest.fixture(autouse=True)
def _forget_failed_logins() -> None:
    cache.clear()


class TestLogin:
    def test_opens_the_calls(self, client: Client) -> None:
        make_user("robin")

        response = client.post(LOGIN, {"login": "robin", "password": PASSWORD}, follow=True)

        assert response.redirect_chain == [("/", 302), ("/dashboard/calls/", 302)]

    def test_goes_on_where_it_was_asked_for(self, client: Client) -> None:
        make_user("robin")
        given = {"login": "robin", "password": PASSWORD, "next": "/dashboard/appointments/"}

        assert client.post(LOGIN, given)["Location"] == "/dashboard/appointments/"

    def test_never_leads_to_another_site(self, client: Client) -> None:
        make_user("robin")
        given = {"login": "robin", "password": PASSWORD, "next": "https://evil.example/"}

        assert client.post(LOGIN, given)["Location"] == "/"

    @pytest.mark.parametrize("name", ["robin", "nobody"])
    def test_says_the_same_for_a_wrong_password_and_an_unknown_name(
        self, client: Client, name: str
    ) -> None:
        make_user("robin")

        page = client.post(LOGIN, {"login": name, "password": "wrong"}).content.decode()

        assert "There is a problem" in page
        assert "The username or the password is wrong." in page

    def test_never_sends_the_password_back(self, client: Client) -> None:
        page = client.post(
            LOGIN, {"login": "robin", "password": "my secret words"}
        ).content.decode()

        assert "my secret words" not in page

    def test_an_account_that_was_switched_off_stays_out(self, client: Client) -> None:
        make_user("robin", is_active=False)

        response = client.post(LOGIN, {"login": "robin", "password": PASSWORD})

        assert response.status_code == 200
        assert "There is a problem" in response.content.decode()

    def test_begins_a_new_session_s35(self, client: Client) -> None:
        make_user("robin")
        client.get(LOGIN)
        client.session["before"] = "login"
        before = client.session.session_key

        client.post(LOGIN, {"login": "robin", "password": PASSWORD})

        assert client.session.session_key != before

    def test_is_the_only_door_to_the_admin_site(self, client: Client) -> None:
        assert client.get("/admin/login/?next=/admin/")["Location"].startswith(LOGIN)

    def test_a_person_without_staff_status_is_refused_there(self, client: Client) -> None:
        client.force_login(make_user())

        assert client.get("/admin/login/").status_code == 403


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
