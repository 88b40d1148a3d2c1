"""What people do on the pages: by keyboard, with script and without it."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from accounts.models import User
from tests.browser.conftest import come_in
from tests.dashboard.rows import (
    PASSWORD,
    make_call,
    make_nurse,
    make_patient,
    make_visit,
    make_whole_call,
)
from tests.sign_in import code
from voice.models import CallLog


def make_many_calls(number: int) -> None:
    patient = make_patient()
    CallLog.objects.bulk_create(
        CallLog(call_sid=f"CA{n}", account_sid="AC", patient=patient, status="completed")
        for n in range(number)
    )


class TestLogin:
    def test_by_keyboard_alone(self, page: Page, robin: User) -> None:
        page.goto("/accounts/login/")
        page.keyboard.press("Tab")  # the brand
        page.keyboard.press("Tab")
        page.keyboard.type("robin")
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/login/code/")
        page.keyboard.press("Tab")  # the brand
        page.keyboard.press("Tab")
        page.keyboard.type(code())
        page.keyboard.press("Enter")

        page.wait_for_url("**/dashboard/calls/")
        expect(page.get_by_role("heading", name="Calls", level=1)).to_be_visible()

    def test_takes_the_focus_to_what_is_wrong(self, page: Page, robin: User) -> None:
        page.goto("/accounts/login/")
        page.get_by_label("Username").fill("robin")
        page.get_by_label("Password").fill("wrong")
        page.keyboard.press("Enter")

        summary = page.get_by_role("group", name="There is a problem")
        expect(summary).to_be_focused()
        summary.get_by_role("link").first.click()
        expect(page.get_by_label("Username")).to_be_focused()

    def test_and_out_again_from_the_menu(self, signed_in: Page) -> None:
        signed_in.get_by_role("button", name="Your account").click()
        signed_in.get_by_role("button", name="Sign out").click()

        signed_in.wait_for_url("**/accounts/login/")
        expect(signed_in.get_by_text("You are signed out.")).to_be_visible()


class TestShell:
    def test_the_first_tab_stop_skips_to_the_content(self, signed_in: Page) -> None:
        signed_in.reload()
        signed_in.keyboard.press("Tab")
        expect(signed_in.get_by_role("link", name="Skip to main content")).to_be_focused()
        signed_in.keyboard.press("Enter")

        signed_in.keyboard.press("Tab")
        expect(signed_in.get_by_role("link", name="All", exact=True)).to_be_focused()

    def test_the_theme_changes_at_once_and_stays(self, signed_in: Page) -> None:
        signed_in.get_by_role("button", name="Appearance").click()
        signed_in.get_by_role("button", name="Dark").click()

        html = signed_in.locator("html")
        expect(html).to_have_attribute("data-theme", "dark")
        signed_in.reload()
        expect(html).to_have_attribute("data-theme", "dark")
        assert (
            'html lang="en" data-theme="dark"' in signed_in.request.get("/dashboard/calls/").text()
        )

    def test_phones_have_the_menu_as_a_drawer(self, signed_in: Page) -> None:
        signed_in.set_viewport_size({"width": 375, "height": 812})
        signed_in.get_by_role("button", name="Menu", exact=True).click()
        menu = signed_in.get_by_role("navigation", name="Main")
        menu.get_by_role("link", name="Appointments").click()

        signed_in.wait_for_url("**/dashboard/appointments/")


class TestLists:
    def test_a_search_swaps_the_list_and_leaves_the_address_alone_s53(
        self, signed_in: Page
    ) -> None:
        make_call(make_patient())
        make_call(make_patient("Tobias", "Quill"))
        signed_in.reload()
        search = signed_in.get_by_role("searchbox")
        search.fill("Fernwood")
        search.press("Enter")

        expect(signed_in.get_by_role("link", name="Tobias Quill")).to_have_count(0)
        expect(signed_in.get_by_role("link", name="Ida Fernwood")).to_be_visible()
        expect(search).to_be_focused()
        expect(search).to_have_value("Fernwood")
        assert signed_in.url.endswith("/dashboard/calls/")
        assert "Fernwood" not in signed_in.title()

    def test_a_choice_takes_effect_at_once_and_gets_an_address(self, signed_in: Page) -> None:
        make_call(make_patient(), outcome="spam")
        make_call(make_patient("Tobias", "Quill"), outcome="booked")
        signed_in.reload()
        signed_in.get_by_label("Outcome").focus()
        signed_in.get_by_label("Outcome").select_option("spam")

        expect(signed_in.get_by_role("link", name="Tobias Quill")).to_have_count(0)
        expect(signed_in.get_by_label("Outcome")).to_be_focused()
        expect(signed_in).to_have_url(re.compile(r"/calls/\?tab=all&outcome=spam$"))
        signed_in.go_back()
        expect(signed_in.get_by_role("link", name="Tobias Quill")).to_be_visible()

    def test_what_is_shown_is_said_aloud(self, signed_in: Page) -> None:
        make_many_calls(30)
        signed_in.reload()
        signed_in.get_by_role("link", name="Next page").click()

        expect(signed_in.get_by_role("status")).to_have_text("Showing 26 to 30 of 30")

    def test_turning_the_page_of_a_search_keeps_the_search(self, signed_in: Page) -> None:
        make_many_calls(30)
        make_call(make_patient("Tobias", "Quill"))
        signed_in.reload()
        signed_in.get_by_role("searchbox").fill("Fernwood")
        signed_in.keyboard.press("Enter")
        signed_in.get_by_role("button", name="Next page").click()

        expect(signed_in.get_by_text("Showing 26 to 30 of 30").first).to_be_visible()
        assert "Fernwood" not in signed_in.url

    def test_a_lost_server_is_explained_and_the_list_stays(self, signed_in: Page) -> None:
        make_many_calls(30)
        signed_in.reload()
        signed_in.evaluate(
            "() => { window.fetch = () => Promise.reject(new TypeError('offline')) }"
        )
        signed_in.get_by_role("link", name="Next page").click()

        expect(signed_in.get_by_role("status")).to_contain_text("Phone calls are not affected")
        expect(signed_in.get_by_text("Showing 1 to 25 of 30")).to_be_visible()

    def test_the_whole_row_leads_to_the_call(self, signed_in: Page) -> None:
        call = make_whole_call(make_patient())
        signed_in.reload()
        signed_in.get_by_role("row", name="Ida Fernwood").get_by_text("1:28").click(force=True)

        signed_in.wait_for_url(f"**/dashboard/calls/{call.pk}/")


class TestCallPage:
    def test_tool_calls_unfold_by_keyboard(self, signed_in: Page) -> None:
        call = make_whole_call(make_patient())
        signed_in.goto(f"/dashboard/calls/{call.pk}/")
        signed_in.locator("summary", has_text="Looked up free times").focus()
        signed_in.keyboard.press("Enter")

        expect(signed_in.get_by_label("Arguments of find_slots")).to_contain_text("thursday")


class TestWithoutScript:
    @pytest.fixture
    def plain(self, chromium: Browser, site: str, robin: User) -> Page:
        context = chromium.new_context(base_url=site, java_script_enabled=False)
        page = context.new_page()
        come_in(page)
        return page

    def test_everything_works(self, plain: Page) -> None:
        patient = make_patient()
        soon = timezone.now().replace(second=0, microsecond=0) + timedelta(hours=30)
        call = make_whole_call(patient, make_visit(patient, make_nurse(), soon))
        make_call(make_patient("Tobias", "Quill"), outcome="spam")
        plain.goto("/dashboard/calls/")
        plain.get_by_label("Outcome").select_option("booked")
        plain.get_by_role("searchbox").fill("Ida")
        plain.get_by_role("button", name="Show").click()
        expect(plain.get_by_role("row")).to_have_count(2)
        plain.get_by_role("link", name="Ida Fernwood").click()
        expect(plain).to_have_url(f"{plain.url.split('/dashboard')[0]}/dashboard/calls/{call.pk}/")
        plain.get_by_role("button", name="Appearance").click()
        plain.get_by_role("button", name="Dark").click()
        expect(plain.locator("html")).to_have_attribute("data-theme", "dark")
        plain.get_by_role("link", name="Appointments").first.click()
        expect(plain.get_by_text("Ana Reyes").last).to_be_visible()
        plain.get_by_role("button", name="Your account").click()
        plain.get_by_role("button", name="Sign out").click()
        expect(plain.get_by_text("You are signed out.")).to_be_visible()
