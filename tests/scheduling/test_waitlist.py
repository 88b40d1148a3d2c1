"""Who is offered a freed time, and what a yes, a no and silence do (scheduling reference, section 12)."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.conf import LazySettings

from scheduling import selectors, services
from scheduling.exceptions import (
    InvalidTransition,
    NotFound,
    SchedulingError,
    SlotExpired,
    SlotTaken,
)
from scheduling.models import (
    Appointment,
    FreedTime,
    Message,
    Nurse,
    Patient,
    WaitlistEntry,
    WaitlistOffer,
    WebhookDelivery,
    WebhookEndpoint,
)
from tests.factories import (
    NOW,
    TOMORROW_NINE,
    local,
    make_appointment,
    make_assignment,
    make_consent,
    make_hold,
    make_nurse,
    make_patient,
    make_visit_type,
)

pytestmark = pytest.mark.django_db

HALF_HOUR = timedelta(minutes=30)
ANSWER_BY = NOW + HALF_HOUR
BY_TEXT: dict[str, Any] = {"source": "sms", "actor": "text"}
TODAY, TOMORROW = date(2026, 3, 5), date(2026, 3, 6)
NIGHT = local(2026, 3, 5, 22)
MORNING = local(2026, 3, 6, 8)


def make_reachable(**fields: Any) -> Patient:
    """Store a patient who has agreed to texts."""
    patient = make_patient(**fields)
    make_consent(patient=patient)
    return patient


def make_entry(*, patient: Patient | None = None, **fields: Any) -> WaitlistEntry:
    """Store a wish for a routine visit today or tomorrow."""
    given: dict[str, Any] = {
        "visit_type": fields.pop("visit_type", None) or make_visit_type(),
        "earliest": TODAY,
        "latest": TOMORROW,
        "source": "voice",
        "actor": "call:1",
        "waiting_since": NOW - timedelta(days=1),
    }
    return WaitlistEntry.objects.create(patient=patient or make_reachable(), **given | fields)


def full_day(nurse: Nurse) -> list[Appointment]:
    """Fill the nurse's tomorrow from nine to five with half-hour visits."""
    starts = (TOMORROW_NINE + number * HALF_HOUR for number in range(16))
    return [make_appointment(nurse=nurse, start=start) for start in starts]


def cancel(visit: Appointment, *, now: datetime = NOW) -> None:
    """Cancel a visit as staff do."""
    services.cancel_appointment(
        appointment_id=visit.pk, source="dashboard", actor="user:1", now=now
    )


def offer_of(entry: WaitlistEntry) -> WaitlistOffer:
    """Return the one offer that an entry has had."""
    return WaitlistOffer.objects.get(entry=entry)


@pytest.fixture
def nurse() -> Nurse:
    """Return a nurse who works from nine to five."""
    return make_nurse()


@pytest.fixture
def visits(nurse: Nurse) -> list[Appointment]:
    """Return the visits that fill the nurse's tomorrow."""
    return full_day(nurse)


class TestAFreedTime:
    def test_is_kept_for_the_one_it_is_offered_to(self, visits: list[Appointment]) -> None:
        entry = make_entry()
        cancel(visits[2])

        made = services.offer_freed_times(now=NOW)

        entry.refresh_from_db()
        offer = offer_of(entry)
        assert (made, entry.status, offer.status) == (1, "offered", "open")
        assert (offer.start, offer.expires_at) == (visits[2].start, ANSWER_BY)
        assert (offer.hold.owner, offer.hold.purpose, offer.hold.state) == (
            f"waitlist:{entry.pk}",
            "waitlist",
            "live",
        )
        message = Message.objects.get(kind="waitlist_offer")
        assert (message.patient, message.expires_at) == (entry.patient, ANSWER_BY)
        assert not Appointment.objects.filter(patient=entry.patient).exists()

    def test_is_offered_to_one_at_a_time(self, visits: list[Appointment]) -> None:
        for _ in range(3):
            make_entry()
        cancel(visits[2])

        made = [services.offer_freed_times(now=NOW + timedelta(minutes=m)) for m in (0, 1, 29)]

        assert made == [1, 0, 0]

    def test_is_done_with_when_nobody_wants_it(self, visits: list[Appointment]) -> None:
        cancel(visits[2])

        services.offer_freed_times(now=NOW)

        assert FreedTime.objects.get().done_at == NOW

    def test_goes_by_priority_then_continuity_then_waiting_time(
        self, nurse: Nurse, visits: list[Appointment]
    ) -> None:
        waits_longest = make_entry(waiting_since=NOW - timedelta(days=9))
        seen_last = make_entry()
        make_appointment(
            patient=seen_last.patient,
            nurse=nurse,
            start=NOW - timedelta(days=30),
            status="fulfilled",
        )
        assigned, primary = make_entry(), make_entry()
        make_assignment(patient=assigned.patient, nurse=nurse, primary=False)
        make_assignment(patient=primary.patient, nurse=nurse)
        urgent = make_entry(priority=1)
        cancel(visits[2])

        for number in range(5):
            services.offer_freed_times(now=NOW + number * HALF_HOUR)

        asked = WaitlistOffer.objects.order_by("created_at")
        assert [offer.entry for offer in asked] == [
            urgent,
            primary,
            assigned,
            seen_last,
            waits_longest,
        ]

    @pytest.mark.parametrize(
        "wish",
        [
            {"parts_of_day": ["afternoon", "evening"]},
            {"latest": TODAY},
            {"earliest": date(2026, 3, 7), "latest": date(2026, 3, 9)},
            {"minimum_warning_minutes": 24 * 60 + 1},
            {"expires_at": NOW},
            {"status": "cancelled"},
        ],
    )
    def test_is_not_offered_against_a_wish(
        self, visits: list[Appointment], wish: dict[str, Any]
    ) -> None:
        make_entry(**wish)
        cancel(visits[2])  # ten o'clock tomorrow, in 24 hours

        assert services.offer_freed_times(now=NOW) == 0

    def test_is_read_on_the_patients_clock(self, visits: list[Appointment]) -> None:
        """Four in the afternoon in New York is ten in the morning in Honolulu, at the time of the cancellation."""
        entry = make_entry(
            patient=make_reachable(time_zone="Pacific/Honolulu"), parts_of_day=["morning"]
        )
        cancel(visits[14], now=local(2026, 3, 5, 14))

        assert services.offer_freed_times(now=local(2026, 3, 5, 14)) == 1
        assert offer_of(entry).start == local(2026, 3, 6, 16)

    def test_is_not_offered_with_a_nurse_who_is_not_wished(self, visits: list[Appointment]) -> None:
        make_entry(nurse=make_nurse())
        cancel(visits[2])

        assert services.offer_freed_times(now=NOW) == 0

    def test_is_not_offered_where_the_rules_refuse(
        self, nurse: Nurse, visits: list[Appointment]
    ) -> None:
        never, busy = make_entry(), make_entry()
        make_assignment(patient=never.patient, nurse=nurse, primary=False, closed=True)
        make_appointment(
            patient=busy.patient, start=visits[2].start, visit_type=make_visit_type(code="other")
        )
        cancel(visits[2])

        assert services.offer_freed_times(now=NOW) == 0

    def test_is_not_offered_to_whom_no_message_may_reach(self, visits: list[Appointment]) -> None:
        make_entry(patient=make_patient())
        make_entry(patient=make_reachable(active=False))
        cancel(visits[2])

        assert services.offer_freed_times(now=NOW) == 0

    def test_is_offered_by_text_whatever_way_the_patient_prefers(
        self, visits: list[Appointment]
    ) -> None:
        patient = make_reachable(email="pat@clinic.example", message_channel="email")
        make_consent(patient=patient, channel="email")
        make_entry(patient=patient)
        cancel(visits[2])

        services.offer_freed_times(now=NOW)

        message = Message.objects.get(kind="waitlist_offer")
        assert (message.channel, message.to) == ("sms", patient.phone)

    def test_is_not_offered_to_whom_only_an_email_may_reach(
        self, visits: list[Appointment]
    ) -> None:
        by_email = make_patient(email="pat@clinic.example", message_channel="email")
        make_consent(patient=by_email, channel="email")
        make_entry(patient=by_email, priority=5)
        next_one = make_entry()
        cancel(visits[2])

        services.offer_freed_times(now=NOW)

        assert WaitlistOffer.objects.get().entry == next_one

    def test_is_not_offered_when_a_yes_could_not_be_taken(
        self, visits: list[Appointment], settings: LazySettings
    ) -> None:
        by_hand = make_visit_type(code="by_hand", bookable_by_phone=False)
        make_entry(visit_type=by_hand)
        full = make_entry()
        for day in range(settings.LIMIT_FUTURE_BOOKINGS):
            make_appointment(
                patient=full.patient,
                start=local(2026, 3, 9 + day, 9),
                visit_type=make_visit_type(code="other"),
            )
        cancel(visits[2])

        assert services.offer_freed_times(now=NOW) == 0

    @pytest.mark.parametrize(("minutes_before_notice", "made"), [(10, 1), (5, 1), (4, 0)])
    def test_leaves_five_minutes_at_least_for_the_answer(
        self, visits: list[Appointment], minutes_before_notice: int, made: int
    ) -> None:
        """A yes is held to the clinic's notice of two hours, so the offer ends there."""
        awake = make_reachable(time_zone="Europe/London")
        make_entry(patient=awake, minimum_warning_minutes=0)
        cancel(visits[0])
        last = visits[0].start - timedelta(hours=2)

        assert (
            services.offer_freed_times(now=last - timedelta(minutes=minutes_before_notice)) == made
        )
        assert {offer.expires_at for offer in WaitlistOffer.objects.all()} <= {last}

    def test_is_merged_with_the_free_time_around_it(self, visits: list[Appointment]) -> None:
        """Case 29: two cancellations free an hour, and a visit of an hour fits."""
        hour = make_visit_type(code="long", length_minutes=60)
        entry = make_entry(visit_type=hour)
        cancel(visits[2])
        cancel(visits[3])

        assert services.offer_freed_times(now=NOW) == 1
        offer = offer_of(entry)
        assert (offer.start, offer.end) == (visits[2].start, visits[3].end)

    def test_that_is_too_short_alone_fits_once_its_neighbour_is_free(
        self, visits: list[Appointment]
    ) -> None:
        entry = make_entry(visit_type=make_visit_type(code="long", length_minutes=60))
        cancel(visits[3])
        assert services.offer_freed_times(now=NOW) == 0

        cancel(visits[2])

        assert services.offer_freed_times(now=NOW) == 1
        assert offer_of(entry).start == visits[2].start

    def test_is_preferred_to_what_was_free_beside_it(self, nurse: Nurse) -> None:
        entry = make_entry(earliest=TOMORROW)
        freed = make_appointment(nurse=nurse, start=local(2026, 3, 6, 14))
        cancel(freed)

        services.offer_freed_times(now=NOW)

        assert offer_of(entry).start == freed.start

    def test_waits_for_a_caller_who_holds_it(self, nurse: Nurse, visits: list[Appointment]) -> None:
        make_entry()
        cancel(visits[2])
        lapses = NOW + timedelta(minutes=2)
        make_hold(nurse=nurse, start=visits[2].start, expires_at=lapses)

        assert services.offer_freed_times(now=NOW) == 0
        assert FreedTime.objects.get().due_at == lapses
        assert services.offer_freed_times(now=lapses) == 1

    def test_is_not_offered_to_two_who_share_a_number(self, visits: list[Appointment]) -> None:
        """A yes from the number could be the answer of either."""
        parent = make_reachable()
        first = make_entry(patient=parent, priority=1)
        second = make_entry(patient=make_reachable(phone=parent.phone))
        cancel(visits[2])
        cancel(visits[8])

        assert services.offer_freed_times(now=NOW) == 1
        services.decline_offer(offer_id=offer_of(first).pk, now=NOW)
        assert services.offer_freed_times(now=NOW) == 1
        assert offer_of(second).start == visits[2].start

    def test_is_not_offered_to_two_of_whom_one_has_the_others_second_number(
        self, visits: list[Appointment]
    ) -> None:
        parent = make_reachable(second_phone="+12025550177")
        first = make_entry(patient=parent, priority=1)
        make_entry(patient=make_reachable(phone="+12025550177"))
        cancel(visits[2])
        cancel(visits[8])

        assert services.offer_freed_times(now=NOW) == 1
        assert offer_of(first).status == "open"

    def test_is_written_as_an_event(self, visits: list[Appointment]) -> None:
        WebhookEndpoint.objects.create(url="https://example.org/hook", secret="whsec_x")
        entry = make_entry()
        cancel(visits[2])

        services.offer_freed_times(now=NOW)
        services.accept_offer(offer_id=offer_of(entry).pk, now=NOW, **BY_TEXT)

        types = WebhookDelivery.objects.values_list("event_type", flat=True)
        assert {"waitlist.offered", "waitlist.accepted"} <= set(types)
        offered = WebhookDelivery.objects.get(event_type="waitlist.offered")
        assert str(entry.pk) in offered.body
        assert entry.patient.last_name not in offered.body


class TestQuietHours:
    def test_pass_the_time_on_to_somebody_who_is_awake(self, visits: list[Appointment]) -> None:
        asleep = make_entry(priority=1)
        awake = make_entry(patient=make_reachable(time_zone="Pacific/Honolulu"))
        cancel(visits[12], now=NIGHT)

        assert services.offer_freed_times(now=NIGHT) == 1
        assert offer_of(awake).status == "open"
        assert not asleep.offers.exists()

    def test_are_waited_for_if_all_are_asleep(self, visits: list[Appointment]) -> None:
        entry = make_entry()
        cancel(visits[12], now=NIGHT)

        assert services.offer_freed_times(now=NIGHT) == 0
        assert FreedTime.objects.get().due_at == MORNING
        assert services.offer_freed_times(now=MORNING) == 1
        assert offer_of(entry).expires_at == MORNING + HALF_HOUR


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


class TestLeaving:
    def test_takes_the_open_offer_back(self, visits: list[Appointment]) -> None:
        entry, next_one = make_entry(priority=1), make_entry()
        cancel(visits[2])
        services.offer_freed_times(now=NOW)

        left = services.leave_waitlist(entry_id=entry.pk, now=NOW)
        again = services.leave_waitlist(entry_id=entry.pk, now=NOW)

        offer = offer_of(entry)
        assert (left.status, again.status) == ("cancelled", "cancelled")
        assert (offer.status, offer.hold.state) == ("withdrawn", "released")
        assert Message.objects.get(patient=entry.patient, kind="waitlist_offer").status == "dropped"
        services.offer_freed_times(now=NOW)
        assert offer_of(next_one).status == "open"

    def test_is_not_possible_after_the_booking(self, visits: list[Appointment]) -> None:
        entry = make_entry(status="booked")

        with pytest.raises(InvalidTransition):
            services.leave_waitlist(entry_id=entry.pk, now=NOW)
        with pytest.raises(NotFound):
            services.leave_waitlist(entry_id=Patient().pk, now=NOW)


class TestAWishesEnd:
    def test_is_its_last_day_on_the_patients_clock_or_its_own(self) -> None:
        past = make_entry(earliest=date(2026, 3, 1), latest=date(2026, 3, 4))
        own_end = make_entry(expires_at=NOW)
        goes_on = make_entry(latest=TODAY)
        still_yesterday = make_entry(
            patient=make_patient(time_zone="Pacific/Honolulu"),
            earliest=date(2026, 3, 1),
            latest=date(2026, 3, 4),
        )
        early = local(2026, 3, 5, 1)
        own_end.expires_at = early
        own_end.save()

        assert services.expire_entries(now=early) == 2

        ended = WaitlistEntry.objects.filter(status="expired")
        assert set(ended) == {past, own_end}
        assert {goes_on.status, still_yesterday.status} == {"waiting"}

    def test_is_not_in_the_past_when_it_is_made(self) -> None:
        make_visit_type()

        with pytest.raises(SchedulingError):
            services.join_waitlist(
                patient_id=make_patient().pk,
                visit_type="routine",
                nurse_id=None,
                earliest=TODAY,
                latest=TOMORROW,
                parts_of_day=[],
                source="voice",
                actor="call:1",
                now=NOW,
                expires_at=NOW,
            )
