"""The pages on which administrators run accounts."""

from typing import Any

import pytest
from django.core import mail
from django.test import Client

from accounts.models import AuditEvent, User
from tests.dashboard.rows import make_user

pytestmark = pytest.mark.django_db
LIST = "/dashboard/users/"


@pytest.fixture
def chief(client: Client) -> User:
    user = make_user("chief", "admin", first_name="Robin", last_name="Sedgemoor")
    client.force_login(user)
    return user


@pytest.fixture
def sam() -> User:
    return make_user("sam", "scheduler", first_name="Sam", last_name="Ashgrove")


def shown(client: Client, address: str = LIST) -> str:
    return client.get(address).content.decode()


def page_of(user: User, act: str = "") -> str:
    return f"{LIST}{user.pk}/{act}"


@pytest.mark.usefixtures("chief")
class TestTheList:
    def test_shows_who_can_sign_in_and_how(self, client: Client, sam: User) -> None:
        make_user("gone", "nurse", first_name="Gone", is_active=False)

        page = shown(client)

        assert "Sam Ashgrove" in page
        assert "Robin Sedgemoor (you)" in page
        assert "App not set up" in page
        assert "Deactivated" in page

    def test_says_what_each_role_may_do_from_the_policy_itself(self, client: Client) -> None:
        abilities = dict(client.get(LIST).context["abilities"])

        assert abilities["Listen to recordings"] == ["Yes", "No", "No"]
        assert abilities["See patients"] == ["Yes", "Yes", "Own"]

    def test_takes_as_many_queries_for_many_as_for_one(
        self, client: Client, django_assert_max_num_queries: Any
    ) -> None:
        with django_assert_max_num_queries(30) as few:
            client.get(LIST)
        for number in range(10):
            make_user(f"user{number}", "nurse")

        with django_assert_max_num_queries(30) as many:
            client.get(LIST)

        assert len(few) == len(many)


@pytest.mark.usefixtures("chief")
class TestARole:
    def test_is_changed_and_recorded(self, client: Client, sam: User) -> None:
        page = client.post(page_of(sam, "role/"), {"role": "nurse"}, follow=True).content.decode()

        sam.refresh_from_db()
        assert sam.role == "nurse"
        assert "Sam Ashgrove has the role of nurse now." in page
        event = AuditEvent.objects.get(action="user.role_changed")
        assert (event.object_id, event.reason) == (str(sam.pk), "scheduler to nurse")

    def test_of_ones_own_is_nobodys_to_change(self, client: Client, chief: User) -> None:
        response = client.post(page_of(chief, "role/"), {"role": "nurse"})

        chief.refresh_from_db()
        assert response.status_code == 403
        assert chief.role == "admin"
        assert 'name="role"' not in shown(client, page_of(chief))

    def test_that_does_not_exist_changes_nothing(self, client: Client, sam: User) -> None:
        client.post(page_of(sam, "role/"), {"role": "root"})

        sam.refresh_from_db()
        assert sam.role == "scheduler"

    def test_brings_nothing_else_along_s27(self, client: Client, sam: User) -> None:
        sent = {
            "role": "nurse",
            "is_staff": "1",
            "is_superuser": "1",
            "username": "x",
            "email": "x@x",
        }

        client.post(page_of(sam, "role/"), sent)

        sam.refresh_from_db()
        assert (sam.is_staff, sam.is_superuser, sam.username, sam.email) == (
            False,
            False,
            "sam",
            "",
        )


class TestSomebodyElsesSession:
    """S28: what changes for a person counts from their next request on."""

    def test_has_the_new_role_at_once_s28(self, client: Client, chief: User, sam: User) -> None:
        theirs = Client()
        theirs.force_login(sam)
        make_user("other", "admin")
        client.post(page_of(sam, "role/"), {"role": "admin"})
        opened = theirs.get(LIST).status_code
        client.post(page_of(sam, "role/"), {"role": "scheduler"})

        assert (opened, theirs.get(LIST).status_code) == (200, 403)

    def test_ends_with_the_account_s28(self, client: Client, chief: User, sam: User) -> None:
        theirs = Client()
        theirs.force_login(sam)
        client.post(page_of(sam, "deactivation/"))

        response = theirs.get("/dashboard/calls/")

        assert response["Location"].startswith("/accounts/login/")

    def test_is_not_opened_by_flags(self, sam: User) -> None:
        User.objects.filter(pk=sam.pk).update(is_staff=True, is_superuser=True)
        theirs = Client()
        theirs.force_login(sam)

        assert theirs.get("/admin/").status_code == 403
        assert theirs.get(LIST).status_code == 403
        assert "Emergency access" not in shown(theirs, "/dashboard/calls/")


@pytest.mark.usefixtures("chief")
class TestAnAccount:
    @pytest.mark.parametrize("act", ["deactivation/", "second-factor-reset/"])
    def test_is_asked_about_before_anything_happens(
        self, client: Client, sam: User, act: str
    ) -> None:
        page = shown(client, page_of(sam, act))

        sam.refresh_from_db()
        assert "Sam Ashgrove?" in page
        assert sam.is_active

    def test_is_deactivated_and_reactivated(self, client: Client, sam: User) -> None:
        client.post(page_of(sam, "deactivation/"))
        closed = User.objects.get(pk=sam.pk).is_active
        client.post(page_of(sam, "reactivation/"))

        assert (closed, User.objects.get(pk=sam.pk).is_active) == (False, True)
        assert AuditEvent.objects.filter(action="user.deactivated").exists()
        assert AuditEvent.objects.filter(action="user.reactivated").exists()

    @pytest.mark.parametrize("act", ["second-factor-reset/", "unlocking/"])
    def test_gets_its_way_back_in(self, client: Client, sam: User, act: str) -> None:
        response = client.post(page_of(sam, act))

        assert response["Location"] == page_of(sam)

    @pytest.mark.parametrize("act", ["deactivation/", "second-factor-reset/", "unlocking/"])
    def test_of_ones_own_is_left_alone(self, client: Client, chief: User, act: str) -> None:
        assert client.post(page_of(chief, act)).status_code == 403


@pytest.mark.usefixtures("chief")
class TestAnInvitation:
    GIVEN = {
        "first_name": "Sage",
        "last_name": "Underhill",
        "email": "sage@clinic.example",
        "username": "sage",
        "role": "scheduler",
    }

    def test_makes_an_account_without_a_password_and_sends_a_link(self, client: Client) -> None:
        page = client.post(f"{LIST}invitation/", self.GIVEN, follow=True).content.decode()

        sage = User.objects.get(username="sage")
        assert not sage.has_usable_password()
        assert mail.outbox[0].to == ["sage@clinic.example"]
        assert "Sage Underhill is invited by e-mail." in page

    def test_takes_no_flags_s27(self, client: Client) -> None:
        client.post(f"{LIST}invitation/", self.GIVEN | {"is_superuser": "1", "is_staff": "on"})

        sage = User.objects.get(username="sage")
        assert (sage.is_staff, sage.is_superuser) == (False, False)

    @pytest.mark.parametrize(
        ("field", "value"),
        [("email", "nowhere"), ("username", "CHIEF"), ("role", "root"), ("first_name", "")],
    )
    def test_says_what_is_wrong(self, client: Client, field: str, value: str) -> None:
        page = client.post(f"{LIST}invitation/", self.GIVEN | {field: value}).content.decode()

        assert "There is a problem" in page
        assert not User.objects.filter(email="sage@clinic.example").exists()


class TestTheCalls:
    def test_say_whose_they_are(self, client: Client) -> None:
        client.force_login(make_user("ana", "nurse"))
        own = shown(client, "/dashboard/calls/")
        client.force_login(make_user("robin", "scheduler"))

        assert "The calls of your patients." in own
        assert "Every call that the assistant" in shown(client, "/dashboard/calls/")


class TestTheMenu:
    @pytest.mark.parametrize(
        ("role", "places"),
        [
            ("admin", {"/dashboard/users/", "/dashboard/emergency/", "/admin/"}),
            ("scheduler", set()),
            ("nurse", set()),
        ],
    )
    def test_leads_only_where_the_role_may_go(
        self, client: Client, role: str, places: set[str]
    ) -> None:
        client.force_login(make_user("somebody", role))

        page = shown(client, "/dashboard/calls/")

        linked = {"/dashboard/users/", "/dashboard/emergency/", "/admin/"}
        assert {place for place in linked if f'href="{place}"' in page} == places
        assert 'href="/dashboard/calls/"' in page
