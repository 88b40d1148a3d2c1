"""What the background worker does of scheduling besides messages."""

from datetime import datetime, timedelta

import pytest
from pytest_django.fixtures import Settings

from scheduling.models import (
    Appointment,
    FreedTime,
    SlotHold,
    StaffTask,
    WaitlistEntry,
    WaitlistOffer,
)
from scheduling.services import sweeps
from tests.factories import (
    NOW,
    make_appointment,
    make_hold,
    make_nurse,
    make_patient,
    make_visit_type,
)

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def clinic_clock(settings: Settings) -> None:
    settings.CAREMATIX_NOW = NOW


@pytest.mark.django_db
class TestAskForOutcomes:
    @pytest.mark.parametrize("status", ["booked", "arrived"])
    def test_asks_once_of_a_visit_that_ended_an_hour_ago(self, status: str) -> None:
        visit = make_appointment(start=NOW - 2 * HOUR, minutes=60, status=status)

        asked = [sweeps.ask_for_outcomes(now=NOW) for _ in range(3)]

        task = StaffTask.objects.get()
        assert asked == [1, 0, 0]
        assert (task.kind, task.appointment, task.patient) == (
            StaffTask.Kind.OUTCOME, visit, visit.patient,
        )  # fmt: skip

    def test_asks_not_again_after_the_task_is_done(self) -> None:
        make_appointment(start=NOW - 3 * HOUR)
        sweeps.ask_for_outcomes(now=NOW)
        StaffTask.objects.update(status=StaffTask.Status.DONE, done_at=NOW)

        assert sweeps.ask_for_outcomes(now=NOW) == 0

    @pytest.mark.parametrize("status", ["fulfilled", "noshow", "cancelled"])
    def test_leaves_visits_with_an_outcome_alone(self, status: str) -> None:
        make_appointment(start=NOW - 3 * HOUR, status=Appointment.Status(status))

        assert sweeps.ask_for_outcomes(now=NOW) == 0

    def test_leaves_visits_alone_that_just_ended_or_are_long_past(self) -> None:
        make_appointment(start=NOW - HOUR, minutes=30)
        make_appointment(start=NOW - timedelta(days=40))

        assert sweeps.ask_for_outcomes(now=NOW) == 0


@pytest.mark.django_db
class TestHolds:
    def test_lapse_with_their_time(self) -> None:
        hold = make_hold(nurse=make_nurse(), expires_at=NOW)

        assert sweeps.expire_lapsed_holds(now=NOW) == 1

        hold.refresh_from_db()
        assert hold.state == SlotHold.State.EXPIRED

    def test_are_deleted_a_week_later_unless_they_live(self) -> None:
        nurse, long_ago = make_nurse(), NOW - timedelta(days=8)
        make_hold(nurse=nurse, state=SlotHold.State.EXPIRED, expires_at=long_ago)
        recent = make_hold(nurse=nurse, state=SlotHold.State.USED, expires_at=NOW)

        assert sweeps.purge_old_holds(now=NOW) == 1
        assert list(SlotHold.objects.all()) == [recent]


@pytest.mark.django_db
class TestFreedTimes:
    def make(self, *, done_at: datetime | None) -> FreedTime:
        return FreedTime.objects.create(
            nurse=make_nurse(), start=NOW, end=NOW + HOUR, due_at=NOW, done_at=done_at
        )

    def test_are_deleted_a_week_after_they_were_done_with(self) -> None:
        self.make(done_at=NOW - timedelta(days=8))
        recent, waiting = self.make(done_at=NOW - timedelta(days=6)), self.make(done_at=None)

        purged = [sweeps.purge_old_freed_times(now=NOW) for _ in range(2)]

        assert purged == [1, 0]
        assert set(FreedTime.objects.all()) == {recent, waiting}

    def test_that_were_offered_stay_as_long_as_their_offers(self) -> None:
        freed = self.make(done_at=NOW - timedelta(days=8))
        offer = make_offer(freed)

        kept = sweeps.purge_old_freed_times(now=NOW)
        offer.delete()

        assert kept == 0
        assert sweeps.purge_old_freed_times(now=NOW) == 1


def make_offer(freed: FreedTime) -> WaitlistOffer:
    """Store an offer of a freed time to which somebody said no."""
    entry = WaitlistEntry.objects.create(
        patient=make_patient(), visit_type=make_visit_type(), earliest=NOW.date(), latest=NOW.date(),
        source="voice", actor="call:1", waiting_since=NOW,
    )  # fmt: skip
    hold = make_hold(nurse=freed.nurse, state=SlotHold.State.RELEASED)
    return WaitlistOffer.objects.create(
        entry=entry, freed_time=freed, hold=hold, nurse=freed.nurse, start=hold.start, end=hold.end,
        status=WaitlistOffer.Status.DECLINED, expires_at=NOW,
    )  # fmt: skip
