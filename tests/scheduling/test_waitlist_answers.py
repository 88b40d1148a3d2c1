"""What a yes, a no and silence do to an offer from the waitlist (scheduling reference, section 12)."""

from datetime import date
from typing import Any

import pytest

from scheduling import selectors, services
from scheduling.exceptions import NotFound, SlotExpired, SlotTaken
from scheduling.models import Appointment, FreedTime, Message, Nurse, Patient, WaitlistOffer
from tests.factories import NOW, local, make_appointment, make_nurse, make_patient, make_visit_type
from tests.scheduling.waiting import (
    ANSWER_BY,
    BY_TEXT,
    cancel,
    full_day,
    make_entry,
    make_reachable,
    offer_of,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def nurse() -> Nurse:
    """Return a nurse who works from nine to five."""
    return make_nurse()


@pytest.fixture
def visits(nurse: Nurse) -> list[Appointment]:
    """Return the visits that fill the nurse's tomorrow."""
    return full_day(nurse)


class TestYes:
    def test_books_the_held_time(self, visits: list[Appointment]) -> None:
        entry = make_entry()
        cancel(visits[2])
        services.offer_freed_times(now=NOW)

        booked = services.accept_offer(offer_id=offer_of(entry).pk, now=NOW, **BY_TEXT)

        entry.refresh_from_db()
        offer = offer_of(entry)
        assert (booked.patient, booked.start, booked.source) == (
            entry.patient,
            visits[2].start,
            "sms",
        )
        assert (entry.status, offer.status, offer.appointment, offer.hold.state) == (
            "booked",
            "accepted",
            booked,
            "used",
        )

    def test_said_twice_books_once(self, visits: list[Appointment]) -> None:
        entry = make_entry()
        cancel(visits[2])
        services.offer_freed_times(now=NOW)
        offer = offer_of(entry)

        first = services.accept_offer(offer_id=offer.pk, now=NOW, **BY_TEXT)
        again = services.accept_offer(offer_id=offer.pk, now=ANSWER_BY, **BY_TEXT)

        assert first == again
        assert Appointment.objects.filter(patient=entry.patient).count() == 1

    def test_is_too_late_when_the_time_is_up(self, visits: list[Appointment]) -> None:
        entry = make_entry()
        cancel(visits[2])
        services.offer_freed_times(now=NOW)

        with pytest.raises(SlotExpired):
            services.accept_offer(offer_id=offer_of(entry).pk, now=ANSWER_BY, **BY_TEXT)

        assert not Appointment.objects.filter(patient=entry.patient).exists()

    def test_to_no_offer_is_refused(self) -> None:
        with pytest.raises(NotFound):
            services.accept_offer(offer_id=Patient().pk, now=NOW, **BY_TEXT)

    def test_that_the_rules_refuse_keeps_the_offer(self, visits: list[Appointment]) -> None:
        entry = make_entry()
        cancel(visits[2])
        services.offer_freed_times(now=NOW)
        make_appointment(
            patient=entry.patient, start=visits[2].start, visit_type=make_visit_type(code="other")
        )

        with pytest.raises(SlotTaken):
            services.accept_offer(offer_id=offer_of(entry).pk, now=NOW, **BY_TEXT)

        offer = offer_of(entry)
        assert (offer.status, offer.hold.state) == ("open", "live")

    def test_leaves_the_rest_of_a_longer_time_to_others(self, visits: list[Appointment]) -> None:
        first, later = make_entry(priority=1), make_reachable()
        nurse = visits[0].nurse
        for visit in visits[4:6]:
            visit.delete()
        cancel(make_appointment(nurse=nurse, start=visits[4].start, minutes=60))
        services.offer_freed_times(now=NOW)

        services.accept_offer(offer_id=offer_of(first).pk, now=NOW, **BY_TEXT)
        second = make_entry(patient=later)

        assert services.offer_freed_times(now=NOW) == 1
        assert offer_of(second).start == visits[5].start

    def test_moves_the_later_visit_of_that_kind(self, visits: list[Appointment]) -> None:
        entry = make_entry()
        later = make_appointment(patient=entry.patient, start=local(2026, 3, 9, 10))
        cancel(visits[2])
        services.offer_freed_times(now=NOW)
        assert offer_of(entry).moves == later

        moved = services.accept_offer(offer_id=offer_of(entry).pk, now=NOW, **BY_TEXT)

        assert (moved.pk, moved.start, moved.nurse) == (later.pk, visits[2].start, visits[2].nurse)
        given_up = FreedTime.objects.get(depth=1)
        assert (given_up.nurse, given_up.start) == (later.nurse, later.start)

    def test_books_anew_when_the_later_visit_is_gone(self, visits: list[Appointment]) -> None:
        entry = make_entry()
        later = make_appointment(patient=entry.patient, start=local(2026, 3, 9, 10))
        cancel(visits[2])
        services.offer_freed_times(now=NOW)
        cancel(later)

        booked = services.accept_offer(offer_id=offer_of(entry).pk, now=NOW, **BY_TEXT)

        assert booked.pk != later.pk
        assert booked.start == visits[2].start

    def test_to_a_move_frees_a_time_for_the_next(self, visits: list[Appointment]) -> None:
        """The time that a move gives up is offered in its turn, five moves deep at most."""
        days = [local(2026, 3, 9 + day, 10) for day in range(5)] + [
            local(2026, 3, 16 + day, 10) for day in range(2)
        ]
        entries = [make_entry(latest=date(2026, 3, 31), priority=-n) for n, _ in enumerate(days)]
        for entry, day in zip(entries, days, strict=True):
            make_appointment(patient=entry.patient, nurse=make_nurse(), start=day)
        cancel(visits[2])

        answered = 0
        while services.offer_freed_times(now=NOW) and answered < len(entries):
            for offer in WaitlistOffer.objects.filter(status="open"):
                services.accept_offer(offer_id=offer.pk, now=NOW, **BY_TEXT)
                answered += 1

        assert answered == 6  # the freed time, and five that moves gave up
        assert FreedTime.objects.order_by("-depth").first().depth == 5  # type: ignore[union-attr]


class TestNoAndSilence:
    def test_let_the_next_be_asked(self, visits: list[Appointment]) -> None:
        """Case 29: an ignored offer goes to the next."""
        silent, refusing, third = make_entry(priority=2), make_entry(priority=1), make_entry()
        cancel(visits[2])
        services.offer_freed_times(now=NOW)

        services.offer_freed_times(now=ANSWER_BY)
        services.decline_offer(offer_id=offer_of(refusing).pk, now=ANSWER_BY)
        services.offer_freed_times(now=ANSWER_BY)

        assert [offer_of(entry).status for entry in (silent, refusing, third)] == [
            "expired",
            "declined",
            "open",
        ]
        silent.refresh_from_db()
        assert (silent.status, offer_of(silent).hold.state) == ("waiting", "expired")

    def test_never_bring_the_same_time_again(self, visits: list[Appointment]) -> None:
        entry = make_entry()
        cancel(visits[2])
        services.offer_freed_times(now=NOW)
        services.decline_offer(offer_id=offer_of(entry).pk, now=NOW)
        refill = make_appointment(nurse=visits[2].nurse, start=visits[2].start)

        cancel(refill)

        assert services.offer_freed_times(now=NOW) == 0
        assert entry.offers.count() == 1

    def test_let_another_time_be_offered(self, visits: list[Appointment]) -> None:
        entry = make_entry()
        cancel(visits[2])
        cancel(visits[8])
        services.offer_freed_times(now=NOW)
        services.decline_offer(offer_id=offer_of(entry).pk, now=NOW)

        assert services.offer_freed_times(now=NOW) == 1
        assert entry.offers.get(status="open").start == visits[8].start

    def test_stop_when_the_warning_is_too_short(self, visits: list[Appointment]) -> None:
        make_entry(priority=1)
        make_entry(minimum_warning_minutes=23 * 60)
        cancel(visits[0])  # nine o'clock, in 23 hours
        services.offer_freed_times(now=NOW)

        assert services.offer_freed_times(now=ANSWER_BY) == 0
        assert FreedTime.objects.get().done_at == ANSWER_BY

    def test_block_nothing_when_no_sweep_runs(self, visits: list[Appointment]) -> None:
        entry, caller = make_entry(), make_patient()
        cancel(visits[2])
        services.offer_freed_times(now=NOW)
        wanted: dict[str, Any] = {
            "patient_id": caller.pk,
            "nurse_id": visits[2].nurse_id,
            "start": visits[2].start,
            "visit_type": "routine",
            "source": "voice",
            "actor": "call:2",
        }
        with pytest.raises(SlotTaken):
            services.book_appointment(**wanted, now=NOW)

        booked = services.book_appointment(**wanted, now=ANSWER_BY)

        assert booked.status == "booked"
        with pytest.raises(SlotExpired):
            services.accept_offer(offer_id=offer_of(entry).pk, now=ANSWER_BY, **BY_TEXT)
        assert services.offer_freed_times(now=ANSWER_BY) == 0

    def test_said_after_the_end_change_nothing(self, visits: list[Appointment]) -> None:
        entry = make_entry()
        cancel(visits[2])
        services.offer_freed_times(now=NOW)
        services.accept_offer(offer_id=offer_of(entry).pk, now=NOW, **BY_TEXT)

        assert services.decline_offer(offer_id=offer_of(entry).pk, now=NOW).status == "accepted"


class TestAnOffersNumber:
    def test_finds_the_open_offer(self, visits: list[Appointment]) -> None:
        entry = make_entry()
        cancel(visits[2])
        services.offer_freed_times(now=NOW)
        phone = entry.patient.phone

        assert selectors.open_offer_for_phone(phone, NOW) == offer_of(entry)
        assert selectors.open_offer_for_phone(phone, ANSWER_BY) is None
        Patient.objects.filter(pk=entry.patient_id).update(second_phone="+12025550178")
        assert selectors.open_offer_for_phone("+12025550178", NOW) == offer_of(entry)
        assert selectors.open_offer_for_phone("+12025550100", NOW) is None
        assert selectors.open_offer_for_phone("", NOW) is None


class TestAnAnswerByAnotherWay:
    def test_drops_the_text_that_has_not_gone_out(self, visits: list[Appointment]) -> None:
        taken, passed = make_entry(), make_entry()
        cancel(visits[2])
        cancel(visits[9])
        services.offer_freed_times(now=NOW)

        services.accept_offer(
            offer_id=offer_of(taken).pk, source="dashboard", actor="user:1", now=NOW
        )
        services.decline_offer(offer_id=offer_of(passed).pk, now=NOW)

        texts = Message.objects.filter(
            kind="waitlist_offer", patient__in=[taken.patient, passed.patient]
        )
        assert [text.status for text in texts] == ["dropped", "dropped"]
