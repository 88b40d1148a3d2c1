"""The way in, in a real browser: enrolment, recovery codes, links by mail, and the warning before a session ends."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from accounts.models import User
from accounts.sign_in import clock, reset_mail
from tests.browser.conftest import come_in
from tests.browser.test_pages import SCHEMES, SIZES, check
from tests.dashboard.rows import PASSWORD, make_user
from tests.sign_in import code


def give_password(page: Page, username: str) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: str(size[0]))
class TestTheWayIn:
    def test_holds_at_every_step(
        self, page: Page, robin: User, size: tuple[int, int], scheme: str, pictures: Path | None
    ) -> None:
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        make_user("sam")
        look = f"{size[0]}-{scheme}"

        give_password(page, "robin")
        page.get_by_label("Code").fill("000000")
        page.get_by_role("button", name="Sign in").click()
        page.get_by_text("There is a problem").wait_for()
        check(page, f"code-{look}", pictures)
        give_password(page, "sam")
        page.get_by_role("heading", name="Set up two-step sign-in").wait_for()
        check(page, f"enrol-{look}", pictures)
        secret = (page.locator("#secret").text_content() or "").replace(" ", "")
        page.get_by_label("Code").fill(code(secret=secret))
        page.get_by_role("button", name="Confirm").click()
        page.get_by_role("heading", name="Your recovery codes").wait_for()
        check(page, f"recovery-codes-made-{look}", pictures)
        page.get_by_role("link", name="Continue").click()
        page.wait_for_url("**/dashboard/calls/")

    def test_holds_for_who_forgot_the_password(
        self, page: Page, robin: User, size: tuple[int, int], scheme: str, pictures: Path | None
    ) -> None:
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        path = reset_mail.link_for(robin).partition("/accounts/")[2]
        look = f"{size[0]}-{scheme}"

        page.goto("/accounts/password/reset/")
        check(page, f"forgotten-{look}", pictures)
        page.get_by_label("Email").fill("robin@clinic.example")
        page.get_by_role("button", name="Send the link").click()
        page.get_by_role("heading", name="Look into your mail").wait_for()
        check(page, f"forgotten-sent-{look}", pictures)
        page.goto(f"/accounts/{path}")
        check(page, f"choose-password-{look}", pictures)
        page.goto(f"/accounts/{path}".replace("-", "-x"))
        check(page, f"link-ended-{look}", pictures)


class TestTheWarning:
    def warn(self, page: Page, monkeypatch: pytest.MonkeyPatch, **passed: float) -> None:
        """Let time pass for the server, and have the page look."""
        later = clock.now() + timedelta(**passed)
        monkeypatch.setattr(clock, "now", lambda: later)
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    def test_asks_after_thirteen_minutes_and_stays_on_request_s31(
        self, signed_in: Page, monkeypatch: pytest.MonkeyPatch, pictures: Path | None
    ) -> None:
        self.warn(signed_in, monkeypatch, minutes=13)
        box = signed_in.get_by_role("dialog", name="Are you still there?")
        expect(box).to_be_visible()
        check(signed_in, "session-warning", pictures)

        box.get_by_role("button", name="Stay signed in").click()

        expect(box).to_be_hidden()
        self.warn(signed_in, monkeypatch, minutes=12)
        signed_in.reload()
        expect(signed_in.get_by_role("heading", name="Calls", level=1)).to_be_visible()

    def test_says_nothing_while_another_tab_is_used(
        self, signed_in: Page, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other = signed_in.context.new_page()
        later = clock.now() + timedelta(minutes=12)
        monkeypatch.setattr(clock, "now", lambda: later)
        other.goto("/dashboard/appointments/")

        with signed_in.expect_response("**/accounts/session/"):
            self.warn(signed_in, monkeypatch, minutes=1)

        expect(signed_in.get_by_role("dialog")).to_be_hidden()

    def test_clears_the_page_when_the_session_is_over_s31(
        self, robin: User, page: Page, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other = (
            page.context.new_page()
        )  # the 401 that ends it is meant, so nobody watches this page
        come_in(other)
        other.wait_for_url("**/dashboard/calls/")
        later = clock.now() + timedelta(minutes=15)
        monkeypatch.setattr(clock, "now", lambda: later)

        other.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

        other.wait_for_url("**/accounts/login/?next=*")
        expect(other.get_by_text("You were signed out.")).to_be_visible()


class TestSessionsPage:
    def test_ends_another_session(
        self, signed_in: Page, robin: User, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        later = clock.now() + timedelta(seconds=30)
        monkeypatch.setattr(clock, "now", lambda: later)
        client.post("/accounts/login/", {"login": "robin", "password": PASSWORD})
        client.post("/accounts/login/code/", {"code": code(later)})
        signed_in.goto("/accounts/sessions/")

        signed_in.get_by_role("button", name="Sign out on").click()

        expect(signed_in.get_by_text("Signed out there.")).to_be_visible()
        expect(signed_in.get_by_role("button", name="Sign out on")).to_have_count(0)
