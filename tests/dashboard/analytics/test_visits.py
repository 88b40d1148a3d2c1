"""`/api/v1/analytics/`: figures of visits and hours, each beside what one counts by hand."""

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scheduling.models import Appointment, Holiday, Message
from scheduling.selectors import find_openings
from tests.dashboard.analytics.asking import groups, report
from tests.factories import (
    NOW,
    local,
    make_appointment,
    make_availability,
    make_nurse,
    make_override,
    make_patient,
    make_specialization,
    make_visit_type,
)
from tests.scheduling.api.keys import Program

pytestmark = pytest.mark.django_db
WEEK = "from=2026-03-02&to=2026-03-09"
MONDAY_NINE = local(2026, 3, 2, 9)
ONE_DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def clock(settings: Any) -> None:
    settings.CAREMATIX_NOW = NOW


def cancelled(start: datetime, *, ahead: timedelta, **fields: Any) -> Appointment:
    return make_appointment(
        start=start,
        status="cancelled",
        cancelled_at=start - ahead,
        cancellation_reason="patient",
        **fields,
    )


def booked_at(visit: Appointment, at: datetime) -> None:
    Appointment.objects.filter(pk=visit.pk).update(created_at=at)


class TestNoShows:
    def test_are_a_share_of_the_visits_that_came_to_their_time(self) -> None:
        for status in ("booked", "arrived", "fulfilled", "fulfilled", "noshow", "entered-in-error"):
            make_appointment(start=MONDAY_NINE, status=status)
        cancelled(MONDAY_NINE, ahead=ONE_DAY)
        cancelled(MONDAY_NINE, ahead=timedelta(hours=3), late=True)

        total = report(f"no-shows/?{WEEK}")["total"]

        assert total["visits"] == 7
        assert total["by_status"] == {
            "booked": 1, "arrived": 1, "fulfilled": 2, "cancelled": 2, "noshow": 1,
        }  # fmt: skip
        assert total["cancelled_late"] == 1
        assert total["no_show_rate"] == 0.25
        assert total["cancellation_rate"] == round(2 / 7, 4)

    def test_of_visits_to_come_have_no_rate(self) -> None:
        make_appointment(start=MONDAY_NINE)

        total = report(f"no-shows/?{WEEK}")["total"]

        assert (total["no_show_rate"], total["cancellation_rate"]) == (None, 0.0)

    def test_belong_to_the_local_day_of_the_start(self) -> None:
        make_appointment(start=local(2026, 3, 7, 23, 30), status="noshow")
        make_appointment(start=local(2026, 3, 8, 23, 30), status="fulfilled")
        make_appointment(start=local(2026, 3, 9, 0, 0), status="noshow")

        by_day = groups("no-shows/?from=2026-03-07&to=2026-03-09&group_by=day")

        assert {day: row["no_show_rate"] for day, row in by_day.items()} == {
            "2026-03-07": 1.0, "2026-03-08": 0.0,
        }  # fmt: skip

    def test_are_parted_by_whatever_the_visit_has(self) -> None:
        nurse, skill = make_nurse(), make_specialization()
        wound = make_visit_type(code="wound", specialization=skill)
        spanish = make_patient(preferred_language="es")
        make_appointment(
            start=MONDAY_NINE, nurse=nurse, visit_type=wound, patient=spanish, status="noshow"
        )
        make_appointment(start=MONDAY_NINE, status="fulfilled")

        for by, key in (
            ("nurse", str(nurse.pk)), ("specialization", str(skill.pk)), ("language", "es"),
            ("visit_type", "wound"),
        ):  # fmt: skip
            found = groups(f"no-shows/?{WEEK}&group_by={by}")
            assert (len(found), found[key]["visits"], found[key]["no_show_rate"]) == (2, 1, 1.0)


class TestReminders:
    def remind(self, visit: Appointment, **fields: Any) -> None:
        given = {"channel": "sms", "kind": "reminder_48h", "status": "delivered"} | fields
        Message.objects.create(
            appointment=visit,
            patient=visit.patient,
            to="+12025550118",
            body="…",
            due_at=NOW,
            **given,
        )

    def test_part_the_visits_by_whether_one_arrived(self) -> None:
        kept = make_appointment(
            start=MONDAY_NINE, status="fulfilled", attendance_confirmed_at=MONDAY_NINE - ONE_DAY
        )
        self.remind(kept)
        self.remind(kept, kind="reminder_2h")
        self.remind(
            make_appointment(start=MONDAY_NINE, status="arrived"), channel="email", status="sent"
        )
        self.remind(make_appointment(start=MONDAY_NINE, status="noshow"))
        self.remind(cancelled(MONDAY_NINE, ahead=timedelta(hours=47)))
        self.remind(make_appointment(start=MONDAY_NINE, status="noshow"), status="sent")
        self.remind(make_appointment(start=MONDAY_NINE, status="noshow"), status="failed")
        self.remind(make_appointment(start=MONDAY_NINE, status="fulfilled"), kind="confirmation")
        cancelled(MONDAY_NINE, ahead=timedelta(hours=49))
        make_appointment(start=MONDAY_NINE)

        total = report(f"reminders/?{WEEK}")["total"]

        assert total["with_reminder"] == {
            "visits": 4, "kept": 2, "noshow": 1, "cancelled": 1, "confirmed": 1,
            "no_show_rate": 0.3333, "cancellation_rate": 0.25, "confirmation_rate": 0.25,
        }  # fmt: skip
        assert total["without_reminder"] == {
            "visits": 3, "kept": 1, "noshow": 2, "cancelled": 0, "confirmed": 0,
            "no_show_rate": 0.6667, "cancellation_rate": 0.0, "confirmation_rate": 0.0,
        }  # fmt: skip

    def test_show_groups_that_only_one_side_has(self) -> None:
        make_appointment(start=MONDAY_NINE, status="noshow")
        self.remind(
            make_appointment(
                start=MONDAY_NINE, status="fulfilled", patient=make_patient(preferred_language="es")
            )
        )

        found = groups(f"reminders/?{WEEK}&group_by=language")

        assert found["es"]["without_reminder"]["no_show_rate"] is None
        assert found["en"]["with_reminder"]["visits"] == 0
        assert found["en"]["without_reminder"]["no_show_rate"] == 1.0


class TestWaitingTimes:
    def test_run_from_the_booking_to_the_start(self) -> None:
        for days in (1, 2, 3, 10, 4, 5, 6, 7, 8, 9):
            visit = make_appointment(start=local(2026, 3, 4, 12) + days * ONE_DAY)
            booked_at(visit, visit.start - days * ONE_DAY)

        total = report(f"waiting-times/?{WEEK}")["total"]

        assert total == {"visits": 10, "mean_days": 5.5, "p50_days": 5.0, "p90_days": 9.0}

    def test_leave_out_what_nobody_waited_for(self) -> None:
        entered_later = make_appointment(start=MONDAY_NINE)
        mistake = make_appointment(start=MONDAY_NINE + ONE_DAY, status="entered-in-error")
        elsewhen = make_appointment(start=MONDAY_NINE + 9 * ONE_DAY)
        booked_at(entered_later, MONDAY_NINE + timedelta(hours=1))
        booked_at(mistake, MONDAY_NINE)
        booked_at(elsewhen, local(2026, 3, 9, 0, 0))

        total = report(f"waiting-times/?{WEEK}")["total"]

        assert total == {"visits": 0, "mean_days": None, "p50_days": None, "p90_days": None}

    def test_belong_to_the_local_day_of_the_booking(self) -> None:
        late, early = make_appointment(start=local(2026, 3, 20, 9)), make_appointment()
        booked_at(late, local(2026, 3, 8, 23, 30))
        booked_at(early, local(2026, 3, 2, 0, 0))
        kind = make_visit_type(code="wound")
        other = make_appointment(start=local(2026, 3, 10, 9), visit_type=kind)
        booked_at(other, local(2026, 3, 9, 9))

        by_week = groups("waiting-times/?from=2026-03-02&to=2026-03-16&group_by=week")
        by_kind = groups("waiting-times/?from=2026-03-02&to=2026-03-16&group_by=visit_type")

        assert {week: row["visits"] for week, row in by_week.items()} == {
            "2026-03-02": 2, "2026-03-09": 1,
        }  # fmt: skip
        assert by_kind["wound"] | {"group": "wound"} == {
            "group": "wound", "name": None, "visits": 1, "mean_days": 1.0, "p50_days": 1.0,
            "p90_days": 1.0,
        }  # fmt: skip
        assert by_week["2026-03-02"]["p90_days"] == round(
            (late.start - local(2026, 3, 8, 23, 30)) / ONE_DAY, 2
        )


class TestFirstOpenings:
    """Asked on Thursday, 5 March 2026, at 10:00; `routine` needs two hours' notice."""

    def test_are_those_that_a_search_finds_now(self) -> None:
        make_visit_type()
        free_today, full_today = make_nurse(), make_nurse(languages=["en", "es"])
        make_override(nurse=full_today, effect="remove", date=date(2026, 3, 5))

        found = report("first-openings/?group_by=nurse")

        def first(nurse: Any) -> float:
            opening = find_openings(
                now=NOW, since=NOW, until=NOW + 14 * ONE_DAY, nurse_ids=[nurse.pk], limit=1
            ).slots[0]
            return round((opening.start - NOW) / ONE_DAY, 2)

        rows = {row["group"]: row for row in found["results"]}
        assert rows[str(free_today.pk)]["first_days"] == first(free_today) < 1
        assert rows[str(full_today.pk)]["first_days"] == first(full_today) == 0.96
        assert found["total"] == {
            "nurses": 2, "with_an_opening": 2,
            "first_days": first(free_today), "p50_days": first(free_today),
        }  # fmt: skip
        assert groups("first-openings/?group_by=language")["es"]["first_days"] == 0.96

    def test_of_a_specialization_are_those_of_the_visits_that_need_it(self) -> None:
        make_visit_type()
        skill = make_specialization(code="wound-care", name="Wound care")
        make_visit_type(code="wound", specialization=skill)
        make_nurse()
        trained = make_nurse(specializations=[skill])
        make_override(nurse=trained, effect="remove", date=date(2026, 3, 5))

        by_skill = groups("first-openings/?group_by=specialization")
        by_kind = groups("first-openings/?group_by=visit_type")

        assert (by_skill[str(skill.pk)]["name"], by_skill[str(skill.pk)]["nurses"]) == (
            "Wound care",
            1,
        )
        assert by_skill[str(skill.pk)]["first_days"] == by_kind["wound"]["first_days"] == 0.96
        assert by_skill[None]["nurses"] == by_kind["routine"]["nurses"] == 2

    def test_say_who_has_none(self) -> None:
        make_visit_type()
        nurse = make_nurse()
        make_override(
            nurse=nurse, effect="remove", starts_at=NOW - ONE_DAY, ends_at=NOW + 400 * ONE_DAY
        )
        make_nurse(active=False)

        assert report("first-openings/")["total"] == {
            "nurses": 1, "with_an_opening": 0, "first_days": None, "p50_days": None,
        }  # fmt: skip

    def test_are_searched_in_as_many_statements_for_many_nurses_as_for_few(self) -> None:
        make_visit_type()
        for _ in range(3):
            make_nurse()
        program = Program()
        program.get("me/")  # the key's bucket is made at its first use
        with CaptureQueriesContext(connection) as few:
            program.get("analytics/first-openings/?group_by=nurse")
        for _ in range(10):
            make_nurse()

        with CaptureQueriesContext(connection) as many:
            found = program.get("analytics/first-openings/?group_by=nurse")

        assert len(found.json()["results"]) == 13
        assert len(many) == len(few)


class TestUtilisation:
    def test_is_the_booked_share_of_the_hours(self) -> None:
        nurse = make_nurse()  # Monday to Friday, 9 to 17
        make_appointment(nurse=nurse, start=MONDAY_NINE, minutes=120, status="fulfilled")
        make_appointment(nurse=nurse, start=MONDAY_NINE + ONE_DAY, minutes=60, status="noshow")
        cancelled(MONDAY_NINE + 2 * ONE_DAY, ahead=ONE_DAY, nurse=nurse)

        found = report(f"utilisation/?{WEEK}&group_by=day")

        assert found["total"] == {
            "booked_minutes": 180, "worked_minutes": 2400, "utilisation": 0.075,
        }  # fmt: skip
        assert [row["booked_minutes"] for row in found["results"]] == [120, 60, 0, 0, 0, 0, 0]
        assert [row["worked_minutes"] for row in found["results"]] == [480] * 5 + [0, 0]
        assert [row["utilisation"] for row in found["results"]] == [
            0.25,
            0.125,
            0,
            0,
            0,
            None,
            None,
        ]

    def test_counts_the_hours_that_a_search_would_find(self) -> None:
        nurse = make_nurse()
        make_availability(nurse=nurse, start=time(12), end=time(13), kind="break")
        make_override(nurse=nurse, date=date(2026, 3, 3))
        make_override(nurse=nurse, date=date(2026, 3, 7), effect="add", start=time(9), end=time(11))
        make_override(nurse=nurse, starts_at=local(2026, 3, 4, 16), ends_at=local(2026, 3, 5, 10))
        Holiday.objects.create(date=date(2026, 3, 6), name="Snow")
        make_nurse(active=False)

        found = report(f"utilisation/?{WEEK}&group_by=day")

        assert [row["worked_minutes"] for row in found["results"]] == [420, 0, 360, 360, 0, 120, 0]

    def test_parts_a_night_shift_at_midnight_and_a_short_night_loses_an_hour(self) -> None:
        nurse = make_nurse(works=False)
        make_availability(nurse=nurse, weekdays=[5, 6], start=time(22), end=time(6))

        found = groups("utilisation/?from=2026-03-07&to=2026-03-10&group_by=day")

        assert {day: row["worked_minutes"] for day, row in found.items()} == {
            "2026-03-07": 120,
            "2026-03-08": 300 + 120,  # the clocks skip 02:00 to 03:00
            "2026-03-09": 360,
        }

    def test_counts_a_nurse_of_another_zone_in_the_clinics_days(self) -> None:
        nurse = make_nurse(works=False, time_zone="America/Los_Angeles")
        make_availability(nurse=nurse, weekdays=[0], start=time(17), end=time(23))
        make_appointment(nurse=nurse, start=local(2026, 3, 3, 0, 30))

        found = groups("utilisation/?from=2026-03-02&to=2026-03-04&group_by=day")

        assert [row["worked_minutes"] for row in found.values()] == [240, 120]
        assert [row["booked_minutes"] for row in found.values()] == [0, 30]

    def test_adds_nurses_by_what_they_can(self) -> None:
        wound, home = make_specialization(), make_specialization()
        ana = make_nurse(specializations=[wound, home], languages=["en", "es"])
        bea = make_nurse(specializations=[wound])
        plain = make_nurse(languages=["es"])
        make_appointment(nurse=ana, start=MONDAY_NINE, minutes=60)
        make_appointment(nurse=plain, start=MONDAY_NINE, minutes=30)

        by_nurse = groups(f"utilisation/?{WEEK}&group_by=nurse")
        by_skill = groups(f"utilisation/?{WEEK}&group_by=specialization")
        by_language = groups(f"utilisation/?{WEEK}&group_by=language")
        by_week = groups(f"utilisation/?{WEEK}&group_by=week")

        def minutes(found: dict[Any, Any]) -> dict[Any, tuple[int, int]]:
            return {k: (row["booked_minutes"], row["worked_minutes"]) for k, row in found.items()}

        assert minutes(by_nurse) == {
            str(ana.pk): (60, 2400), str(bea.pk): (0, 2400), str(plain.pk): (30, 2400),
        }  # fmt: skip
        assert minutes(by_skill) == {
            str(wound.pk): (60, 4800), str(home.pk): (60, 2400), None: (30, 2400),
        }  # fmt: skip
        assert minutes(by_language) == {"en": (60, 4800), "es": (90, 4800)}
        assert minutes(by_week) == {"2026-03-02": (90, 7200)}
        assert by_nurse[str(ana.pk)]["name"] == ana.name
