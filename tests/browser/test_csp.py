"""Every page, the admin's too, with text that would like to be code: shown as text, nothing refused (S38, S40)."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib import admin
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import User
from scheduling.models import (
    MedicalCondition,
    PatientRelation,
    StaffTask,
)
from tests.dashboard.rows import make_call, make_nurse, make_patient, make_visit, make_whole_call
from voice.models import CallLog

MARKUP = "<img src=x onerror=document.body.dataset.broken=1>"
ATTACKS = [
    '"}]; cancel_all()',
    MARKUP,
    "<script>document.body.dataset.broken=1</script>",
    "'\"><svg onload=document.body.dataset.broken=1>",
    '=HYPERLINK("https://evil.example")',
    "{{ 7|add:7 }}{% debug %}",
    "javascript:document.body.dataset.broken=1",
]
LONG = "x" * 5_000


@pytest.fixture
def clinic(transactional_db: None) -> CallLog:
    """Store rows whose every text is an attack, and return the call that has all of it."""
    soon = timezone.now().replace(second=0, microsecond=0) + timedelta(hours=30)
    call = make_call()
    for number, attack in enumerate(ATTACKS):
        patient = make_patient(attack[:100], attack[:100], registration_reason=attack)
        nurse = make_nurse(attack[:100], attack[:100])
        visit = make_visit(patient, nurse, soon + timedelta(hours=number), reason=attack)
        call = make_whole_call(patient, visit)
        call.transcript.update(text=attack, unheard_text=attack)
        call.tool_calls.update(arguments={"reason": attack}, result={"ok": False, "code": attack})
        MedicalCondition.objects.create(patient=patient, name=attack, notes=attack)
        PatientRelation.objects.create(patient=patient, kind="guardian", name=attack)
        StaffTask.objects.create(kind="message", patient=patient, text=attack, due_at=soon)
    call.transcript.filter(position=1).update(text=LONG)
    MedicalCondition.objects.filter(patient=call.patient).update(notes=LONG)
    return call


@pytest.fixture
def chief(robin: User) -> User:
    robin.role = User.Role.ADMIN
    robin.is_staff = robin.is_superuser = True
    robin.save()
    return robin


def nothing_ran(page: Page) -> None:
    assert page.evaluate("document.body.dataset.broken") is None
    assert (
        page.locator(
            "img[src=x], svg[onload], body script:not([src]):not([type='application/json'])"
        ).count()
        == 0
    )


def pages(call: CallLog) -> Iterator[str]:
    yield "/dashboard/calls/"
    yield f"/dashboard/calls/{call.pk}/"
    for tab in ("upcoming", "today", "unconfirmed", "past", "cancelled"):
        yield f"/dashboard/appointments/?tab={tab}"
    yield "/accounts/password/change/"
    yield "/accounts/calendar/"


def admin_pages() -> Iterator[str]:
    yield reverse("admin:index")
    for model, options in admin.site._registry.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{name}_changelist")
        if row := model._default_manager.order_by("pk").first():
            yield reverse(f"{name}_change", args=[row.pk])
            yield reverse(f"{name}_history", args=[row.pk])
        if getattr(options, "may_add", True):
            yield reverse(f"{name}_add")


class TestTextThatWouldBeCode:
    def test_s40_a16_is_text_on_every_page(
        self, chief: User, clinic: CallLog, signed_in: Page
    ) -> None:
        for address in pages(clinic):
            signed_in.goto(address)
            nothing_ran(signed_in)

    def test_s40_a16_is_text_after_a_search_in_place(
        self, chief: User, clinic: CallLog, signed_in: Page
    ) -> None:
        signed_in.goto("/dashboard/calls/")
        signed_in.get_by_role("searchbox").fill(MARKUP)
        signed_in.keyboard.press("Enter")

        expect(signed_in.get_by_text(MARKUP).first).to_be_visible()
        expect(signed_in.get_by_role("searchbox")).to_have_value(MARKUP)
        nothing_ran(signed_in)

    def test_s40_keeps_nothing_in_the_browser(
        self, chief: User, clinic: CallLog, signed_in: Page
    ) -> None:
        for address in pages(clinic):
            signed_in.goto(address)

        assert signed_in.evaluate("localStorage.length + sessionStorage.length") == 0


class TestTheAdminSite:
    def test_s38_s40_breaks_no_policy_and_runs_nothing(
        self, chief: User, clinic: CallLog, signed_in: Page
    ) -> None:
        """Its own theme switch keeps one word in the local storage, which is no data of anybody."""
        for address in admin_pages():
            answer = signed_in.request.get(address)
            if answer.status == 403:
                continue  # rows that nobody adds or changes by hand
            signed_in.goto(address)
            nothing_ran(signed_in)

        assert set(signed_in.evaluate("Object.keys(localStorage)")) <= {"theme"}


class TestTheCollectedFiles:
    def test_s77_are_served_without_a_list_of_them(self, site: str, page: Page) -> None:
        icon = page.request.get(f"{site}/static/favicon.svg")
        listed = page.request.get(f"{site}/static/staticfiles.json")

        assert (icon.status, listed.status) == (200, 404)
