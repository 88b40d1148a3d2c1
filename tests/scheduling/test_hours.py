"""When hours change under visits (scheduling reference, section 11; tricky case 28)."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling import services
from scheduling.exceptions import Stale
from scheduling.models import (
    Appointment,
    Availability,
    AvailabilityOverride,
    FreedTime,
    Holiday,
    Nurse,
    Source,
    StaffTask,
    WaitlistEntry,
)
from scheduling.services import HoursRow
from tests.factories import (
    NOW,
    TOMORROW_NINE,
    local,
    make_appointment,
    make_hold,
    make_nurse,
    make_override,
    make_patient,
    make_visit_type,
)
from tests.scheduling import oracle
from tests.scheduling.oracle import Case, Change, Window

pytestmark = pytest.mark.django_db

WEEK = timedelta(weeks=1)
FRIDAY = 4


def save(*rows: HoursRow, **more: Any) -> services.HoursPreview:
    """Save rows of hours as staff."""
    given: dict[str, Any] = {"source": Source.ADMIN, "actor": "user:1", "now": NOW}
    return services.save_hours(rows=rows, **given | more)


def preview(*rows: HoursRow, deleted: Sequence[HoursRow] = ()) -> services.HoursPreview:
    """Preview a change of hours."""
    return services.preview_hours(rows=rows, deleted=deleted, now=NOW)


def friday_of(nurse: Nurse) -> Availability:
    """Return the nurse's window on Fridays."""
    return nurse.availability.get(weekday=FRIDAY)


def three_visits(nurse: Nurse) -> list[Appointment]:
    """Store visits on three Friday mornings, and two that no change of the Friday's morning touches."""
    make_appointment(nurse=nurse, start=local(2026, 3, 6, 14))
    make_appointment(nurse=nurse, start=local(2026, 3, 10, 9))
    return [
        make_appointment(nurse=nurse, start=TOMORROW_NINE + number * WEEK) for number in (0, 2, 4)
    ]


class TestPreviewHours:
    def test_lists_exactly_the_visits_that_fall_outside_and_changes_nothing(self) -> None:
        """Tricky case 28."""
        nurse = make_nurse()
        visits = three_visits(nurse)
        make_appointment(nurse=nurse, start=TOMORROW_NINE + WEEK, status="cancelled")
        before = list(Appointment.objects.order_by("id").values())
        window = friday_of(nurse)
        window.start = time(12)

        seen = preview(window)

        assert [one.appointment_id for one in seen.orphaned] == [visit.pk for visit in visits]
        assert {one.reason for one in seen.orphaned} == {"hours"}
        assert list(Appointment.objects.order_by("id").values()) == before
        assert friday_of(nurse).start == time(9)
        assert not StaffTask.objects.exists()

    def test_lists_the_visits_of_a_window_that_is_deleted(self) -> None:
        nurse = make_nurse()
        visits = three_visits(nurse)

        seen = preview(deleted=[friday_of(nurse)])

        assert {visit.pk for visit in visits} < {one.appointment_id for one in seen.orphaned}
        assert friday_of(nurse).pk is not None

    def test_lists_the_visits_of_time_off_that_is_new(self) -> None:
        nurse = make_nurse()
        visit = make_appointment(nurse=nurse)
        away = AvailabilityOverride(
            nurse=nurse, starts_at=local(2026, 3, 6), ends_at=local(2026, 3, 9)
        )

        seen = preview(away)

        assert [one.appointment_id for one in seen.orphaned] == [visit.pk]
        assert not AvailabilityOverride.objects.exists()

    def test_lists_the_visits_of_all_nurses_on_a_holiday(self) -> None:
        visits = {make_appointment().pk, make_appointment().pk}
        make_appointment(start=local(2026, 3, 10, 9))

        seen = preview(Holiday(date=date(2026, 3, 6), name="Snow"))

        assert {one.appointment_id for one in seen.orphaned} == visits

    def test_lists_the_visits_on_the_date_to_which_a_holiday_moves(self) -> None:
        Holiday.objects.create(date=date(2026, 3, 9), name="Snow")
        visit = make_appointment()
        holiday = Holiday.objects.get()
        holiday.date = date(2026, 3, 6)

        seen = preview(holiday)

        assert [one.appointment_id for one in seen.orphaned] == [visit.pk]

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"time_zone": "America/Los_Angeles"}, "hours"),
            ({"license_expires_on": date(2026, 3, 5)}, "license"),
            ({"active": False}, "inactive"),
        ],
    )
    def test_lists_the_visits_of_a_nurse_whose_record_changes(
        self, changes: dict[str, Any], reason: str
    ) -> None:
        nurse = make_nurse()
        make_appointment(nurse=nurse)
        for name, value in changes.items():
            setattr(nurse, name, value)

        assert [one.reason for one in preview(nurse).orphaned] == [reason]

    def test_lists_visits_that_need_a_license_of_the_patients_state(self) -> None:
        nurse = make_nurse()
        kind = make_visit_type(code="state", in_patient_state=True)
        make_appointment(nurse=nurse, patient=make_patient(state="NY"), visit_type=kind)
        nurse.license_state = "NJ"

        assert [one.reason for one in preview(nurse).orphaned] == ["license"]

    def test_lists_the_times_that_are_held_and_would_be_lost(self) -> None:
        nurse = make_nurse()
        hold = make_hold(nurse=nurse)
        make_hold(nurse=nurse, start=local(2026, 3, 6, 12), expires_at=NOW)

        seen = preview(deleted=[friday_of(nurse)])

        assert [one.hold_id for one in seen.lost_holds] == [hold.pk]

    def test_knows_only_what_falls_outside_by_this_change(self) -> None:
        nurse = make_nurse()
        make_appointment(nurse=nurse, start=local(2026, 3, 7, 9))  # a Saturday, by decision
        make_appointment(nurse=nurse, start=NOW - timedelta(minutes=15))  # goes on

        seen = preview(deleted=list(nurse.availability.all()))

        assert not seen.orphaned

    def test_says_nothing_of_a_new_nurse(self) -> None:
        nurse = make_nurse()
        fresh = Nurse(
            first_name="New", last_name="Nurse", license_number="1", license_state="NY",
            license_expires_on=date(2030, 1, 1), time_zone=nurse.time_zone,
        )  # fmt: skip
        window = Availability(nurse=fresh, weekday=0, start=time(9), end=time(17))

        save(window, fresh)

        assert fresh.availability.get().weekday == 0


class TestSaveHours:
    def test_needs_the_token_of_the_list(self) -> None:
        nurse = make_nurse()
        visits = three_visits(nurse)
        window = friday_of(nurse)
        window.start = time(12)

        with pytest.raises(Stale) as caught:
            save(window)
        shown = caught.value.preview
        save(window, token=shown.token)

        assert caught.value.code == "stale"
        assert [one.appointment_id for one in shown.orphaned] == [visit.pk for visit in visits]
        assert friday_of(nurse).start == time(12)

    def test_flags_the_visits_moves_none_and_asks_staff(self) -> None:
        """Tricky case 28."""
        nurse = make_nurse()
        visits = three_visits(nurse)
        window = friday_of(nurse)
        window.start = time(12)
        starts = dict(Appointment.objects.values_list("pk", "start"))

        save(window, token=preview(window).token)

        flagged = Appointment.objects.filter(orphaned=True)
        assert {visit.pk for visit in flagged} == {visit.pk for visit in visits}
        assert dict(Appointment.objects.values_list("pk", "start")) == starts
        assert {visit.status for visit in flagged} == {"booked"}
        tasks = StaffTask.objects.filter(kind="orphaned", status="open")
        assert {task.appointment_id for task in tasks} == {visit.pk for visit in visits}

    def test_refuses_a_token_after_another_visit_was_booked(self) -> None:
        """Tricky case 28."""
        nurse = make_nurse()
        three_visits(nurse)
        window = friday_of(nurse)
        token = preview(deleted=[window]).token
        make_appointment(nurse=nurse, start=local(2026, 3, 6, 11))

        with pytest.raises(Stale) as caught:
            save(deleted=[window], token=token)

        assert len(caught.value.preview.orphaned) == 5
        assert friday_of(nurse).pk == window.pk
        assert not Appointment.objects.filter(orphaned=True).exists()

    def test_refuses_a_token_after_a_visit_was_moved_or_a_time_held(self) -> None:
        nurse = make_nurse()
        visit = make_appointment(nurse=nurse)
        window = friday_of(nurse)
        token = preview(deleted=[window]).token
        make_hold(nurse=nurse, start=local(2026, 3, 6, 15))

        with pytest.raises(Stale):
            save(deleted=[window], token=token)
        Appointment.objects.filter(pk=visit.pk).update(
            start=visit.end, end=visit.end + timedelta(minutes=30), blocked_until=visit.end + WEEK
        )
        with pytest.raises(Stale):
            save(deleted=[window], token=token)

    def test_takes_a_token_although_a_hold_of_the_list_has_lapsed(self) -> None:
        nurse = make_nurse()
        make_appointment(nurse=nurse)
        make_hold(nurse=nurse, start=local(2026, 3, 6, 15))
        window = friday_of(nurse)
        token = preview(deleted=[window]).token

        save(deleted=[window], token=token, now=NOW + timedelta(minutes=5))

        assert not nurse.availability.filter(weekday=FRIDAY).exists()

    @pytest.mark.parametrize("token", ["", "x", "....", "'"])
    def test_refuses_what_is_no_token(self, token: str) -> None:
        nurse = make_nurse()
        make_appointment(nurse=nurse)

        with pytest.raises(Stale):
            save(deleted=[friday_of(nurse)], token=token)

    def test_needs_no_token_if_nothing_falls_outside(self) -> None:
        nurse = make_nurse()
        make_appointment(nurse=nurse)
        window = friday_of(nurse)
        window.end = time(18)

        save(window)

        assert friday_of(nurse).end == time(18)

    def test_settles_a_visit_that_is_covered_again(self) -> None:
        nurse = make_nurse()
        visit = make_appointment(nurse=nurse)
        away = AvailabilityOverride(nurse=nurse, date=date(2026, 3, 6))
        save(away, token=preview(away).token)

        save(deleted=[away])

        visit.refresh_from_db()
        assert not visit.orphaned
        assert [task.status for task in StaffTask.objects.all()] == ["done"]

    def test_settles_a_visit_that_is_moved_or_cancelled(self) -> None:
        nurse = make_nurse()
        moved = make_appointment(nurse=nurse, start=local(2026, 3, 6, 10))
        cancelled = make_appointment(nurse=nurse)
        away = AvailabilityOverride(nurse=nurse, date=date(2026, 3, 6))
        save(away, token=preview(away).token)
        how: dict[str, Any] = {"source": Source.ADMIN, "actor": "user:1", "now": NOW}

        services.reschedule_appointment(
            appointment_id=moved.pk, nurse_id=nurse.pk, start=local(2026, 3, 9, 9), **how
        )
        services.cancel_appointment(appointment_id=cancelled.pk, **how)

        assert not Appointment.objects.filter(orphaned=True).exists()
        assert not StaffTask.objects.filter(status="open").exists()


class TestWaitlist:
    def wait(self, **fields: Any) -> None:
        given: dict[str, Any] = {
            "patient": make_patient(),
            "visit_type": make_visit_type(),
            "earliest": date(2026, 3, 7),
            "latest": date(2026, 3, 14),
            "source": Source.VOICE,
            "actor": "call:1",
            "waiting_since": NOW,
        }
        WaitlistEntry.objects.create(**given | fields)

    def test_is_fed_with_added_time_of_the_dates_somebody_waits_for(self) -> None:
        nurse = make_nurse()
        self.wait()

        save(Availability(nurse=nurse, weekday=5, start=time(9), end=time(12)))

        freed = FreedTime.objects.order_by("start")
        assert [(one.nurse, one.start, one.end) for one in freed] == [
            (nurse, local(2026, 3, day, 9), local(2026, 3, day, 12)) for day in (7, 14)
        ]

    def test_is_fed_when_a_nurse_comes_back_or_a_holiday_is_dropped(self) -> None:
        nurse = make_nurse(active=False)
        holiday = Holiday.objects.create(date=date(2026, 3, 9), name="Snow")
        self.wait(earliest=date(2026, 3, 9), latest=date(2026, 3, 9))
        nurse.active = True

        save(nurse)
        on_return = FreedTime.objects.filter(start=local(2026, 3, 9, 9)).count()
        save(deleted=[holiday])

        assert on_return == 0
        assert FreedTime.objects.filter(start=local(2026, 3, 9, 9)).count() == 1

    def test_is_not_fed_if_nobody_waits_or_for_another_nurse(self) -> None:
        self.wait(nurse=make_nurse())
        self.wait(status="cancelled")

        save(Availability(nurse=make_nurse(), weekday=5, start=time(9), end=time(12)))

        assert not FreedTime.objects.exists()


class TestRecheckHours:
    def test_finds_what_changed_past_the_services_and_settles_it_again(self) -> None:
        nurse = make_nurse()
        visit = make_appointment(nurse=nurse)
        off = make_override(nurse=nurse, date=date(2026, 3, 6))

        assert services.recheck_hours(now=NOW) == 1
        assert services.recheck_hours(now=NOW) == 0
        off.delete()
        assert services.recheck_hours(now=NOW) == 1

        visit.refresh_from_db()
        assert not visit.orphaned
        assert StaffTask.objects.get().status == "done"

    def test_leaves_what_staff_put_outside_by_decision(self) -> None:
        make_visit_type()
        services.book_appointment(
            patient_id=make_patient().pk,
            nurse_id=make_nurse().pk,
            start=local(2026, 3, 7, 9),
            visit_type="routine",
            source=Source.ADMIN,
            actor="user:1",
            now=NOW,
            override_hours=True,
        )

        assert services.recheck_hours(now=NOW) == 0

    def test_settles_a_visit_that_has_begun(self) -> None:
        visit = make_appointment(start=local(2026, 3, 7, 9))
        services.recheck_hours(now=NOW)

        settled = services.recheck_hours(now=visit.start)

        assert settled == 1
        assert not Appointment.objects.filter(orphaned=True).exists()


ZONES = ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu"]
HOURS = st.sampled_from([(540, 1020), (1320, 360), (0, 0), (60, 150), (0, 90), (600, 720)])
MIDDLE = datetime(2026, 11, 1, 6, tzinfo=UTC)  # New York's clocks go back


def window_of(nurse: Nurse, weekday: int, hours: tuple[int, int]) -> Availability:
    """Return an unsaved weekly window; minutes of the day."""
    begin, end = (time(*divmod(minute, 60)) for minute in hours)
    return Availability(nurse=nurse, weekday=weekday, start=begin, end=end)


class TestPreviewAgainstTheOracle:
    """What a preview lists is what a look at every minute of every visit finds."""

    @settings(max_examples=30)
    @given(
        st.sampled_from(ZONES),
        st.lists(HOURS, min_size=1, max_size=2),
        HOURS,
        st.sampled_from(["window", "off", "zone"]),
        st.lists(st.integers(-2_880, 2_880), min_size=1, max_size=5, unique=True),
        st.sampled_from(ZONES),
    )
    def test_lists_the_same_visits(
        self,
        key: str,
        before: list[tuple[int, int]],
        changed: tuple[int, int],
        what: str,
        offsets: list[int],
        other: str,
    ) -> None:
        with transaction.atomic():
            self.compare(key, before, changed, what, offsets, other)
            transaction.set_rollback(True)

    def compare(
        self,
        key: str,
        before: list[tuple[int, int]],
        changed: tuple[int, int],
        what: str,
        offsets: list[int],
        other: str,
    ) -> None:
        nurse = make_nurse(works=False, time_zone=key)
        Availability.objects.bulk_create(
            window_of(nurse, weekday, hours) for hours in before for weekday in range(7)
        )
        starts: list[datetime] = []
        for offset in sorted(offsets):
            start = MIDDLE + timedelta(minutes=offset)
            if not starts or start - starts[-1] >= timedelta(minutes=30):
                starts.append(start)
        visits = {make_appointment(nurse=nurse, start=start).pk: start for start in starts}
        old = [Window(weekday, *hours) for hours in before for weekday in range(7)]
        new, changes, zone = list(old), (), ZoneInfo(key)
        row: HoursRow
        if what == "window":
            stored = nurse.availability.filter(weekday=6).first()
            assert stored is not None
            new.remove(Window(6, *_minutes(stored)))
            new.append(Window(6, *changed))
            row = window_of(nurse, 6, changed)
            row.pk, row._state.adding = stored.pk, False
        elif what == "off":
            row = AvailabilityOverride(
                nurse=nurse, date=MIDDLE.date(), start=window_of(nurse, 0, changed).start,
                end=window_of(nurse, 0, changed).end,
            )  # fmt: skip
            changes = (Change(MIDDLE.date(), "remove", *changed),)  # type: ignore[assignment]
        else:
            nurse.time_zone, zone, row = other, ZoneInfo(other), nurse
        wanted = {
            pk
            for pk, start in visits.items()
            if _inside(ZoneInfo(key), old, (), start) and not _inside(zone, new, changes, start)
        }

        seen = services.preview_hours(rows=[row], now=MIDDLE - timedelta(days=3))

        assert {one.appointment_id for one in seen.orphaned} == wanted


def _minutes(window: Availability) -> tuple[int, int]:
    return (
        window.start.hour * 60 + window.start.minute,
        window.end.hour * 60 + window.end.minute,
    )


def _inside(
    zone: ZoneInfo, windows: list[Window], changes: tuple[Change, ...], start: datetime
) -> bool:
    begin = int(start.timestamp()) // 60
    case = Case(
        zone=zone, since=begin, until=begin + 30, length=30, step=1, offset=0,
        windows=tuple(windows), changes=changes,
    )  # fmt: skip
    return oracle.allows(case, begin)
