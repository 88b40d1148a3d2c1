"""The pages in a real browser: access, content policy, width, in both schemes and three sizes."""

from datetime import timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page

from tests.dashboard.rows import (
    add_turn,
    make_call,
    make_nurse,
    make_patient,
    make_visit,
    make_whole_call,
)
from voice.models import CallLog

SIZES = [(1440, 900), (768, 1024), (375, 812)]
SCHEMES = ["light", "dark"]
# Without preload axe does not fetch the style sheets again, which would look for their imports beside the page.
AXE = {"resultTypes": ["violations"], "preload": False}
# A page just opened may draw its first frame before the emulated colour scheme has reached it.
SETTLED = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
LONG_NAME = ("Maximiliana-Konstantina", "Wolfeschlegelsteinhausenberger")


def fill_the_clinic() -> CallLog:
    """Store rows of every look, and return the call that has everything."""
    ana, samuel = make_nurse(sample=True), make_nurse("Samuel", "Oakhurst")
    ida = make_patient()
    soon = timezone.now().replace(second=0, microsecond=0) + timedelta(hours=30)
    visit = make_visit(ida, ana, soon, reason="Wound check, left leg", source="voice")
    make_visit(
        make_patient(*LONG_NAME, phone="+12025550133"),
        samuel,
        soon,
        status="arrived",
        source="dashboard",
        attendance_confirmed_at=soon - timedelta(days=1),
    )
    for number, status in enumerate(("fulfilled", "noshow", "entered-in-error"), start=1):
        make_visit(ida, ana, soon - timedelta(days=number + 2), status=status, source="sms")
    states = {
        "in_progress": "",
        "failed": "failed",
        "no_answer": "",
        "busy": "",
        "overflow": "",
        "completed": "message_taken",
    }
    for status, outcome in states.items():
        make_call(status=status, outcome=outcome, from_number="+442079460182", duration_s=None)
    make_call(make_patient(*LONG_NAME), outcome="emergency", direction="outbound")
    call = make_whole_call(ida, visit, started_at=timezone.now(), ended_at=timezone.now())
    add_turn(call, 6, "caller", "Sí, perfecto.", language="es")
    add_turn(call, 7, "caller", "", transcribed=False)
    add_turn(call, 8, "assistant", "x" * 300)
    return call


def has_no_sideways_scroll(page: Page) -> bool:
    return bool(
        page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        )
    )


def check(page: Page, name: str, pictures: Path | None) -> None:
    """Hold the page to the bar: no axe violation, no sideways scroll."""
    page.evaluate(SETTLED)
    if pictures:
        page.screenshot(path=str(pictures / f"{name}.png"), full_page=True)
    results = Axe().run(page, options=AXE)
    assert not results.response["violations"], f"{name}: {results.generate_report()}"
    assert has_no_sideways_scroll(page)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: str(size[0]))
class TestPages:
    def test_hold_in_every_size_and_scheme(
        self, signed_in: Page, size: tuple[int, int], scheme: str, pictures: Path | None
    ) -> None:
        page = signed_in
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        check(page, f"calls-empty-{size[0]}-{scheme}", pictures)
        call = fill_the_clinic()
        addresses = {
            "calls": "/dashboard/calls/",
            "calls-none": "/dashboard/calls/?outcome=spam",
            "call": f"/dashboard/calls/{call.pk}/",
            "appointments": "/dashboard/appointments/",
            "appointments-past": "/dashboard/appointments/?tab=past",
            "password": "/accounts/password/change/",
            "sessions": "/accounts/sessions/",
            "reauthenticate": "/accounts/reauthenticate/",
            "recovery-codes": "/accounts/recovery-codes/",
        }

        for name, address in addresses.items():
            page.goto(address)
            if name == "call":
                page.locator("details").evaluate_all(
                    "all => all.forEach((one) => (one.open = true))"
                )
            check(page, f"{name}-{size[0]}-{scheme}", pictures)

    def test_login_holds_in_every_size_and_scheme(
        self, page: Page, size: tuple[int, int], scheme: str, pictures: Path | None
    ) -> None:
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        page.goto("/accounts/login/")
        check(page, f"login-{size[0]}-{scheme}", pictures)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_text("There is a problem").wait_for()
        check(page, f"login-problem-{size[0]}-{scheme}", pictures)


@pytest.mark.parametrize("width", [320, 360, 1024, 1920])
class TestWidths:
    def test_never_scroll_sideways(self, signed_in: Page, width: int) -> None:
        page = signed_in
        page.set_viewport_size({"width": width, "height": 900})
        call = fill_the_clinic()

        for address in ("", f"{call.pk}/", "../appointments/"):
            page.goto(f"/dashboard/calls/{address}")
            assert has_no_sideways_scroll(page), address


class TestErrorPages:
    def test_hold_too(self, signed_in: Page, pictures: Path | None) -> None:
        page = signed_in
        other = page.context.new_page()
        other.goto("/dashboard/nowhere/")

        check(other, "not-found", pictures)
