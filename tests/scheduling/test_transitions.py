"""What may become of a visit: the table of scheduling reference, section 8, against a second telling of it."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from scheduling import services
from scheduling.exceptions import InvalidTransition, SchedulingError, TooEarly, TooLate
from scheduling.models import Appointment, AppointmentChange
from scheduling.services.transitions import ANY, TRANSITIONS, transition_for
from tests.factories import NOW, make_appointment, make_nurse, make_patient, make_visit_type

# Written out by hand from the reference, so that the table in the code is compared with something.
ALLOWED = {
    ("booked", "arrived"),
    ("booked", "fulfilled"),
    ("arrived", "fulfilled"),
    ("booked", "noshow"),
    ("booked", "cancelled"),
    ("arrived", "cancelled"),
    ("noshow", "arrived"),
    ("noshow", "fulfilled"),
    ("booked", "entered-in-error"),
    ("arrived", "entered-in-error"),
    ("fulfilled", "entered-in-error"),
    ("noshow", "entered-in-error"),
    ("cancelled", "entered-in-error"),
}
ACTS: dict[str, Callable[..., Appointment]] = {
    "arrived": services.arrive,
    "fulfilled": services.fulfil,
    "noshow": services.record_no_show,
    "cancelled": services.cancel_appointment,
    "entered-in-error": services.enter_in_error,
}


class TestTable:
    @pytest.mark.parametrize("target", ACTS)
    @pytest.mark.parametrize("status", sorted(ANY))
    def test_allows_exactly_what_the_reference_allows(self, status: str, target: str) -> None:
        try:
            allowed = transition_for(kind=target, status=status, source="dashboard").target
        except InvalidTransition:
            allowed = ""

        assert allowed == (target if (status, target) in ALLOWED else "")

    def test_never_leads_back_to_booked(self) -> None:
        targets = {way.target for ways in TRANSITIONS.values() for way in ways}

        assert "booked" not in targets

    @pytest.mark.parametrize("kind", sorted(set(ACTS) - {"cancelled"}))
    @pytest.mark.parametrize("source", ["voice", "keypad", "sms"])
    def test_leaves_patients_nothing_but_cancelling(self, kind: str, source: str) -> None:
        with pytest.raises(InvalidTransition):
            transition_for(kind=kind, status="booked", source=source)


class VisitMachine(RuleBasedStateMachine):
    """One visit, a rising clock, and anything that anybody may try."""

    @initialize()
    def book(self) -> None:
        make_visit_type()
        self.now = NOW
        self.visit = make_appointment(nurse=make_nurse(), patient=make_patient())
        self.start, self.end = self.visit.start, self.visit.end
        self.status, self.sequence, self.version = "booked", 0, 1

    @rule(minutes=st.sampled_from([1, 14, 16, 45, 61, 600, 1380, 11_000]))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(outcome=st.sampled_from(sorted(ACTS)), source=st.sampled_from(["voice", "dashboard"]))
    def try_to_end(self, outcome: str, source: str) -> None:
        extra: dict[str, Any] = {"reason": "mistake"} if outcome == "entered-in-error" else {}
        expected = self.expected(outcome, source)
        act = partial(
            ACTS[outcome],
            appointment_id=self.visit.pk,
            source=source,
            actor="test",
            now=self.now,
            **extra,
        )
        if expected is not None:
            with pytest.raises(expected):
                act()
            return
        act()
        if outcome == "cancelled" and self.status == "cancelled":
            return  # a repetition changes nothing
        self.status = outcome
        self.sequence += 1
        self.version += 1

    @rule(days=st.sampled_from([1, 3, 4]), source=st.sampled_from(["voice", "dashboard"]))
    def try_to_move(self, days: int, source: str) -> None:
        before = self.start
        target = before + timedelta(days=days)
        try:
            moved = services.reschedule_appointment(
                appointment_id=self.visit.pk,
                nurse_id=self.visit.nurse_id,
                start=target,
                source=source,
                actor="test",
                now=self.now,
            )
        except SchedulingError:
            return
        assert self.status == "booked"
        assert self.now < self.end
        self.start, self.end = moved.start, moved.end
        self.sequence += 1
        self.version += 1

    @invariant()
    def row_and_history_agree(self) -> None:
        stored = Appointment.objects.get(pk=self.visit.pk)
        assert (stored.status, stored.start) == (self.status, self.start)
        assert (stored.sequence, stored.version) == (self.sequence, self.version)
        history = AppointmentChange.objects.filter(appointment=stored).order_by("version")
        replayed: dict[str, Any] = {"status": "booked"}
        for change in history:
            replayed |= change.new
        assert replayed["status"] == stored.status
        assert len(history) == stored.version - 1  # the factory's row has no first line

    def expected(self, target: str, source: str) -> type[SchedulingError] | None:
        """Say what the reference demands, in other words than the code's table."""
        ahead = self.start - self.now
        if target == "cancelled":
            if self.status == "cancelled":
                return None
            if self.status in ("booked", "arrived") and source == "voice":
                return TooLate if ahead < timedelta(hours=2) else None
            return None if (self.status, target) in ALLOWED else InvalidTransition
        if source == "voice" or (self.status, target) not in ALLOWED:
            return InvalidTransition
        if target == "entered-in-error":
            return None
        if self.status == "noshow":
            return TooLate if self.now > self.end + timedelta(days=7) else None
        if target == "arrived":
            if ahead > timedelta(hours=1):
                return TooEarly
            return TooLate if self.now > self.end + timedelta(hours=12) else None
        earliest = self.start + timedelta(minutes=15 if target == "noshow" else 0)
        return TooEarly if self.now < earliest else None


@pytest.mark.django_db
def test_no_order_of_events_breaks_the_table_or_the_history() -> None:
    run_state_machine_as_test(
        VisitMachine, settings=settings(max_examples=40, stateful_step_count=15, deadline=None)
    )
