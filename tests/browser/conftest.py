"""
A real browser against a real server, with the static files as production serves them: collected, under hashed names.

Playwright's synchronous interface keeps an event loop in this thread, so the ORM is told that this is meant; the
browser is closed after the last test of this package, because asyncio tests cannot run beside that loop.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.test.utils import override_settings
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from tests.dashboard.rows import PASSWORD, make_user
from tests.sign_in import code, enrol

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="package")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Collect the static files once, as `make serve` does, and serve those."""
    folder = tmp_path_factory.mktemp("static") / "served"
    storages = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "carematix.storage.HashedStaticStorage"},
    }
    with override_settings(STATIC_ROOT=str(folder), STORAGES=storages):
        call_command("collectstatic", interactive=False, verbosity=0)
        yield


@pytest.fixture(scope="package")
def site(collected: None, live_server: LiveServer) -> str:
    """Return the address of the running server."""
    return str(live_server.url)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if not found:
        pytest.fail("Chromium is missing: apt-get install chromium")
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
            yield browser
            browser.close()
    finally:
        if before is None:
            del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
        else:
            os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = before


class Watch:
    """What must not happen on a page: an error in a script, a refused resource, a request that failed."""

    def __init__(self, page: Page) -> None:
        self.faults: list[str] = []
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("console", self._console)
        page.on("response", self._response)
        page.add_init_script(
            "addEventListener('securitypolicyviolation', (event) => "
            "console.error('policy: ' + event.violatedDirective + ' ' + event.blockedURI))"
        )

    def _console(self, message: Any) -> None:
        if message.type == "error":
            self.faults.append(f"console: {message.text}")

    def _response(self, response: Any) -> None:
        if response.status >= 400:
            self.faults.append(f"{response.status}: {response.url}")


@pytest.fixture
def context(chromium: Browser, site: str) -> Iterator[BrowserContext]:
    """Return a fresh browser profile that knows the site's address."""
    cache.clear()  # failed logins of other tests
    context = chromium.new_context(
        base_url=site, viewport={"width": 1440, "height": 900}, reduced_motion="reduce"
    )
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, transactional_db: None) -> Iterator[Page]:
    """Return a page that fails the test when a script breaks or the content policy refuses something (S38)."""
    page = context.new_page()
    watch = Watch(page)
    yield page
    assert watch.faults == []


@pytest.fixture
def robin(transactional_db: None) -> User:
    return enrol(make_user("robin", first_name="Robin", last_name="Sedgemoor"))


@pytest.fixture
def signed_in(page: Page, robin: User) -> Page:
    """Return a page after Robin, a scheduler, signed in through the form."""
    come_in(page)
    page.wait_for_url("**/dashboard/calls/")
    return page


def come_in(page: Page) -> None:
    """Sign Robin in through both forms."""
    page.goto("/accounts/login/")
    page.get_by_label("Username").fill("robin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Code").fill(code())
    page.get_by_role("button", name="Sign in").click()


@pytest.fixture
def pictures() -> Path | None:
    """Return the folder for pictures of the pages, if PICTURES names one; people look at them."""
    named = os.environ.get("PICTURES")
    if named:
        Path(named).mkdir(parents=True, exist_ok=True)
    return Path(named) if named else None
