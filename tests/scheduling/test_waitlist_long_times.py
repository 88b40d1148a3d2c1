"""A long freed time is on offer in parts to several at once (scheduling reference, section 12)."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scheduling import services
from scheduling.models import Appointment, FreedTime, Nurse, WaitlistEntry, WaitlistOffer
from scheduling.selectors.waitlist import who_is_next
from scheduling.selectors.waitlist_candidates import TOGETHER
from scheduling.services.freed_times import record_freed_time
from tests.factories import (
    NOW,
    TOMORROW_NINE,
    make_appointment,
    make_assignment,
    make_consent,
    make_nurse,
    make_patient,
    make_visit_type,
)

pytestmark = pytest.mark.django_db

HALF_HOUR = timedelta(minutes=30)
ANSWER_BY = NOW + HALF_HOUR
TOMORROW = TOMORROW_NINE.date()


def make_wish(*, agreed: bool = True, patient: Any = None, **fields: Any) -> WaitlistEntry:
    """Store a wish for a visit tomorrow, of somebody who agreed to texts."""
    patient = patient or make_patient()
    if agreed:
        make_consent(patient=patient)
    given: dict[str, Any] = {
        "visit_type": make_visit_type(),
        "earliest": TOMORROW,
        "latest": TOMORROW,
        "source": "voice",
        "actor": "call:1",
        "waiting_since": NOW,
    }
    return WaitlistEntry.objects.create(patient=patient, **given | fields)


def free(nurse: Nurse, *, hours: int, now: Any = NOW) -> FreedTime:
    """Note that a nurse's first hours of tomorrow became free."""
    freed = record_freed_time(
        nurse_id=nurse.pk, start=TOMORROW_NINE, end=TOMORROW_NINE + timedelta(hours=hours), now=now
    )
    assert freed is not None
    return freed


class TestALongTime:
    def test_is_offered_in_parts_that_do_not_meet(self) -> None:
        wishes = [make_wish(priority=-number) for number in range(6)]
        free(make_nurse(), hours=2)

        made = services.offer_freed_times(now=NOW)

        spans = list(WaitlistOffer.objects.order_by("start").values_list("start", "end"))
        assert made == 4  # four half hours; the free afternoon beside them is no news to the others
        assert all(one[1] <= other[0] for one, other in pairwise(spans))
        assert [wish.offers.count() for wish in wishes] == [1, 1, 1, 1, 0, 0]

    def test_keeps_the_buffers_between_its_parts(self) -> None:
        for _ in range(4):
            make_wish()
        free(make_nurse(buffer_after_minutes=30), hours=2)

        services.offer_freed_times(now=NOW)

        offers = WaitlistOffer.objects.order_by("start").values_list("start", flat=True)
        assert list(offers) == [TOMORROW_NINE, TOMORROW_NINE + 2 * HALF_HOUR]

    def test_goes_on_to_the_next_where_somebody_says_no(self) -> None:
        for number in range(5):
            make_wish(priority=-number)
        free(make_nurse(), hours=2)
        services.offer_freed_times(now=NOW)
        refused = WaitlistOffer.objects.order_by("start")[1]

        services.decline_offer(offer_id=refused.pk, now=NOW)

        assert services.offer_freed_times(now=NOW) == 1
        assert WaitlistOffer.objects.get(entry__priority=-4).start == refused.start

    def test_is_not_offered_again_to_those_who_were_silent(self) -> None:
        wish = make_wish()
        free(make_nurse(), hours=4)
        services.offer_freed_times(now=NOW)

        services.offer_freed_times(now=ANSWER_BY)

        assert wish.offers.get().status == "expired"
        assert FreedTime.objects.get().done_at == ANSWER_BY

    def test_waits_for_the_first_answer_that_is_due(self) -> None:
        make_wish()
        freed = free(make_nurse(), hours=4)

        services.offer_freed_times(now=NOW)
        freed.refresh_from_db()
        newcomer = make_wish()
        services.offer_freed_times(now=ANSWER_BY)

        assert (freed.due_at, freed.done_at) == (ANSWER_BY, None)
        assert newcomer.offers.get().status == "open"

    def test_can_be_taken_by_all_who_were_asked(self) -> None:
        for _ in range(4):
            make_wish()
        free(make_nurse(), hours=2)
        services.offer_freed_times(now=NOW)

        for offer in WaitlistOffer.objects.all():
            services.accept_offer(offer_id=offer.pk, source="sms", actor="text", now=NOW)

        assert Appointment.objects.filter(status="booked").count() == 4


class TestWhoIsNext:
    def queries(self, freed: FreedTime) -> int:
        freed = FreedTime.objects.select_related("nurse").get(pk=freed.pk)
        with CaptureQueriesContext(connection) as captured:
            who_is_next(freed=freed, now=NOW)
        return len(captured)

    def test_costs_three_queries_more_for_each_fifty_who_cannot_come(self) -> None:
        freed = free(make_nurse(), hours=1)
        make_wish(parts_of_day=["evening"])
        for_one = self.queries(freed)
        for _ in range(299):
            make_wish(parts_of_day=["evening"])

        for_many = self.queries(freed)

        assert for_one <= 20
        assert for_many == for_one + 3 * (300 // TOGETHER - 1)

    def test_ends_with_the_first_batch_that_has_somebody(self) -> None:
        freed = free(make_nurse(), hours=1)
        make_wish(priority=1)
        for_one = self.queries(freed)
        for _ in range(299):
            make_wish()

        assert self.queries(freed) == for_one

    def test_finds_somebody_behind_many_who_cannot_come(self) -> None:
        for _ in range(TOGETHER + 1):
            make_wish(parts_of_day=["evening"], priority=1)
        fitting = make_wish()

        found = who_is_next(freed=free(make_nurse(), hours=1), now=NOW).suggestion

        assert found is not None
        assert (found.entry, found.start) == (fitting, TOMORROW_NINE)

    def test_passes_over_those_who_took_their_yes_to_texts_back(self) -> None:
        wish = make_wish()
        make_consent(patient=wish.patient, granted=False, recorded_at=NOW)

        assert who_is_next(freed=free(make_nurse(), hours=1), now=NOW).suggestion is None

    def test_hears_a_refusal_from_the_number_itself(self) -> None:
        wish = make_wish()
        number = wish.patient.phone
        make_consent(patient=make_patient(), phone=number, granted=False, recorded_at=NOW)

        assert who_is_next(freed=free(make_nurse(), hours=1), now=NOW).suggestion is None

    def test_passes_over_those_whom_the_nurse_may_not_see(self) -> None:
        nurse, wish = make_nurse(), make_wish()
        make_assignment(nurse=nurse, patient=wish.patient, primary=False, closed=True)

        assert who_is_next(freed=free(nurse, hours=1), now=NOW).suggestion is None

    def test_asks_for_the_license_where_the_visit_needs_it(self) -> None:
        kind = make_visit_type(code="at-home", in_patient_state=True)
        nurse = make_nurse(license_state="NY")
        make_wish(visit_type=kind, patient=make_patient(state="NJ"), priority=1)
        near = make_wish(visit_type=kind, patient=make_patient(state="NY"))

        found = who_is_next(freed=free(nurse, hours=1), now=NOW).suggestion

        assert found is not None
        assert found.entry == near

    def test_asks_around_the_patients_own_visits(self) -> None:
        nurse, wish = make_nurse(), make_wish()
        make_appointment(
            patient=wish.patient, start=TOMORROW_NINE, visit_type=make_visit_type(code="other")
        )

        found = who_is_next(freed=free(nurse, hours=1), now=NOW).suggestion

        assert found is not None
        assert found.start == TOMORROW_NINE + HALF_HOUR

    def test_sees_the_time_of_the_visit_that_would_be_moved_as_free(self) -> None:
        nurse = make_nurse(daily_cap=1)
        wish = make_wish()
        later = make_appointment(
            nurse=nurse, patient=wish.patient, start=TOMORROW_NINE + 4 * HALF_HOUR
        )

        found = who_is_next(freed=free(nurse, hours=1), now=NOW).suggestion

        assert found is not None
        assert (found.start, found.moves) == (TOMORROW_NINE, later)
