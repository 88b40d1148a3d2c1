"""The pages of privacy in a real browser: no violation, no sideways scroll, in every look."""

from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page

from accounts.models import LegalHold, User
from scheduling.models import Patient, PurgeRun
from tests.browser.test_pages import SCHEMES, SIZES
from tests.browser.test_users import check, sign_in
from tests.dashboard.rows import make_call, make_patient, make_user
from tests.factories import NOW

REASON = "The court of the district asked in writing that nothing be deleted before the hearing"


@pytest.fixture
def chief(transactional_db: None) -> User:
    return make_user("robin", "admin", first_name="Robin", last_name="Sedgemoor")


@pytest.fixture
def patient(chief: User) -> Patient:
    """Return a patient under a hold, after a purge."""
    patient = make_patient()
    LegalHold.objects.create(
        kind="patient", record_id=patient.pk, reason=REASON, placed_by=chief, placed_at=NOW
    )
    PurgeRun.objects.create(started_at=NOW, finished_at=NOW, counts={"transcripts": 412})
    return patient


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: str(size[0]))
class TestPagesOfPrivacy:
    def test_are_accessible_and_fit(
        self,
        page: Page,
        context: BrowserContext,
        site: str,
        chief: User,
        patient: Patient,
        size: tuple[int, int],
        scheme: str,
        pictures: Path | None,
    ) -> None:
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        sign_in(context, site, chief)
        call = make_call(patient)

        page.goto("/dashboard/privacy/")
        page.get_by_role("searchbox").fill(patient.last_name)
        page.get_by_role("button", name="Find").click()
        link = page.get_by_role("link", name=patient.name)
        link.wait_for()
        check(page, pictures, f"privacy-{size[0]}-{scheme}")
        link.click()
        page.get_by_role("heading", name="Legal holds").wait_for()
        check(page, pictures, f"privacy-patient-{size[0]}-{scheme}")
        said = page.get_by_text("The court of the district").bounding_box()
        lifting = page.get_by_placeholder("Why it ends").bounding_box()
        assert said
        assert lifting
        beside = said["x"] + said["width"] <= lifting["x"]
        assert beside or said["y"] + said["height"] <= lifting["y"]
        page.goto(f"/dashboard/privacy/calls/{call.pk}/")
        check(page, pictures, f"privacy-call-{size[0]}-{scheme}")


class TestTheCopyForThePatient:
    def test_s63_hands_the_copy_out_as_a_file(
        self,
        page: Page,
        context: BrowserContext,
        site: str,
        chief: User,
        patient: Patient,
    ) -> None:
        sign_in(context, site, chief)
        page.goto(f"/dashboard/privacy/patients/{patient.pk}/")

        with page.expect_download() as started:
            page.get_by_role("button", name="Download").click()

        assert started.value.suggested_filename == f"patient-{patient.pk}.json"
        assert patient.last_name in Path(started.value.path()).read_text()
