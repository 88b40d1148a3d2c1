"""Workers, staff and patients at one freed time, at once, on each database (scheduling reference, case 29)."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.factories import NOW
from tests.scheduling.racing import DATABASES, database, migrated, run

ANSWER_BY = (NOW + timedelta(minutes=30)).isoformat()
BEFORE_THAT = (NOW + timedelta(minutes=29)).isoformat()

CLINIC = """
import django; django.setup()
from datetime import date, timedelta
from scheduling import services
from scheduling.models import WaitlistEntry, WaitlistOffer
from tests.factories import *
nurse = make_nurse()
visits = [make_appointment(nurse=nurse, start=TOMORROW_NINE + n * timedelta(minutes=30)) for n in range(16)]
def wish(minutes):
    patient = make_patient()
    make_consent(patient=patient)
    kind = make_visit_type(code=f"of{minutes}", length_minutes=minutes)
    WaitlistEntry.objects.create(
        patient=patient, visit_type=kind, earliest=date(2026, 3, 6), latest=date(2026, 3, 6),
        source="voice", actor="call:1", waiting_since=NOW,
    )
def cancel(visit):
    services.cancel_appointment(appointment_id=visit.pk, source="dashboard", actor="user:1", now=NOW)
"""
STATE = """
import django; django.setup()
from scheduling.models import Appointment, SlotHold, WaitlistEntry, WaitlistOffer
live = sorted((h.blocked_from, h.blocked_until) for h in SlotHold.objects.filter(state="live"))
print(sum(a[1] > b[0] for a, b in zip(live, live[1:])), len(live))
print(*sorted(WaitlistOffer.objects.values_list("status", flat=True)))
print(*sorted(WaitlistEntry.objects.values_list("status", flat=True)))
print(Appointment.objects.filter(source="sms", status="booked").count())
print(*sorted({str(o.end - o.start) for o in WaitlistOffer.objects.all()}))
"""


@pytest.fixture(scope="module", params=DATABASES)
def empty(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str]]:
    """Make an empty database for these tests; return its kind and its address."""
    folder = tmp_path_factory.mktemp("waitlist")
    with database(request.param, "waitlist_empty", folder) as address:
        yield request.param, migrated(address)


@pytest.fixture
def address(empty: tuple[str, str], tmp_path: Path) -> Iterator[str]:
    """Make a copy of the empty database for one test alone."""
    kind, template = empty
    with database(kind, "waitlist_race", tmp_path, template=template) as copy:
        yield copy


def race(address: str, *acts: str) -> Counter[str]:
    """Let everybody act at once; return how each act ended."""
    return Counter(run(address, "-m", "tests.scheduling.waitlist_racer", *acts).splitlines())


def state(address: str) -> list[str]:
    """Return overlaps and number of live holds, offers, entries, visits booked by a yes, lengths offered."""
    return run(address, "-c", STATE).splitlines()


class TestTenWorkers:
    def test_make_one_offer_of_one_time(self, address: str) -> None:
        run(address, "-c", CLINIC + "[wish(30) for _ in range(5)]; cancel(visits[2])")

        outcomes = race(address, *[f"sweep/{NOW.isoformat()}"] * 10)

        assert outcomes == {"sweep 1": 1, "sweep 0": 9}
        assert state(address)[:2] == ["0 1", "open"]

    def test_make_one_offer_to_one_entry(self, address: str) -> None:
        """Two times of different nurses are free, and one patient waits."""
        make = CLINIC + "wish(30); cancel(visits[2]); cancel(make_appointment(start=TOMORROW_NINE))"
        run(address, "-c", make)

        outcomes = race(address, *[f"sweep/{NOW.isoformat()}"] * 10)

        assert outcomes["sweep 1"] == 1
        assert outcomes.total() == outcomes["sweep 0"] + 1
        assert state(address)[:3] == ["0 1", "open", "offered"]


class TestTwoCancellationsAtOnce:
    def test_free_an_hour_for_a_wish_of_an_hour(self, address: str) -> None:
        ids = run(address, "-c", CLINIC + "wish(60); print(visits[2].pk, visits[3].pk)").split()
        now = NOW.isoformat()

        cancelled = race(address, *(f"cancel/{now}/{visit}" for visit in ids))
        swept = race(address, *[f"sweep/{now}"] * 4)

        assert cancelled == {"cancel cancelled": 2}
        assert swept == {"sweep 1": 1, "sweep 0": 3}
        assert state(address) == ["0 1", "open", "offered", "0", "1:00:00"]

    def test_while_workers_sweep_never_give_one_time_to_two(self, address: str) -> None:
        make = "[wish(minutes) for minutes in (60, 30, 60, 30)]; print(visits[2].pk, visits[3].pk)"
        ids = run(address, "-c", CLINIC + make).split()
        now = NOW.isoformat()

        outcomes = race(address, *(f"cancel/{now}/{visit}" for visit in ids), *[f"sweep/{now}"] * 8)
        race(address, *[f"sweep/{now}"] * 4)

        assert outcomes["cancel cancelled"] == 2
        assert outcomes.keys() <= {"cancel cancelled", "sweep 0", "sweep 1", "sweep 2"}
        overlaps, live = state(address)[0].split()
        assert overlaps == "0"
        assert live in {"1", "2"}


class TestAYesThatRacesWithTheEnd:
    def test_is_booked_or_expired_and_never_both(self, address: str) -> None:
        make = "wish(30); cancel(visits[2]); services.offer_freed_times(now=NOW);"
        offer = run(address, "-c", CLINIC + make + "print(WaitlistOffer.objects.get().pk)").strip()

        outcomes = race(
            address,
            *[f"accept/{BEFORE_THAT}/{offer}"] * 5,
            *[f"sweep/{ANSWER_BY}"] * 5,
        )

        booked = outcomes["accept booked"]
        assert outcomes["sweep 0"] == 5
        assert outcomes["accept slot_expired"] == 5 - booked
        expected = (
            ["0 0", "accepted", "booked", "1"] if booked else ["0 0", "expired", "waiting", "0"]
        )
        assert booked in {0, 5}
        assert state(address)[:4] == expected

    def test_or_with_a_no_has_one_end(self, address: str) -> None:
        make = "wish(30); cancel(visits[2]); services.offer_freed_times(now=NOW);"
        offer = run(address, "-c", CLINIC + make + "print(WaitlistOffer.objects.get().pk)").strip()
        now = NOW.isoformat()

        outcomes = race(address, *[f"accept/{now}/{offer}"] * 4, *[f"decline/{now}/{offer}"] * 4)

        taken = ["0 0", "accepted", "booked", "1"]
        passed = ["0 0", "declined", "waiting", "0"]
        assert outcomes in (
            {"accept booked": 4, "decline accepted": 4},
            {"accept slot_expired": 4, "decline declined": 4},
        )
        assert state(address)[:4] == (taken if outcomes["accept booked"] else passed)
