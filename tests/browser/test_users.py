"""The pages of accounts and of emergency access in a real browser: no violation, no sideways scroll, in every look."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import BrowserContext, Page

from accounts.models import EmergencyAccess, SignInCounter, User
from accounts.sign_in import clock, lockout
from tests.browser import test_pages
from tests.browser.test_pages import LONG_NAME, SCHEMES, SIZES
from tests.dashboard.rows import make_nurse, make_patient, make_user

REASON = "The nurse on call must know about the allergy before the visit at noon"


@pytest.fixture
def people(transactional_db: None) -> dict[str, User]:
    """Store accounts of every look, and a record that is open."""
    chief = make_user("robin", "admin", first_name="Robin", last_name="Sedgemoor")
    ana = make_user("ana", "nurse", first_name="Ana", last_name="Reyes", email="ana@clinic.example")
    make_nurse(user=ana)
    locked = make_user("sam", "scheduler", first_name="Sam", last_name="Ashgrove")
    SignInCounter.objects.create(
        key=lockout.account_limit("sam").key,
        locked_until=clock.now() + timedelta(minutes=15),
        last_at=clock.now(),
    )
    make_user("gone", "nurse", first_name="Sage", last_name="Underhill", is_active=False)
    make_user("long", first_name=LONG_NAME[0], last_name=LONG_NAME[1])
    EmergencyAccess.objects.create(
        user=ana,
        patient_id=make_patient().pk,
        opened_by=chief,
        reason=REASON,
        opened_at=clock.now(),
        expires_at=clock.now() + timedelta(minutes=30),
    )
    return {"chief": chief, "nurse": ana, "locked": locked}


def sign_in(context: BrowserContext, site: str, user: User) -> None:
    """Give the browser a session that has both factors."""
    client = Client()
    client.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": site}])


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: str(size[0]))
class TestPagesOfAccounts:
    def test_are_accessible_and_fit(
        self,
        page: Page,
        context: BrowserContext,
        site: str,
        people: dict[str, User],
        size: tuple[int, int],
        scheme: str,
        pictures: Path | None,
    ) -> None:
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        sign_in(context, site, people["chief"])
        locked = f"/dashboard/users/{people['locked'].pk}/"
        addresses = {
            "users": "/dashboard/users/",
            "person": locked,
            "self": f"/dashboard/users/{people['chief'].pk}/",
            "deactivation": f"{locked}deactivation/",
            "invitation": "/dashboard/users/invitation/",
            "emergency": "/dashboard/emergency/",
        }
        for name, address in addresses.items():
            page.goto(address)
            check(page, pictures, f"{name}-{size[0]}-{scheme}")
        page.get_by_role("searchbox").fill("ida")
        page.get_by_role("button", name="Find").click()
        page.get_by_label("Reason").wait_for()
        check(page, pictures, f"emergency-found-{size[0]}-{scheme}")
        sign_in(context, site, people["nurse"])
        page.goto("/dashboard/calls/")
        check(page, pictures, f"banner-{size[0]}-{scheme}")


def check(page: Page, pictures: Path | None, name: str) -> None:
    """Hold a page of accounts to the same bar as all others."""
    test_pages.check(page, name, pictures)
