"""Times that are kept for somebody (scheduling reference, section 6)."""

from datetime import timedelta
from typing import Any

import pytest

from scheduling import services
from scheduling.exceptions import LimitReached, SlotTaken
from scheduling.models import Nurse, SlotHold
from tests.factories import (
    NOW,
    TOMORROW_NINE,
    make_appointment,
    make_hold,
    make_nurse,
    make_visit_type,
)
from tests.scheduling.visits import HALF_HOUR, OWNER, book

pytestmark = pytest.mark.django_db


class TestHoldSlot:
    def hold(self, nurse: Nurse, **more: Any) -> SlotHold:
        make_visit_type()
        given: dict[str, Any] = {
            "owner": OWNER,
            "start": TOMORROW_NINE,
            "visit_type": "routine",
            "patient_id": None,
            "now": NOW,
        }
        return services.hold_slot(nurse_id=nurse.pk, **given | more)

    def test_lasts_two_minutes(self) -> None:
        assert self.hold(make_nurse()).expires_at == NOW + timedelta(seconds=120)

    def test_of_a_second_owner_is_refused(self) -> None:
        nurse = make_nurse()
        self.hold(nurse)

        with pytest.raises(SlotTaken):
            self.hold(nurse, owner="call:another")

    def test_of_a_second_owner_succeeds_after_the_first_expired(self) -> None:
        nurse = make_nurse()
        self.hold(nurse)

        later = self.hold(nurse, owner="call:another", now=NOW + timedelta(seconds=120))

        assert later.owner == "call:another"

    def test_of_a_time_that_is_booked_is_refused(self) -> None:
        taken = make_appointment()

        with pytest.raises(SlotTaken):
            self.hold(taken.nurse)

    def test_replaces_the_owners_earlier_proposal_and_offer(self) -> None:
        nurse = make_nurse()
        offer = self.hold(nurse, purpose="offer")
        first = self.hold(nurse)

        second = self.hold(nurse, start=TOMORROW_NINE + HALF_HOUR)

        live = SlotHold.objects.filter(state="live")
        assert set(live) == {second}
        assert {offer, first} == set(SlotHold.objects.filter(state="released"))

    def test_as_an_offer_leaves_an_open_proposal_alone(self) -> None:
        nurse = make_nurse()
        proposal = self.hold(nurse)

        offer = self.hold(nurse, start=TOMORROW_NINE + HALF_HOUR, purpose="offer")
        same = self.hold(nurse, purpose="offer")

        assert same == proposal
        assert set(SlotHold.objects.filter(state="live")) == {proposal, offer}

    def test_of_a_fourth_time_is_refused(self) -> None:
        nurse = make_nurse()
        for number in range(1, 4):
            make_hold(
                nurse=nurse,
                owner=OWNER,
                purpose="waitlist",
                start=TOMORROW_NINE + number * HALF_HOUR,
            )

        with pytest.raises(LimitReached):
            self.hold(nurse)

    def test_can_lie_over_the_visit_that_is_to_be_moved(self) -> None:
        visit = make_appointment(start=TOMORROW_NINE + timedelta(minutes=15))
        nurse = visit.nurse

        hold = self.hold(nurse, patient_id=visit.patient_id, ignore_appointment_id=visit.pk)

        assert hold.state == "live"

    def test_is_given_up_by_hanging_up(self) -> None:
        """Tricky case 24."""
        nurse = make_nurse()
        self.hold(nurse)

        released = services.release_holds(owner=OWNER, now=NOW)

        assert released == 1
        assert book(nurse=nurse).status == "booked"

    def test_is_tidied_up_when_its_time_is_over(self) -> None:
        self.hold(make_nurse())

        assert services.expire_holds(now=NOW + timedelta(seconds=119)) == 0
        assert services.expire_holds(now=NOW + timedelta(seconds=120)) == 1
