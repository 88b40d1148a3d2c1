"""`/api/v1/waitlist/`: wishes and offers by REST (contract, section 6; scheduling reference, section 12)."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEvent
from scheduling.models import Appointment, FreedTime, WaitlistEntry, WaitlistOffer
from tests.factories import (
    NOW,
    TOMORROW_NINE,
    make_hold,
    make_nurse,
    make_patient,
    make_user,
    make_visit_type,
)
from tests.scheduling.api.keys import Program

NOBODY = "00000000-0000-0000-0000-000000000007"
HALF_HOUR = timedelta(minutes=30)


@pytest.fixture(autouse=True)
def clock(settings: Any) -> None:
    settings.CAREMATIX_NOW = NOW


@pytest.fixture
def program(db: None) -> Program:
    make_visit_type()
    return Program()


def wish(**fields: Any) -> dict[str, Any]:
    return {"patient": str(make_patient().pk), "latest": "2026-03-20"} | fields


def make_entry(**fields: Any) -> WaitlistEntry:
    given: dict[str, Any] = {
        "patient": make_patient(),
        "visit_type": make_visit_type(),
        "earliest": date(2026, 3, 5),
        "latest": date(2026, 3, 20),
        "source": "voice",
        "actor": "call:1",
        "waiting_since": NOW - timedelta(days=1),
    }
    return WaitlistEntry.objects.create(**given | fields)


def make_offer(entry: WaitlistEntry) -> WaitlistOffer:
    """Offer the entry tomorrow at nine for half an hour."""
    nurse = make_nurse()
    start, end = TOMORROW_NINE, TOMORROW_NINE + HALF_HOUR
    hold = make_hold(
        nurse=nurse,
        owner=f"waitlist:{entry.pk}",
        patient_id=entry.patient_id,
        purpose="waitlist",
        expires_at=NOW + HALF_HOUR,
    )
    freed = FreedTime.objects.create(nurse=nurse, start=start, end=end, due_at=NOW)
    WaitlistEntry.objects.filter(pk=entry.pk).update(status="offered")
    return WaitlistOffer.objects.create(
        entry=entry,
        freed_time=freed,
        hold=hold,
        nurse=nurse,
        start=start,
        end=end,
        expires_at=NOW + HALF_HOUR,
    )


class TestAWish:
    def test_is_stored_and_answered_with(self, program: Program) -> None:
        nurse = make_nurse()

        answer = program.post(
            "waitlist/", wish(nurse=str(nurse.pk), parts_of_day=["evening", "morning"])
        )

        shown = answer.json()
        assert answer.status_code == 201, answer.content
        assert (shown["earliest"], shown["latest"]) == ("2026-03-05", "2026-03-20")
        assert shown["parts_of_day"] == ["morning", "evening"]
        assert (shown["status"], shown["source"], shown["nurse"]) == (
            "waiting",
            "api",
            str(nurse.pk),
        )
        assert answer["Location"] == f"/api/v1/waitlist/{shown['id']}/"
        event = AuditEvent.objects.get(action="waitlist_entry.created")
        assert event.patient_ids == [shown["patient"]]

    def test_that_is_open_already_is_stored_once(self, program: Program) -> None:
        body = wish()

        first, again = (program.post("waitlist/", body).json() for _ in range(2))

        assert first["id"] == again["id"]
        assert WaitlistEntry.objects.count() == 1

    @pytest.mark.parametrize(
        "change",
        [
            {"patient": NOBODY}, {"nurse": NOBODY}, {"visit_type": "surgery"},
            {"parts_of_day": ["night"]}, {"earliest": "2026-04-01"}, {"latest": "soon"},
            {"expires_at": "2026-03-01T00:00:00Z"}, {"priority": 9}, {"status": "booked"},
        ],
    )  # fmt: skip
    def test_that_is_not_right_stores_nothing(
        self, program: Program, change: dict[str, Any]
    ) -> None:
        answer = program.post("waitlist/", wish() | change)

        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
        assert not WaitlistEntry.objects.exists()

    def test_goes_before_others_by_its_priority(self, program: Program) -> None:
        path = f"waitlist/{make_entry().pk}/"
        tag = program.get(path)["ETag"]

        first = program.patch(path, {"priority": 5}, If_Match=tag)
        stale = program.patch(path, {"priority": 9}, If_Match=tag)

        assert (first.status_code, first.json()["priority"]) == (200, 5)
        assert stale.status_code == 412
        assert program.patch(path, {"latest": "2026-04-01"}).status_code == 400

    def test_is_taken_off_the_list_and_stays_readable(self, program: Program) -> None:
        path = f"waitlist/{make_entry().pk}/"

        gone, again = program.delete(path), program.delete(path)

        assert (gone.status_code, again.status_code) == (204, 204)
        assert program.get(path).json()["status"] == "cancelled"
        assert program.patch(path, {"priority": 1}).status_code == 409

    def test_takes_its_offer_along(self, program: Program) -> None:
        offer = make_offer(make_entry())

        program.delete(f"waitlist/{offer.entry_id}/")

        offer.refresh_from_db()
        assert (offer.status, offer.hold.state) == ("withdrawn", "released")


class TestAnOffer:
    def test_is_shown_at_its_wish(self, program: Program) -> None:
        offer = make_offer(make_entry())

        shown = program.get(f"waitlist/{offer.entry_id}/offer/")

        assert shown.json()["start"] == "2026-03-06T09:00:00-05:00"
        assert shown.json()["status"] == "open"
        event = AuditEvent.objects.get(action="waitlist_offer.read")
        assert event.patient_ids == [str(offer.entry.patient_id)]

    def test_is_missing_where_nothing_was_offered(self, program: Program) -> None:
        assert program.get(f"waitlist/{make_entry().pk}/offer/").status_code == 404
        assert program.post(f"waitlist/{NOBODY}/offer/acceptance/").status_code == 404

    def test_books_the_time_by_a_yes_once(self, program: Program) -> None:
        offer = make_offer(make_entry())
        path = f"waitlist/{offer.entry_id}/offer/"

        first = program.post(f"{path}acceptance/", If_Match=program.get(path)["ETag"])
        again = program.post(f"{path}acceptance/")

        visit = Appointment.objects.get()
        assert first.status_code == 200, first.content
        assert first.json()["status"] == "accepted"
        assert first.json()["appointment"] == again.json()["appointment"] == str(visit.pk)
        assert visit.source == "api"
        assert program.get(f"waitlist/{offer.entry_id}/").json()["status"] == "booked"

    def test_goes_to_the_next_by_a_no(self, program: Program) -> None:
        offer = make_offer(make_entry())

        answer = program.post(f"waitlist/{offer.entry_id}/offer/refusal/")

        assert (answer.status_code, answer.json()["status"]) == (200, "declined")
        assert program.get(f"waitlist/{offer.entry_id}/").json()["status"] == "waiting"
        assert not Appointment.objects.exists()

    def test_that_has_lapsed_books_nothing(self, program: Program, settings: Any) -> None:
        offer = make_offer(make_entry())
        settings.CAREMATIX_NOW = NOW + HALF_HOUR

        answer = program.post(f"waitlist/{offer.entry_id}/offer/acceptance/")

        assert (answer.status_code, answer.json()["code"]) == (409, "slot_expired")


class TestTheList:
    def test_is_narrowed_by_patient_and_status(self, program: Program) -> None:
        wanted = make_entry()
        make_entry()
        make_entry(patient=wanted.patient, status="cancelled")

        path = f"waitlist/?patient={wanted.patient_id}&status=waiting,offered"

        assert [one["id"] for one in program.get(path).json()["results"]] == [str(wanted.pk)]

    def test_costs_the_same_for_one_and_for_many(self, program: Program) -> None:
        for _ in range(10):
            make_entry()
        program.get("waitlist/")

        counts = []
        for size in (1, 50):
            with CaptureQueriesContext(connection) as captured:
                program.get(f"waitlist/?page_size={size}")
            counts.append(len(captured))

        assert counts[0] == counts[1]

    def test_is_closed_to_nurses_and_to_keys_without_the_scope(self, db: None) -> None:
        client = Client()
        client.force_login(make_user(role="nurse"))

        assert client.get("/api/v1/waitlist/").status_code == 403
        assert Program("schedule:read").get("waitlist/").status_code == 403
        assert Program("appointments:read").post("waitlist/", wish()).status_code == 403
