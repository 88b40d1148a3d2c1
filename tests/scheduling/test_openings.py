"""Free times on the database: what a search reads, what it lets count as taken, and what it offers first."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scheduling.exceptions import NotAvailable
from scheduling.models import Appointment, Holiday
from scheduling.selectors import Openings, find_openings
from scheduling.selectors.openings import check_start
from tests.factories import (
    make_appointment,
    make_assignment,
    make_availability,
    make_hold,
    make_nurse,
    make_override,
    make_patient,
    make_specialization,
    make_visit_type,
)

pytestmark = pytest.mark.django_db
NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday, 07:00 in New York
TUESDAY = datetime(2026, 3, 3, tzinfo=NEW_YORK)


def at(hour: int, minute: int = 0, day: datetime = TUESDAY) -> datetime:
    return day.replace(hour=hour, minute=minute).astimezone(UTC)


def search(**changes: Any) -> Openings:
    make_visit_type()
    wish: dict[str, Any] = {"now": NOW, "since": at(0), "until": at(0) + timedelta(days=1)}
    return find_openings(**wish | changes)


def starts(found: Openings) -> list[datetime]:
    return [opening.start for opening in found.slots]


class TestQueries:
    @pytest.mark.parametrize(("nurses", "visits"), [(1, 0), (30, 10)])
    def test_are_five_whatever_the_numbers(self, nurses: int, visits: int) -> None:
        make_visit_type()
        patient = make_patient()
        for _ in range(nurses):
            nurse = make_nurse()
            make_override(nurse=nurse, date=date(2026, 3, 4))
            for visit in range(visits):
                make_appointment(nurse=nurse, start=at(9) + timedelta(minutes=30 * visit))

        until = at(0) + timedelta(days=1)
        with CaptureQueriesContext(connection) as queries:
            find_openings(now=NOW, since=at(0), until=until, patient_id=patient.pk, order="care")

        assert len(queries) == 5


class TestWhatIsTaken:
    def test_is_an_active_visit_with_the_buffers_it_was_booked_with(self) -> None:
        """Case 14: the buffers may have changed since."""
        nurse = make_nurse()
        start = at(10)
        make_appointment(
            nurse=nurse,
            start=start,
            blocked_from=start - timedelta(minutes=10),
            blocked_until=start + timedelta(minutes=40),
        )

        found = starts(search())

        assert {at(9, 30), at(10), at(10, 30)} & set(found) == set()
        assert at(9) in found

    @pytest.mark.parametrize("status", ["cancelled", "noshow", "fulfilled", "entered-in-error"])
    def test_is_no_visit_that_is_over_or_cancelled(self, status: str) -> None:
        make_appointment(nurse=make_nurse(), start=at(10), status=status)

        assert at(10) in starts(search())

    def test_is_a_live_hold_of_somebody_else_only(self) -> None:
        make_hold(
            nurse=make_nurse(), owner="call:1", start=at(10), expires_at=NOW + timedelta(minutes=1)
        )

        assert at(10) not in starts(search())
        assert at(10) in starts(search(hold_owner="call:1"))

    def test_is_no_hold_that_has_expired_although_no_sweep_has_run(self) -> None:
        """Case 23."""
        make_hold(nurse=make_nurse(), start=at(10), expires_at=NOW)

        assert at(10) in starts(search())

    def test_is_a_visit_of_the_patient_with_another_nurse(self) -> None:
        """Case 19."""
        patient = make_patient()
        make_appointment(patient=patient, nurse=make_nurse(), start=at(10))
        free = make_nurse()

        found = search(patient_id=patient.pk, nurse_ids=[free.pk])

        assert at(10) not in starts(found)
        assert at(10) in starts(search(nurse_ids=[free.pk]))

    def test_is_not_the_visit_that_is_being_moved(self) -> None:
        visit = make_appointment(nurse=make_nurse(), start=at(10))

        found = search(patient_id=visit.patient_id, ignore_appointment_id=visit.pk)

        assert at(10, 30) in starts(found)
        assert at(10) in starts(found)


class TestWhoIsOffered:
    def test_speaks_the_language_and_has_the_specialization(self) -> None:
        wounds = make_specialization(code="wounds")
        make_nurse(languages=["en"])
        chosen = make_nurse(languages=["en", "es"], specializations=[wounds])

        found = search(language="es", specialization_id=wounds.pk)

        assert {opening.nurse_id for opening in found.slots} == {chosen.pk}

    def test_has_the_license_of_the_patient_s_state_where_the_visit_needs_it(self) -> None:
        make_visit_type(code="follow_up", in_patient_state=True)
        make_nurse(license_state="NJ")
        chosen = make_nurse(license_state="NY")

        found = search(visit_type="follow_up", patient_id=make_patient(state="NY").pk)

        assert {opening.nurse_id for opening in found.slots} == {chosen.pk}

    def test_is_never_a_nurse_who_is_closed_to_the_patient(self) -> None:
        patient = make_patient()
        make_assignment(patient=patient, nurse=make_nurse(), primary=False, closed=True)

        assert search(patient_id=patient.pk).reason == "no_hours"

    def test_is_asked_for_a_kind_of_visit_that_exists(self) -> None:
        with pytest.raises(NotAvailable):
            search(visit_type="haircut")


class TestOrder:
    def test_is_by_start_and_continuity_decides_between_equal_times(self) -> None:
        patient = make_patient()
        make_nurse()
        own = make_nurse()
        make_nurse()
        make_assignment(patient=patient, nurse=own)

        found = search(patient_id=patient.pk, limit=4)

        assert starts(found)[:3] == [at(9)] * 3
        assert found.slots[0].nurse_id == own.pk

    def test_by_care_puts_the_primary_nurse_first_though_she_is_later(self) -> None:
        patient = make_patient()
        make_nurse()
        own = make_nurse()
        make_assignment(patient=patient, nurse=own)
        make_appointment(nurse=own, start=at(9))

        found = search(patient_id=patient.pk, order="care", limit=2)

        assert [opening.nurse_id for opening in found.slots] == [own.pk, own.pk]
        assert found.slots[0].start == at(9, 30)

    def test_by_care_offers_somebody_earlier_when_the_primary_nurse_is_too_late(self) -> None:
        make_visit_type(code="follow_up", continuity_patience_days=0)
        patient = make_patient()
        other = make_nurse()
        own = make_nurse()
        make_assignment(patient=patient, nurse=own)
        make_appointment(nurse=own, start=at(9))

        found = search(visit_type="follow_up", patient_id=patient.pk, order="care", limit=2)

        assert [(o.nurse_id, o.start) for o in found.slots] == [
            (other.pk, at(9)),
            (own.pk, at(9, 30)),
        ]

    def test_prefers_of_two_nurses_the_one_with_the_emptier_week(self) -> None:
        full, empty = make_nurse(), make_nurse()
        for hour in range(11, 17):
            make_appointment(nurse=full, start=at(hour))

        found = search(limit=1)

        assert found.slots[0].nurse_id == empty.pk

    def test_looks_at_the_whole_week_although_a_part_of_it_is_searched(self) -> None:
        friday = TUESDAY + timedelta(days=3)
        for _ in range(8):  # whoever would come first by rotation, she is not always the empty one
            full, empty = make_nurse(), make_nurse()
            for hour in range(9, 13):
                make_appointment(nurse=full, start=at(hour, day=friday))

            found = search(limit=1, until=at(12), nurse_ids=[full.pk, empty.pk])

            assert found.slots[0].nurse_id == empty.pk

    def test_counts_no_visit_of_the_week_before(self) -> None:
        last_week = TUESDAY - timedelta(days=4)
        for _ in range(8):
            full, empty = make_nurse(), make_nurse()
            for hour in range(12, 17):
                make_appointment(nurse=full, start=at(hour))
            for hour in range(9, 17):
                make_appointment(nurse=empty, start=at(hour, day=last_week))

            found = search(limit=1, until=at(12), nurse_ids=[full.pk, empty.pk])

            assert found.slots[0].nurse_id == empty.pk

    def test_of_spoken_offers_leaves_two_hours_between_them_however_many_nurses_are_free(
        self,
    ) -> None:
        for _ in range(40):
            make_nurse()

        found = search(spread=True, limit=3)

        assert starts(found) == [at(9), at(11), at(13)]

    def test_of_spoken_offers_fills_up_with_near_times_when_there_is_nothing_else(self) -> None:
        make_nurse()

        found = search(spread=True, limit=3, latest=time(10, 30))

        assert starts(found) == [at(9), at(9, 30), at(10)]

    def test_leaves_out_what_was_refused(self) -> None:
        nurse = make_nurse()

        found = search(exclude=[(nurse.pk, at(9))], limit=1)

        assert starts(found) == [at(9, 30)]


class TestPartOfDay:
    def test_is_read_in_the_zone_of_the_patient(self) -> None:
        make_nurse()

        found = search(part_of_day="evening", zone=ZoneInfo("Europe/Berlin"))

        assert starts(found)[0] == at(11)  # 17:00 in Berlin
        assert starts(found)[-1] == at(15, 30)  # 21:30 in Berlin

    def test_until_midnight_means_until_the_end_of_the_day(self) -> None:
        make_nurse()

        assert starts(search(latest=time(0))) == starts(search())


class TestClockChange:
    def test_offers_one_o_clock_twice_and_both_can_be_booked(self) -> None:
        """Case 2, on rows."""
        nurse, patient = make_nurse(works=False), make_patient()
        make_availability(nurse=nurse, weekdays=[6], start=time(1), end=time(2))
        day = datetime(2026, 11, 1, tzinfo=NEW_YORK)

        now = at(9, day=day - timedelta(days=7))

        found = starts(search(now=now, since=at(0, day=day), until=at(12, day=day)))

        first = datetime(2026, 11, 1, 5, tzinfo=UTC)
        assert found == [first + number * timedelta(minutes=30) for number in range(4)]
        asked: dict[str, Any] = {
            "nurse_id": nurse.pk,
            "patient_id": patient.pk,
            "visit_type": "routine",
        }
        assert {check_start(**asked, start=start, now=now) for start in found} == {""}


class TestReasons:
    def test_say_that_nobody_works(self) -> None:
        make_nurse()
        Holiday.objects.create(date=date(2026, 3, 3), name="Town day")

        assert search().reason == "no_hours"

    def test_say_that_all_is_booked(self) -> None:
        make_appointment(nurse=make_nurse(), start=at(9), minutes=8 * 60)

        assert search().reason == "fully_booked"

    def test_say_that_it_is_too_soon(self) -> None:
        make_nurse()

        assert search(now=at(16, 45)).reason == "notice"

    def test_say_that_the_day_has_its_number_of_visits(self) -> None:
        make_appointment(nurse=make_nurse(daily_cap=1), start=at(9))

        assert search().reason == "cap"

    def test_say_that_the_license_has_ended(self) -> None:
        make_nurse(license_expires_on=date(2026, 3, 2))

        assert search().reason == "license"

    def test_do_not_blame_the_clinic_when_only_refused_times_are_left(self) -> None:
        nurse = make_nurse()
        every = [(nurse.pk, start) for start in starts(search(limit=100))]

        assert search(exclude=every).reason == "fully_booked"


class TestCheckStart:
    def check(self, **changes: Any) -> str:
        make_visit_type()
        wish: dict[str, Any] = {"start": at(10), "visit_type": "routine", "now": NOW}
        return check_start(**wish | changes)

    def test_agrees_with_the_search(self) -> None:
        nurse, patient = make_nurse(), make_patient()

        offered = starts(search(nurse_ids=[nurse.pk], patient_id=patient.pk, limit=100))

        assert offered
        for start in offered:
            assert self.check(nurse_id=nurse.pk, patient_id=patient.pk, start=start) == ""

    @pytest.mark.parametrize(
        ("start", "reason"),
        [
            (at(10, 10), "grid"),
            (at(8), "no_hours"),
            (at(16, 45), "no_hours"),
            (NOW + timedelta(minutes=60), "notice"),
            (at(10) + timedelta(days=364), "horizon"),
        ],
    )
    def test_names_the_rule_that_is_broken(self, start: datetime, reason: str) -> None:
        nurse, patient = make_nurse(), make_patient()

        assert self.check(nurse_id=nurse.pk, patient_id=patient.pk, start=start) == reason

    def test_refuses_a_nurse_who_has_left_since_the_search(self) -> None:
        """Case 18."""
        nurse = make_nurse(active=False)

        assert self.check(nurse_id=nurse.pk, patient_id=make_patient().pk) == "not_available"

    def test_tells_a_taken_time_from_one_in_a_buffer(self) -> None:
        nurse, patient = make_nurse(buffer_after_minutes=30), make_patient()
        visit = make_appointment(nurse=nurse, start=at(10))

        assert self.check(nurse_id=nurse.pk, patient_id=patient.pk) == "taken"
        assert self.check(nurse_id=nurse.pk, patient_id=patient.pk, start=at(9, 30)) == "buffer"
        assert self.check(nurse_id=nurse.pk, patient_id=visit.patient_id) == "patient_busy"
        assert Appointment.objects.count() == 1
