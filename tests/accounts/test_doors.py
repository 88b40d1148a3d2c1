"""Addresses that lack their slash."""

from typing import Any

import pytest
from django.test import Client

from tests.dashboard.rows import make_user

pytestmark = pytest.mark.django_db
PAGES = [
    "/dashboard",
    "/dashboard/calls",
    "/dashboard/appointments",
    "/accounts/password/change",
    "/admin",
]


class TestAnAddressWithoutItsSlash:
    @pytest.mark.parametrize("path", PAGES)
    @pytest.mark.parametrize("method", ["get", "head"])
    def test_sends_an_anonymous_person_to_the_login_and_then_on(
        self, client: Client, path: str, method: str
    ) -> None:
        response = getattr(client, method)(path)

        assert (response.status_code, response["Location"]) == (
            302,
            f"/accounts/login/?next={path}/",
        )

    @pytest.mark.parametrize("path", PAGES)
    def test_leads_a_person_who_is_signed_in_to_the_page(self, client: Client, path: str) -> None:
        client.force_login(make_user())

        response = client.get(f"{path}?tab=live")

        assert (response.status_code, response["Location"]) == (301, f"{path}/?tab=live")

    def test_of_the_login_leads_to_the_login(self, client: Client) -> None:
        assert client.get("/accounts/login")["Location"] == "/accounts/login/"

    @pytest.mark.parametrize("debug", [True, False])
    @pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
    @pytest.mark.parametrize("path", [*PAGES, "/accounts/login"])
    def test_takes_nothing_that_is_sent(
        self, client: Client, settings: Any, path: str, method: str, debug: bool
    ) -> None:
        settings.DEBUG = debug

        assert getattr(client, method)(path).status_code == 404

    def test_is_unknown_where_there_is_no_page_with_a_slash_either(self, client: Client) -> None:
        assert client.get("/nowhere").status_code == 404


class TestTheDoorOfTheAdminSite:
    @pytest.mark.parametrize("path", ["/admin/", "/admin/scheduling/patient/", "/admin/nowhere"])
    def test_leads_an_anonymous_person_straight_to_the_login(
        self, client: Client, path: str
    ) -> None:
        assert client.get(path)["Location"] == f"/accounts/login/?next={path}"
