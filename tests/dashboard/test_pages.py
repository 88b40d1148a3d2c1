"""What holds for every page: a login, no cache, nothing inline, error pages in the same look."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpResponse, HttpResponseBase
from django.template.loader import get_template
from django.test import Client, RequestFactory
from django.views.defaults import server_error

from scheduling.models import Nurse
from tests.dashboard.rows import make_call, make_nurse, make_user

ROOT = Path(settings.BASE_DIR)
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
PAGES = ["/", "/dashboard/calls/", "/dashboard/appointments/"]
EVENT_HANDLER = re.compile(r"<[^>]*\son[a-z]+\s*=", re.IGNORECASE)


def text(response: HttpResponseBase) -> str:
    assert isinstance(response, HttpResponse)
    return response.content.decode()


@pytest.mark.django_db
class TestEveryPage:
    @pytest.mark.parametrize("path", [*PAGES, "/admin/", "/accounts/password/change/"])
    def test_sends_anonymous_people_to_the_login(self, client: Client, path: str) -> None:
        response = client.get(path, follow=True)

        assert response.redirect_chain[-1][0].startswith("/accounts/login/?next=")

    @pytest.mark.parametrize("path", PAGES[1:])
    def test_refuses_an_anonymous_search(self, client: Client, path: str) -> None:
        assert client.post(path, {"search": "Ida"})["Location"].startswith("/accounts/login/")

    @pytest.mark.parametrize("path", PAGES[1:])
    def test_is_never_stored_by_a_cache_s39(self, client: Client, path: str) -> None:
        client.force_login(make_user())

        assert "no-store" in client.get(path)["Cache-Control"]

    def test_a_call_page_asks_for_a_login_too(self, client: Client) -> None:
        response = client.get(f"/dashboard/calls/{make_call().pk}/")

        assert response["Location"].startswith("/accounts/login/")

    @pytest.mark.parametrize("path", PAGES[1:])
    def test_refuses_a_form_without_its_token_s37(self, path: str) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(make_user())

        response = client.post(path, {"search": "Ida"})

        assert response.status_code == 403
        assert "The form could not be sent" in text(response)

    def test_the_front_door_leads_to_the_calls(self, client: Client) -> None:
        client.force_login(make_user())

        assert client.get("/")["Location"] == "/dashboard/calls/"

    def test_only_staff_of_the_admin_site_are_shown_the_way_there(self, client: Client) -> None:
        client.force_login(make_user())
        without = text(client.get("/dashboard/calls/"))
        client.force_login(make_user("chief", "admin", is_staff=True))

        assert 'href="/admin/"' not in without
        assert 'href="/admin/"' in text(client.get("/dashboard/calls/"))

    def test_says_when_the_people_on_it_are_made_up(self, client: Client) -> None:
        client.force_login(make_user())
        make_nurse()
        before = text(client.get("/dashboard/calls/"))
        Nurse.objects.update(sample=True)

        assert "Sample data" not in before
        assert "Sample data" in text(client.get("/dashboard/calls/"))


@pytest.mark.django_db
class TestTheme:
    def test_is_written_by_the_server_from_the_cookie(self, client: Client) -> None:
        client.force_login(make_user())
        client.post("/dashboard/theme/", {"theme": "dark", "next": "/dashboard/calls/"})

        assert '<html lang="en" data-theme="dark">' in text(client.get("/dashboard/calls/"))

    def test_returns_to_the_page_it_was_chosen_on(self, client: Client) -> None:
        client.force_login(make_user())

        response = client.post(
            "/dashboard/theme/", {"theme": "light", "next": "/dashboard/appointments/"}
        )

        assert response["Location"] == "/dashboard/appointments/"

    @pytest.mark.parametrize("address", ["https://evil.example/", "//evil.example/", ""])
    def test_never_leads_to_another_site(self, client: Client, address: str) -> None:
        client.force_login(make_user())

        assert (
            client.post("/dashboard/theme/", {"theme": "dark", "next": address})["Location"] == "/"
        )

    def test_can_be_left_to_the_device_again(self, client: Client) -> None:
        client.force_login(make_user())
        client.post("/dashboard/theme/", {"theme": "dark"})
        client.post("/dashboard/theme/", {"theme": ""})

        assert '<html lang="en">' in text(client.get("/dashboard/calls/"))

    def test_takes_nothing_else_from_the_cookie(self, client: Client) -> None:
        client.force_login(make_user())
        client.cookies["theme"] = 'dark"onload="x'

        assert '<html lang="en">' in text(client.get("/dashboard/calls/"))


class TestTemplates:
    @pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
    def test_have_nothing_inline_s38(self, path: Path) -> None:
        source = path.read_text(encoding="utf-8")

        assert not re.search(r"\sstyle\s*=", source)
        assert "<style" not in source
        assert not EVENT_HANDLER.search(source)
        assert not re.search(r"<script(?![^>]*\ssrc=)", source)
        assert "javascript:" not in source

    @pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
    def test_name_the_context_of_what_they_include(self, path: Path) -> None:
        for tag in re.findall(r"\{% include .*? %\}", path.read_text(encoding="utf-8")):
            assert tag.endswith(" only %}"), tag


class TestErrorPages:
    def test_need_no_context_at_all(self) -> None:
        for name in ("400.html", "403.html", "403_csrf.html", "404.html", "429.html", "500.html"):
            assert "<h1" in get_template(name).render()

    def test_a_broken_server_says_that_calls_go_on(self) -> None:
        response = server_error(RequestFactory().get("/"))

        assert "Phone calls are not affected" in text(response)


class TestStyles:
    def test_name_colours_in_the_tokens_only(self) -> None:
        colour = re.compile(
            r"#[0-9a-f]{3,8}\b|\b(?:rgba?|hsla?|oklch|oklab|lab|lch)\(", re.IGNORECASE
        )
        for path in sorted((ROOT / "static/css").rglob("*.css")):
            if path.name != "tokens.css":
                assert not colour.search(path.read_text(encoding="utf-8")), path.name

    def test_every_import_of_the_style_sheet_is_there(self) -> None:
        sheet = (ROOT / "static/css/app.css").read_text(encoding="utf-8")
        for address in re.findall(r'@import url\("([^"]+)"\)', sheet):
            name = address.removeprefix("../") if address.startswith("../") else f"css/{address}"
            assert finders.find(name), address

    def test_every_component_is_imported(self) -> None:
        sheet = (ROOT / "static/css/app.css").read_text(encoding="utf-8")
        for path in (ROOT / "static/css/components").glob("*.css"):
            assert f'"components/{path.name}"' in sheet
