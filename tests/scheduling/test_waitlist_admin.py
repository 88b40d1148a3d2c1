"""The waitlist in the admin: wishes are edited, their status follows offers and answers alone."""

from datetime import date
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from scheduling import services
from scheduling.models import Appointment, WaitlistEntry, WaitlistOffer
from tests.factories import (
    NOW,
    TOMORROW_NINE,
    make_appointment,
    make_consent,
    make_nurse,
    make_patient,
    make_user,
    make_visit_type,
)

pytestmark = pytest.mark.django_db

LISTING = "admin:scheduling_waitlistentry_changelist"


@pytest.fixture(autouse=True)
def _clinic_clock(settings: Any) -> None:
    settings.CAREMATIX_NOW = NOW


@pytest.fixture
def staff(client: Client) -> Client:
    """Return a browser in which an administrator is logged in."""
    client.force_login(make_user(role="admin", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def entry() -> WaitlistEntry:
    """Return a wish to which tomorrow at nine has been offered."""
    return offered()


def offered(**fields: Any) -> WaitlistEntry:
    """Return a new patient's wish, to which tomorrow at nine with its nurse, else with a new one, has been offered."""
    patient = make_patient()
    make_consent(patient=patient)
    wish = WaitlistEntry.objects.create(
        patient=patient,
        visit_type=make_visit_type(),
        earliest=date(2026, 3, 6),
        latest=date(2026, 3, 6),
        source="voice",
        actor="call:1",
        waiting_since=NOW,
        **fields,
    )
    visit: Appointment = make_appointment(start=TOMORROW_NINE, nurse=fields.get("nurse"))
    services.cancel_appointment(
        appointment_id=visit.pk, source="dashboard", actor="user:1", now=NOW
    )
    services.offer_freed_times(now=NOW)
    return wish


class TestAWishesPage:
    def test_shows_the_offers_and_lets_nobody_set_the_status(
        self, staff: Client, entry: WaitlistEntry
    ) -> None:
        page = staff.get(reverse("admin:scheduling_waitlistentry_change", args=[entry.pk]))

        assert WaitlistOffer.objects.get().nurse.name in page.content.decode()
        assert 'name="status"' not in page.content.decode()

    def test_keeps_the_patient_and_a_status_that_changed_meanwhile(
        self, staff: Client, entry: WaitlistEntry
    ) -> None:
        admin_of_wishes = admin.site.get_model_admin(WaitlistEntry)
        seen = WaitlistEntry.objects.get(pk=entry.pk)
        services.decline_offer(offer_id=WaitlistOffer.objects.get().pk, now=NOW)
        page = staff.get(reverse("admin:scheduling_waitlistentry_change", args=[entry.pk]))
        form = SimpleNamespace(changed_data=["priority"])
        seen.priority = 3

        admin_of_wishes.save_model(page.wsgi_request, seen, form, change=True)

        entry.refresh_from_db()
        assert (entry.status, entry.priority) == ("waiting", 3)
        assert 'name="patient"' not in page.content.decode()


class TestTakingWishesOffTheList:
    def test_takes_their_offers_back_and_says_which_had_ended(
        self, staff: Client, entry: WaitlistEntry
    ) -> None:
        ended = WaitlistEntry.objects.create(
            patient=make_patient(),
            visit_type=entry.visit_type,
            earliest=entry.earliest,
            latest=entry.latest,
            status="expired",
            source="voice",
            actor="call:1",
            waiting_since=NOW,
        )

        response = staff.post(
            reverse(LISTING),
            {"action": "take_off_the_list", "_selected_action": [entry.pk, ended.pk]},
            follow=True,
        )

        page = response.content.decode()
        assert "Wishes taken off the list: 1." in page
        assert "Wishes that had ended already: 1." in page
        assert WaitlistOffer.objects.get().status == "withdrawn"

    @pytest.mark.parametrize("ranks", [(1, 2), (2, 1)], ids=["in-order", "against-it"])
    def test_takes_back_offers_of_several_nurses_in_whatever_order(
        self, staff: Client, ranks: tuple[int, int]
    ) -> None:
        """The order of locks is by id; the order of the list is another."""
        wishes = [
            offered(id=UUID(int=number), nurse=make_nurse(id=UUID(int=rank)))
            for number, rank in enumerate(ranks, start=1)
        ]

        response = staff.post(
            reverse(LISTING),
            {"action": "take_off_the_list", "_selected_action": [wish.pk for wish in wishes]},
            follow=True,
        )

        assert "Wishes taken off the list: 2." in response.content.decode()
        statuses = WaitlistOffer.objects.values_list("status", flat=True)
        assert sorted(statuses) == ["withdrawn", "withdrawn"]
