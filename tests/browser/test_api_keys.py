"""The pages of API keys in a real browser: no violation, no sideways scroll, in every look; a key made by hand."""

from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from accounts.models import ApiKey, User
from accounts.permissions import Scope
from accounts.sign_in import clock
from tests.accounts.test_api_keys import ask, make_key
from tests.browser.test_pages import LONG_NAME, SCHEMES, SIZES
from tests.browser.test_users import check, sign_in
from tests.dashboard.rows import make_user

LIST = "/dashboard/api-keys/"


@pytest.fixture
def chief(transactional_db: None) -> User:
    """Store an administrator, and keys of every look."""
    now = clock.now()
    make_key(name="Reporting", networks=["192.0.2.0/24", "2001:db8::/32"])
    make_key(name=" ".join(LONG_NAME), scopes=tuple(scope.value for scope in Scope))
    make_key(name="Old portal", days=1, now=now - timedelta(days=2))
    lost, _ = make_key(name="Lost")
    ApiKey.objects.filter(pk=lost.pk).update(revoked_at=now, last_used_at=now)
    return make_user("robin", "admin", first_name="Robin", last_name="Sedgemoor")


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", SIZES)
class TestPagesOfKeys:
    def test_are_accessible_and_fit(
        self,
        page: Page,
        context: BrowserContext,
        site: str,
        chief: User,
        size: tuple[int, int],
        scheme: str,
        pictures: Path | None,
    ) -> None:
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        sign_in(context, site, chief)
        look = f"{size[0]}-{scheme}"
        page.goto(LIST)
        check(page, pictures, f"keys-{look}")
        page.goto(f"{LIST}creation/")
        check(page, pictures, f"keys-creation-{look}")
        page.get_by_role("button", name="Make the key").click()
        expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
        check(page, pictures, f"keys-problem-{look}")
        page.goto(f"{LIST}{ApiKey.objects.get(name='Reporting').pk}/revocation/")
        check(page, pictures, f"keys-revocation-{look}")


class TestAKey:
    def test_is_made_copied_and_revoked_by_hand(
        self, page: Page, context: BrowserContext, site: str, chief: User, pictures: Path | None
    ) -> None:
        sign_in(context, site, chief)
        page.goto(LIST)
        page.get_by_role("link", name="Make a key").click()
        page.get_by_role("textbox", name="Name").fill("Patient portal")
        page.get_by_label("Read patients").check()
        page.get_by_role("button", name="Make the key").click()
        text = page.get_by_label("Key", exact=True).input_value()
        check(page, pictures, "keys-made")
        made = ask(text).status_code
        page.get_by_role("link", name="I have copied it").click()
        page.get_by_role("link", name="Revoke Patient portal").click()
        page.get_by_role("button", name="Revoke").click()
        expect(page.get_by_text("The key Patient portal is revoked.")).to_be_visible()

        assert (made, ask(text).status_code) == (200, 401)
