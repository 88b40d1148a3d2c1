"""The API's documentation: complete on the page, from our own files, within the content policy (S38)."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

ADDRESS = "/api/docs/"
SIZES = {"wide": (1440, 900), "narrow": (375, 800)}


@pytest.mark.parametrize("size", SIZES)
class TestTheDocumentation:
    def test_shows_every_resource_and_asks_nobody_else(
        self, signed_in: Page, site: str, size: str, pictures: Path | None
    ) -> None:
        asked: list[str] = []
        signed_in.on("request", lambda request: asked.append(request.url))
        width, height = SIZES[size]
        signed_in.set_viewport_size({"width": width, "height": height})

        signed_in.goto(ADDRESS)

        expect(signed_in.get_by_role("heading", name="Carematix")).to_be_visible()
        expect(signed_in.get_by_text("Book a visit.").first).to_be_visible()
        assert [url for url in asked if not url.startswith((site, "data:"))] == []
        fits = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        assert signed_in.evaluate(fits), "the page scrolls sideways"
        if pictures:
            signed_in.screenshot(path=pictures / f"api-docs-{size}.png")

    def test_tries_a_request_with_the_session(
        self, signed_in: Page, site: str, size: str, pictures: Path | None
    ) -> None:
        width, height = SIZES[size]
        signed_in.set_viewport_size({"width": width, "height": height})
        signed_in.goto(ADDRESS)
        operation = signed_in.locator("#operations-me-read_me")

        operation.locator(".opblock-summary-control").click()
        operation.get_by_role("button", name="Try it out").click()
        operation.get_by_role("button", name="Execute").click()

        shown = operation.locator(".live-responses-table .microlight").first
        expect(shown).to_contain_text('"username": "robin"')
        if pictures:
            operation.scroll_into_view_if_needed()
            signed_in.screenshot(path=pictures / f"api-docs-tried-{size}.png")
