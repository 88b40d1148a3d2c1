"""Who is offered a freed time, and how wishes end (scheduling reference, section 12)."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.conf import LazySettings

from scheduling import services
from scheduling.exceptions import InvalidTransition, NotFound, SchedulingError
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
    local,
    make_appointment,
    make_assignment,
    make_consent,
    make_hold,
    make_nurse,
    make_patient,
    make_visit_type,
)
from tests.scheduling.waiting import (
    ANSWER_BY,
    BY_TEXT,
    HALF_HOUR,
    TODAY,
    TOMORROW,
    cancel,
    full_day,
    make_entry,
    make_reachable,
    offer_of,
)

pytestmark = pytest.mark.django_db
NIGHT = local(2026, 3, 5, 22)
MORNING = local(2026, 3, 6, 8)


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
