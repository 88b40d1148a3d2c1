"""Recurring visits (scheduling reference, section 10; tricky case 27)."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from scheduling import services
from scheduling.exceptions import (
    InvalidTime,
    LimitReached,
    NotFound,
    SchedulingError,
    SeriesConflict,
    TooLate,
)
from scheduling.models import Appointment, AppointmentSeries, Message, Nurse, Patient, Source
from scheduling.services import Pattern, Shift
from tests.factories import (
    NEW_YORK,
    NOW,
    local,
    make_appointment,
    make_availability,
    make_consent,
    make_hold,
    make_nurse,
    make_override,
    make_patient,
    make_visit_type,
)

FRIDAY = date(2026, 3, 6)  # two days before the clocks of New York go forward
WEEK = timedelta(weeks=1)
NIGHT_OWL: dict[str, Any] = {"weekdays": range(7), "start": time(0), "end": time(0)}


def weekly(count: int | None = 4, **more: Any) -> Pattern:
    """Return a weekly pattern, Fridays at nine unless told otherwise."""
    given: dict[str, Any] = {"first_date": FRIDAY, "start_time": time(9), "count": count}
    return Pattern(**given | more)


def people() -> dict[str, Any]:
    """Return a patient and a nurse as the services take them."""
    make_visit_type()
    return {
        "patient_id": make_patient().pk,
        "nurse_id": make_nurse().pk,
        "visit_type": "routine",
        "now": NOW,
    }


def book(**more: Any) -> services.SeriesResult:
    """Book a weekly series as staff."""
    given: dict[str, Any] = {"source": Source.DASHBOARD, "actor": "user:1", "pattern": weekly()}
    if "patient_id" not in more:
        given |= people()
    return services.book_series(**given | more)


def move(visit: Appointment, shift: Shift, **more: Any) -> services.SeriesResult:
    """Move the series of a visit as staff."""
    given: dict[str, Any] = {"scope": "all", "source": Source.DASHBOARD, "actor": "user:1"}
    return services.reschedule_series(appointment_id=visit.pk, shift=shift, now=NOW, **given | more)


def told() -> list[tuple[str, str]]:
    """Return what the patient was told, but for reminders: the kind, and the words up to the hour."""
    messages = Message.objects.exclude(kind__startswith="reminder").filter(nurse=None)
    return [
        (message.kind, message.body.partition(": ")[2].partition(", 9")[0].partition(", 10")[0])
        for message in messages.order_by("created_at")
    ]


def shown(visits: Any) -> list[str]:
    """Return what a clock in New York shows at the starts, in order."""
    starts = sorted(visit.start for visit in visits)
    return [start.astimezone(NEW_YORK).strftime("%m-%d %H:%M") for start in starts]


@pytest.mark.django_db
class TestPreviewSeries:
    def test_keeps_the_hour_over_a_change_of_the_clocks(self) -> None:
        """Tricky case 27."""
        members = services.preview_series(**people(), pattern=weekly(2))

        assert [member.start for member in members] == [local(2026, 3, 6, 9), local(2026, 3, 13, 9)]
        assert members[1].start - members[0].start == WEEK - timedelta(hours=1)  # type: ignore[operator]
        assert not Appointment.objects.exists()

    def test_shows_a_time_that_the_clocks_skip_as_a_conflict(self) -> None:
        """Tricky case 27: Sunday March 8, half past two."""
        make_visit_type()
        nurse = make_nurse(works=False)
        make_availability(nurse=nurse, **NIGHT_OWL)
        pattern = weekly(2, first_date=date(2026, 3, 8), start_time=time(2, 30))

        members = services.preview_series(**people() | {"nurse_id": nurse.pk}, pattern=pattern)

        assert [(member.start, member.conflict) for member in members] == [
            (None, "time_does_not_exist"),
            (local(2026, 3, 15, 2, 30), ""),
        ]
        assert members[0].nearest == local(2026, 3, 8, 3)

    def test_takes_the_earlier_of_a_repeated_time(self) -> None:
        make_visit_type()
        nurse = make_nurse(works=False)
        make_availability(nurse=nurse, **NIGHT_OWL)
        now = local(2026, 10, 20, 9)
        pattern = weekly(1, first_date=date(2026, 11, 1), start_time=time(1, 30))

        members = services.preview_series(
            **people() | {"nurse_id": nurse.pk, "now": now}, pattern=pattern
        )

        assert members[0].start == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)

    def test_names_what_stands_against_each_and_what_is_near(self) -> None:
        given = people()
        nurse = Nurse.objects.get(pk=given["nurse_id"])
        patient = Patient.objects.get(pk=given["patient_id"])
        make_appointment(nurse=nurse, start=local(2026, 3, 13, 9))
        make_appointment(patient=patient, start=local(2026, 3, 20, 9))
        make_override(nurse=nurse, date=date(2026, 3, 27))

        members = services.preview_series(**given, pattern=weekly(4))

        assert [member.conflict for member in members] == ["", "taken", "patient_busy", "no_hours"]
        assert members[1].nearest == local(2026, 3, 13, 9, 30)
        assert members[2].nearest == local(2026, 3, 20, 9, 30)
        assert members[3].nearest == local(2026, 3, 26, 16, 30)

    def test_holds_each_member_to_notice_horizon_license_and_cap(self) -> None:
        """Tricky case 27."""
        given = people()
        nurse = Nurse.objects.get()
        Nurse.objects.update(license_expires_on=date(2026, 3, 26), daily_cap=1)
        make_appointment(nurse=nurse, start=local(2026, 3, 12, 15))
        thursdays = weekly(5, first_date=date(2026, 3, 5), start_time=time(11))

        members = services.preview_series(**given, pattern=thursdays)

        assert [member.conflict for member in members] == ["notice", "cap", "", "", "license"]

    @pytest.mark.parametrize(
        "odd",
        [
            {"count": None},
            {"until": date(2026, 4, 1)},
            {"count": 53},
            {"count": 0},
            {"count": None, "until": date(2028, 4, 1)},
            {"count": None, "until": date(2026, 3, 1)},
            {"every_weeks": 0},
        ],
    )
    def test_refuses_what_is_no_pattern(self, odd: dict[str, Any]) -> None:
        with pytest.raises(SchedulingError):
            services.preview_series(**people(), pattern=weekly(**odd))

    @pytest.mark.parametrize("first", [date(1, 1, 1), date(2026, 3, 1), date(2030, 1, 1)])
    def test_refuses_to_begin_in_another_age(self, first: date) -> None:
        with pytest.raises(InvalidTime):
            services.preview_series(**people(), pattern=weekly(first_date=first))

    def test_asks_the_database_as_often_for_many_visits_as_for_one(
        self, django_assert_num_queries: Any
    ) -> None:
        given = people()

        for count in (1, 20):
            with django_assert_num_queries(6):
                services.preview_series(**given, pattern=weekly(count))


@pytest.mark.django_db
class TestBookSeries:
    def test_stores_ordinary_visits_with_their_place_in_the_series(self) -> None:
        result = book(pattern=weekly(3))

        stored = Appointment.objects.order_by("start")
        assert [visit.series_index for visit in stored] == [0, 1, 2]
        assert {visit.series_id for visit in stored} == {result.series.pk}
        assert shown(stored) == ["03-06 09:00", "03-13 09:00", "03-20 09:00"]
        assert [visit.changes.get().kind for visit in stored] == ["booked"] * 3

    def test_ends_on_the_last_day_inclusive(self) -> None:
        result = book(pattern=weekly(count=None, until=date(2026, 3, 20), every_weeks=2))

        assert shown(result.appointments) == ["03-06 09:00", "03-20 09:00"]

    def test_stores_nothing_if_one_visit_is_impossible(self) -> None:
        given = people()
        make_appointment(nurse=Nurse.objects.get(), start=local(2026, 3, 13, 9))

        with pytest.raises(SeriesConflict) as caught:
            book(**given)

        assert [member.conflict for member in caught.value.members] == ["", "taken", "", ""]
        assert Appointment.objects.count() == 1
        assert not AppointmentSeries.objects.exists()

    def test_leaves_out_what_is_impossible_if_asked_to(self) -> None:
        given = people()
        make_appointment(nurse=Nurse.objects.get(), start=local(2026, 3, 13, 9))

        result = book(**given, on_conflict="skip")

        assert [visit.series_index for visit in result.appointments] == [0, 2, 3]
        assert [(member.index, member.conflict) for member in result.skipped] == [(1, "taken")]

    def test_refuses_a_series_without_a_single_possible_visit(self) -> None:
        with pytest.raises(SeriesConflict):
            book(pattern=weekly(first_date=date(2026, 3, 7)), on_conflict="skip")

        assert not AppointmentSeries.objects.exists()

    def test_confirms_once_by_text(self) -> None:
        given = people()
        make_consent(patient=Patient.objects.get())

        book(**given)

        assert told() == [("series_booked", "you have 4 new appointments, the first on Fri Mar 6")]

    def test_confirms_a_single_visit_as_any_other(self) -> None:
        given = people()
        make_consent(patient=Patient.objects.get())

        book(**given, pattern=weekly(1))

        assert [kind for kind, _ in told()] == ["confirmation"]

    def test_is_bound_by_what_a_patient_may_book_alone(self) -> None:
        with pytest.raises(LimitReached):
            book(source=Source.VOICE)

        assert len(book(source=Source.VOICE, pattern=weekly(3)).appointments) == 3

    def test_books_over_a_hold_that_has_lapsed_but_not_over_a_live_one(self) -> None:
        given = people()
        nurse = Nurse.objects.get()
        make_hold(nurse=nurse, expires_at=NOW)
        make_hold(nurse=nurse, start=local(2026, 3, 13, 9))

        result = book(**given, on_conflict="skip")

        assert [member.index for member in result.skipped] == [1]


@pytest.mark.django_db
class TestRescheduleSeries:
    def test_moves_all_to_another_weekday_and_hour(self) -> None:
        result = book(pattern=weekly(3))

        moved = move(result.appointments[1], Shift(weekday=3, start_time=time(14)))

        assert shown(moved.appointments) == ["03-05 14:00", "03-12 14:00", "03-19 14:00"]
        assert {visit.sequence for visit in Appointment.objects.all()} == {1}

    def test_moves_this_and_following_only(self) -> None:
        result = book(pattern=weekly(3))

        move(result.appointments[1], Shift(start_time=time(10)), scope="following")

        assert shown(Appointment.objects.all()) == ["03-06 09:00", "03-13 10:00", "03-20 10:00"]

    def test_moves_to_another_nurse_at_the_same_wall_clock(self) -> None:
        result = book(pattern=weekly(2))
        colleague = make_nurse()

        moved = move(result.appointments[0], Shift(nurse_id=colleague.pk))

        assert {visit.nurse_id for visit in moved.appointments} == {colleague.pk}
        assert shown(moved.appointments) == ["03-06 09:00", "03-13 09:00"]

    def test_leaves_a_visit_that_was_changed_alone(self) -> None:
        result = book(pattern=weekly(3))
        alone = result.appointments[1]
        services.reschedule_appointment(
            appointment_id=alone.pk,
            nurse_id=alone.nurse_id,
            start=local(2026, 3, 12, 15),
            source=Source.DASHBOARD,
            actor="user:1",
            now=NOW,
        )

        move(result.appointments[0], Shift(start_time=time(10)))

        assert shown(Appointment.objects.all()) == ["03-06 10:00", "03-12 15:00", "03-20 10:00"]
        assert Appointment.objects.get(series_exception=True).pk == alone.pk

    def test_moves_one_alone_which_later_changes_leave(self) -> None:
        result = book(pattern=weekly(3))

        move(result.appointments[1], Shift(weekday=3), scope="this")
        move(result.appointments[0], Shift(start_time=time(10)))

        assert shown(Appointment.objects.all()) == ["03-06 10:00", "03-12 09:00", "03-20 10:00"]

    def test_moves_nothing_if_one_visit_cannot(self) -> None:
        result = book(pattern=weekly(3))
        nurse = result.appointments[0].nurse
        make_appointment(nurse=nurse, start=local(2026, 3, 13, 10))

        with pytest.raises(SeriesConflict):
            move(result.appointments[0], Shift(start_time=time(10)))

        visits = Appointment.objects.filter(series=result.series)
        assert shown(visits) == ["03-06 09:00", "03-13 09:00", "03-20 09:00"]

    def test_leaves_what_cannot_move_if_asked_to(self) -> None:
        result = book(pattern=weekly(3))
        make_appointment(nurse=result.appointments[0].nurse, start=local(2026, 3, 13, 10))

        moved = move(result.appointments[0], Shift(start_time=time(10)), on_conflict="skip")

        visits = Appointment.objects.filter(series=result.series)
        assert shown(visits) == ["03-06 10:00", "03-13 09:00", "03-20 10:00"]
        assert [member.conflict for member in moved.skipped] == ["taken"]

    def test_moves_over_the_visits_own_old_time(self) -> None:
        make_visit_type(length_minutes=60)
        result = book(pattern=weekly(3))

        moved = move(result.appointments[0], Shift(start_time=time(9, 30)))

        assert shown(moved.appointments) == ["03-06 09:30", "03-13 09:30", "03-20 09:30"]

    def test_lets_each_take_the_old_time_of_its_neighbour(self) -> None:
        """A shift over the week's end puts visits next to where others were."""
        make_visit_type(length_minutes=60)
        given = people()
        nurse = make_nurse(works=False)
        make_availability(nurse=nurse, **NIGHT_OWL)
        sundays = weekly(3, first_date=date(2026, 3, 15), start_time=time(23, 30))
        result = book(**given | {"nurse_id": nurse.pk}, pattern=sundays)

        moved = move(result.appointments[0], Shift(weekday=0, start_time=time(0)))

        assert shown(moved.appointments) == ["03-09 00:00", "03-16 00:00", "03-23 00:00"]

    def test_tells_the_patient_once(self) -> None:
        given = people()
        make_consent(patient=Patient.objects.get())
        result = book(**given)

        move(result.appointments[0], Shift(start_time=time(10)))

        assert told()[-1] == (
            "series_rescheduled",
            "4 appointments were changed, the first is now Fri Mar 6",
        )
        assert len(told()) == 2

    def test_refuses_a_visit_of_no_series(self) -> None:
        with pytest.raises(NotFound):
            move(make_appointment(), Shift(start_time=time(10)))


@pytest.mark.django_db
class TestCancelSeries:
    def cancel(self, visit: Appointment, **more: Any) -> services.SeriesResult:
        given: dict[str, Any] = {
            "scope": "following",
            "source": Source.DASHBOARD,
            "actor": "user:1",
            "now": NOW,
        }
        return services.cancel_series(appointment_id=visit.pk, **given | more)

    def test_cancels_this_and_following(self) -> None:
        result = book()

        self.cancel(result.appointments[2])

        by_index = Appointment.objects.order_by("series_index")
        assert [visit.status for visit in by_index] == [
            "booked",
            "booked",
            "cancelled",
            "cancelled",
        ]

    def test_cancels_all_that_are_ahead_and_none_that_are_over(self) -> None:
        result = book()

        cancelled = self.cancel(result.appointments[3], scope="all", now=NOW + WEEK)

        assert [visit.series_index for visit in cancelled.appointments] == [1, 2, 3]

    def test_is_too_late_for_a_patient_shortly_before_the_first(self) -> None:
        result = book(source=Source.VOICE, pattern=weekly(2))

        with pytest.raises(TooLate):
            self.cancel(result.appointments[0], source=Source.VOICE, now=local(2026, 3, 6, 8))

        assert not Appointment.objects.filter(status="cancelled").exists()

    def test_tells_the_patient_once(self) -> None:
        given = people()
        make_consent(patient=Patient.objects.get())
        result = book(**given)

        self.cancel(result.appointments[1])

        assert told()[-1] == (
            "series_cancelled",
            "3 appointments were cancelled, the first of Fri Mar 13",
        )
        assert len(told()) == 2

    def test_tells_each_nurse_of_the_first_visit_that_she_loses(self) -> None:
        result = book()
        colleague = make_nurse()
        later = result.appointments[2]
        move(later, Shift(nurse_id=colleague.pk), scope="following")
        Nurse.objects.update(email="nurse@example.org")

        self.cancel(result.appointments[0])

        lost = Message.objects.filter(kind="nurse_cancelled").order_by("appointment__start")
        assert [(one.nurse_id, one.appointment_id) for one in lost] == [
            (result.series.nurse_id, result.appointments[0].pk),
            (colleague.pk, later.pk),
        ]


@pytest.mark.django_db
class TestOverrideHours:
    def book(self, start: datetime, **more: Any) -> Appointment:
        given = people() | {"source": Source.DASHBOARD, "actor": "user:1", "override_hours": True}
        return services.book_appointment(start=start, **given | more)

    @pytest.mark.parametrize(
        "start",
        [
            local(2026, 3, 7, 9),  # a Saturday
            local(2026, 3, 6, 9, 7),  # off the grid
            NOW + timedelta(minutes=30),  # too soon
            local(2027, 3, 5, 10),  # beyond the horizon
        ],
    )
    def test_lets_staff_book_outside_of_the_rules(self, start: datetime) -> None:
        visit = self.book(start)

        assert visit.status == "booked"
        assert visit.changes.get().reason == "override_hours"

    def test_never_lets_staff_book_what_is_taken_unlicensed_or_past(self) -> None:
        taken = make_appointment(start=local(2026, 3, 7, 9))
        unlicensed = make_nurse(license_expires_on=date(2026, 3, 6))

        for start, more in [
            (taken.start, {"nurse_id": taken.nurse_id}),
            (taken.start, {"patient_id": taken.patient_id}),
            (taken.start, {"nurse_id": unlicensed.pk}),
            (NOW - timedelta(minutes=1), {}),
        ]:
            with pytest.raises(SchedulingError):
                self.book(start, **more)

        assert Appointment.objects.count() == 1

    @pytest.mark.parametrize("source", [Source.VOICE, Source.KEYPAD, Source.SMS])
    def test_is_refused_at_a_patients_door(self, source: str) -> None:
        with pytest.raises(SchedulingError):
            self.book(local(2026, 3, 7, 9), source=source)
        with pytest.raises(SchedulingError):
            services.reschedule_appointment(
                appointment_id=make_appointment().pk,
                nurse_id=make_nurse().pk,
                start=local(2026, 3, 7, 9),
                source=source,
                actor="call:1",
                now=NOW,
                override_hours=True,
            )

    def test_lets_staff_move_outside_of_the_rules(self) -> None:
        visit = make_appointment()

        moved = services.reschedule_appointment(
            appointment_id=visit.pk,
            nurse_id=visit.nurse_id,
            start=local(2026, 3, 7, 9),
            source=Source.DASHBOARD,
            actor="user:1",
            now=NOW,
            override_hours=True,
        )

        assert moved.start == local(2026, 3, 7, 9)
