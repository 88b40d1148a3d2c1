"""The page of the audit record in a real browser, in every size and scheme."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.audit.sealing import seal_events
from accounts.models import User
from accounts.services import record_event
from tests.browser.test_pages import SCHEMES, SIZES, check

PAGE = "/dashboard/audit/"


def fill_the_record(user: User) -> None:
    """Store events of every look."""
    staff: dict[str, Any] = {"surface": "dashboard", "actor_type": "user", "actor_id": user.pk}
    call: dict[str, Any] = {
        "surface": "call",
        "actor_type": "call",
        "actor_id": "c",
        "request_id": "CA" + "1" * 32,
    }
    patient = "6a4f3f52-0d6f-4f0e-9d3f-0f4a7a3f1c11"
    record_event(action="calls.list", outcome="ok", patient_ids=[patient] * 9, **staff)
    record_event(
        action="patient.changed", outcome="ok", object_type="patient", object_id=patient,
        patient_ids=[patient], address="203.0.113.24", request_id="0f" * 16,
        changes={"phone": ["hash:5f0c2f9e8b1d4a77", None], "preferred_language": ["en", "es"]}, **staff,
    )  # fmt: skip
    record_event(
        action="access.denied", outcome="foreign", object_type="call", object_id=patient, **staff
    )
    record_event(action="find_slots", outcome="ok", object_type="call", object_id=patient, **call)
    record_event(
        action="verify_identity", outcome="locked", object_type="call", object_id=patient, **call
    )
    record_event(
        action="recording.deleted", outcome="ok", surface="worker", reason="older than 90 days"
    )
    seal_events()
    record_event(action="mfa.enrolled", outcome="ok", **staff)


@pytest.fixture
def chief(robin: User) -> User:
    robin.role = User.Role.ADMIN
    robin.save()
    return robin


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: str(size[0]))
class TestAuditPage:
    def test_holds_in_every_size_and_scheme(
        self,
        chief: User,
        signed_in: Page,
        size: tuple[int, int],
        scheme: str,
        pictures: Path | None,
    ) -> None:
        page = signed_in
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        fill_the_record(chief)

        page.goto(PAGE)
        check(page, f"audit-{size[0]}-{scheme}", pictures)
        page.locator("main details").evaluate_all("all => all.forEach((one) => (one.open = true))")
        check(page, f"audit-open-{size[0]}-{scheme}", pictures)
        page.goto(f"{PAGE}?what=exported")
        check(page, f"audit-none-{size[0]}-{scheme}", pictures)


class TestAuditExport:
    def test_is_downloaded_as_the_list_is_narrowed(self, chief: User, signed_in: Page) -> None:
        page = signed_in
        fill_the_record(chief)
        page.goto(PAGE)

        page.get_by_label("What").select_option("locked")
        expect(page.locator("tbody tr")).to_have_count(1)
        with page.expect_download() as started:
            page.get_by_role("button", name="Export CSV").click()

        text = Path(started.value.path()).read_text(encoding="utf-8")
        assert len(text.splitlines()) == 2
        assert "verify_identity" in text
