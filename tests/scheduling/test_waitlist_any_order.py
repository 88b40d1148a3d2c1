"""No order of wishes, cancellations, sweeps and answers breaks a promise of the waitlist (scheduling reference, 12)."""

from collections import Counter
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from django.db.models import QuerySet
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from scheduling import services
from scheduling.exceptions import SlotExpired, SlotTaken
from scheduling.models import Appointment, SlotHold, WaitlistEntry, WaitlistOffer
from tests.factories import (
    NEW_YORK,
    NOW,
    TOMORROW_NINE,
    local,
    make_appointment,
    make_availability,
    make_consent,
    make_nurse,
    make_patient,
    make_visit_type,
)

HALF_HOUR = timedelta(minutes=30)
NOTICE = timedelta(hours=2)
STARTS = [TOMORROW_NINE + number * HALF_HOUR for number in range(6)]
HOURS_OF_PARTS = {"morning": range(6, 12), "afternoon": range(12, 17), "evening": range(17, 22)}
ZONES = ["", "Pacific/Honolulu", "Europe/London", "Asia/Kathmandu"]
DAYS = st.sampled_from([(5, 6), (6, 6), (5, 5), (6, 7)])
PARTS = st.sampled_from([[], [], ["morning"], ["afternoon", "evening"]])


class WaitlistMachine(RuleBasedStateMachine):
    """Two nurses with a full morning, four patients who wait, and whatever may happen until then."""

    seen: ClassVar[Counter[str]] = Counter()

    @initialize(first=st.sampled_from([0, 0, 1, 2, 3]), number=st.integers(0, 8))
    def open(self, first: int, number: int) -> None:
        self.savepoint = transaction.savepoint()
        self.now = NOW
        self.nurses = [make_nurse(works=False), make_nurse(works=False, buffer_after_minutes=10)]
        for nurse in self.nurses:
            make_availability(nurse=nurse, start=time(9), end=time(12))
        for start in STARTS:
            make_appointment(nurse=self.nurses[0], start=start)
        for start in STARTS[::2]:
            make_appointment(nurse=self.nurses[1], start=start)
        make_visit_type(code="long", length_minutes=60)
        self.patients = [make_patient(time_zone=zone) for zone in ZONES]
        for patient in self.patients:
            make_consent(patient=patient)
        later = make_appointment(patient=self.patients[0], start=local(2026, 3, 9, 10))
        self.theirs = {
            later.pk: later.start
        }  # the visits of those who wait: the first, and each yes
        self.join(who=first, kind="routine", nurse=None, days=(5, 6), parts=[])
        self.cancel(number=number)

    def teardown(self) -> None:
        """Leave nothing to the next example."""
        transaction.savepoint_rollback(self.savepoint)

    @rule(minutes=st.sampled_from([1, 10, 29, 30, 45, 120]))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(
        who=st.integers(0, 3),
        kind=st.sampled_from(["routine", "routine", "long"]),
        nurse=st.sampled_from([None, None, 0, 1]),
        days=DAYS,
        parts=PARTS,
    )
    def join(
        self, who: int, kind: str, nurse: int | None, days: tuple[int, int], parts: list[str]
    ) -> None:
        self.now += timedelta(
            seconds=1
        )  # so that no order depends on ids, which differ from run to run
        entry = services.join_waitlist(
            patient_id=self.patients[who].pk,
            visit_type=kind,
            nurse_id=None if nurse is None else self.nurses[nurse].pk,
            earliest=date(2026, 3, days[0]),
            latest=date(2026, 3, days[1]),
            parts_of_day=parts,
            source="voice",
            actor="call:1",
            now=self.now,
        )
        assert entry.status in ("waiting", "offered")

    @rule(number=st.integers(0, 8))
    def cancel(self, number: int) -> None:
        visits = self.active().filter(start__gt=self.now).order_by("nurse__created_at", "start")
        if visits:
            visit = visits[number % len(visits)]
            self.theirs.pop(visit.pk, None)
            services.cancel_appointment(
                appointment_id=visit.pk, source="dashboard", actor="user:1", now=self.now
            )

    @rule()
    def sweep(self) -> None:
        self.offer()

    @rule(
        number=st.integers(0, 8),
        after=st.sampled_from([0, 1, 29, 30]),
        answer=st.sampled_from(["yes", "yes", "no"]),
    )
    def cancel_and_hear_the_answer(self, number: int, after: int, answer: str) -> None:
        """What is likely in one go, so that an example gets somewhere."""
        self.cancel(number)
        self.offer()
        self.wait(after)
        if WaitlistOffer.objects.exists():
            if answer == "yes":
                self.say_yes(number=0)
            else:
                self.say_no(number=0)

    def offer(self) -> None:
        """Let a worker offer what became free, and check what it offers."""
        known = set(WaitlistOffer.objects.values_list("id", flat=True))
        made = services.offer_freed_times(now=self.now)
        new = WaitlistOffer.objects.exclude(pk__in=known).select_related(
            "entry__patient", "entry__visit_type", "nurse", "hold"
        )
        assert made == len(new)
        self.seen["offer"] += made
        for offer in new:
            self.check(offer)

    @precondition(lambda self: WaitlistOffer.objects.exists())
    @rule(number=st.sampled_from([0, 0, 0, 1, 2, 5]))
    def say_yes(self, number: int) -> None:
        offer = self.some_offer(number)
        was = offer.status
        yes: dict[str, Any] = {"source": "sms", "actor": "text", "now": self.now}
        if was == "accepted":
            assert services.accept_offer(offer_id=offer.pk, **yes) == offer.appointment
            return
        if was != "open" or offer.expires_at <= self.now:
            self.seen["too late"] += 1
            with pytest.raises(SlotExpired):
                services.accept_offer(offer_id=offer.pk, **yes)
            return
        visit = services.accept_offer(offer_id=offer.pk, **yes)
        assert (visit.nurse_id, visit.start, visit.status) == (
            offer.nurse_id,
            offer.start,
            "booked",
        )
        self.seen["yes"] += 1
        if offer.moves_id in self.theirs:
            self.seen["move"] += 1
            assert visit.pk == offer.moves_id
        self.theirs[visit.pk] = visit.start

    @precondition(lambda self: WaitlistOffer.objects.exists())
    @rule(number=st.sampled_from([0, 0, 0, 1, 2, 5]))
    def say_no(self, number: int) -> None:
        offer = self.some_offer(number)
        silent = offer.expires_at <= self.now
        ended = services.decline_offer(offer_id=offer.pk, now=self.now).status
        assert ended == (
            offer.status if offer.status != "open" else ("expired" if silent else "declined")
        )

    @rule(start=st.sampled_from(STARTS))
    def somebody_calls(self, start: datetime) -> None:
        """A caller gets a time exactly if no visit and no hold that is still alive is there, swept or not."""
        nurse = self.nurses[0]
        if start < self.now + NOTICE:
            return
        holds = SlotHold.objects.filter(state="live", expires_at__gt=self.now)
        busy = any(
            rows.filter(
                nurse=nurse, blocked_from__lt=start + HALF_HOUR, blocked_until__gt=start
            ).exists()
            for rows in (self.active(), holds)
        )
        try:
            services.book_appointment(
                patient_id=make_patient().pk,
                nurse_id=nurse.pk,
                start=start,
                visit_type="routine",
                source="voice",
                actor="call:2",
                now=self.now,
            )
        except SlotTaken:
            assert busy
        else:
            assert not busy

    @rule(number=st.integers(0, 9))
    def leave(self, number: int) -> None:
        entries = WaitlistEntry.objects.filter(status__in=("waiting", "offered"))
        if entries:
            entry = entries.order_by("created_at")[number % len(entries)]
            assert services.leave_waitlist(entry_id=entry.pk, now=self.now).status == "cancelled"

    @invariant()
    def no_two_hold_one_time(self) -> None:
        held = SlotHold.objects.filter(state="live").order_by("nurse_id", "blocked_from")
        spans = list(held.values_list("nurse_id", "blocked_from", "blocked_until"))
        assert not any(
            one[0] == next_one[0] and one[2] > next_one[1] for one, next_one in pairwise(spans)
        )

    @invariant()
    def nobody_is_booked_without_a_yes(self) -> None:
        stored = self.active().filter(patient__in=self.patients)
        assert dict(stored.values_list("id", "start")) == self.theirs

    @invariant()
    def an_entry_gets_a_time_once(self) -> None:
        offered = list(WaitlistOffer.objects.values_list("entry_id", "nurse_id", "start"))
        assert len(offered) == len(set(offered))

    @invariant()
    def an_entry_is_offered_exactly_while_its_offer_is_open(self) -> None:
        offers = WaitlistOffer.objects.filter(status="open")
        entries = WaitlistEntry.objects.filter(status="offered")
        assert sorted(offers.values_list("entry_id", flat=True)) == sorted(
            entries.values_list("id", flat=True)
        )
        assert not offers.exclude(hold__state__in=("live", "expired")).exists()

    def check(self, offer: WaitlistOffer) -> None:
        """Hold an offer made just now to the rules, in other words than the engine's."""
        entry, patient, start = offer.entry, offer.entry.patient, offer.start
        zone = ZoneInfo(patient.time_zone) if patient.time_zone else NEW_YORK
        shown, clock = start.astimezone(zone), self.now.astimezone(zone)
        assert entry.earliest <= shown.date() <= entry.latest
        assert not entry.parts_of_day or any(
            shown.hour in HOURS_OF_PARTS[part] for part in entry.parts_of_day
        )
        assert entry.nurse_id in (None, offer.nurse_id)
        assert 8 <= clock.hour < 21
        assert start - self.now >= max(NOTICE, timedelta(minutes=entry.minimum_warning_minutes))
        assert start in STARTS
        assert offer.end == start + timedelta(minutes=entry.visit_type.length_minutes)
        assert offer.end <= TOMORROW_NINE + timedelta(hours=3)
        assert self.now < offer.expires_at <= self.now + HALF_HOUR
        ends = offer.end + timedelta(minutes=offer.nurse.buffer_after_minutes)
        others = self.active().exclude(pk__in=[offer.moves_id] if offer.moves_id else [])
        in_the_way = others.filter(
            nurse=offer.nurse_id, blocked_from__lt=ends, blocked_until__gt=start
        )
        assert not in_the_way.exists()
        assert not others.filter(patient=patient, start__lt=offer.end, end__gt=start).exists()
        assert offer.moves is None or offer.moves.start > start

    def some_offer(self, number: int) -> WaitlistOffer:
        """Return one of all offers so far, open ones first."""
        offers = list(WaitlistOffer.objects.select_related("appointment").order_by("created_at"))
        offers.sort(key=lambda offer: offer.status != "open")
        return offers[number % len(offers)]

    def active(self) -> QuerySet[Appointment]:
        """Return the visits that occupy their people."""
        return Appointment.objects.filter(status__in=("booked", "arrived"))


@pytest.mark.django_db
def test_no_order_of_events_breaks_a_promise() -> None:
    run_state_machine_as_test(
        WaitlistMachine, settings=settings(max_examples=40, stateful_step_count=20, deadline=None)
    )

    assert all(WaitlistMachine.seen[what] for what in ("offer", "yes", "move", "too late"))
