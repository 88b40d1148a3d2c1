"""
`/api/v1/availability/`, `/availability-overrides/` and `/holidays/`: hours by REST, without a visit lost.

A change that leaves visits outside is refused with their list, and takes a token for them (scheduling reference,
section 11). The clinic's clock stands at Thursday, 5 March 2026, 10:00 in New York.
"""

from datetime import date
from typing import Any

import pytest

from accounts.models import AuditEvent
from scheduling.models import (
    Appointment,
    Availability,
    AvailabilityOverride,
    Holiday,
    Nurse,
    StaffTask,
)
from tests.factories import (
    NOW,
    TOMORROW_NINE,
    make_appointment,
    make_availability,
    make_hold,
    make_nurse,
    make_override,
    make_visit_type,
)
from tests.scheduling.api.keys import Program
from tests.scheduling.api.people import Person

OFF = {"starts_at": "2026-03-06T00:00:00-05:00", "ends_at": "2026-03-07T00:00:00-05:00"}


@pytest.fixture(autouse=True)
def clock(settings: Any) -> None:
    settings.CAREMATIX_NOW = NOW


@pytest.fixture
def admin(db: None) -> Person:
    return Person("admin")


def saturday(nurse: Nurse, **fields: Any) -> dict[str, Any]:
    return {"nurse": str(nurse.pk), "weekday": 5, "start": "09:00", "end": "12:00"} | fields


def time_off(nurse: Nurse, **fields: Any) -> dict[str, Any]:
    return {"nurse": str(nurse.pk), "effect": "remove"} | OFF | fields


class TestAWeeklyWindow:
    def test_opens_times_that_can_be_booked(self, admin: Person) -> None:
        nurse = make_nurse(works=False)

        answer = admin.post("availability/", saturday(nurse))

        assert answer.status_code == 201, answer.content
        assert answer.json()["kind"] == "work"
        assert Availability.objects.get().nurse == nurse
        assert AuditEvent.objects.filter(action="availability.created").count() == 1

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"weekday": 7}, "weekday"),
            ({"start": "25:00"}, "start"),
            ({"start": "09:00:30"}, "non_field_errors"),
            ({"kind": "lunch"}, "kind"),
            ({"nurse": "00000000-0000-0000-0000-000000000007"}, "nurse"),
            ({"valid_from": "2026-04-01", "valid_until": "2026-03-01"}, "non_field_errors"),
            ({"color": "red"}, "color"),
        ],
    )
    def test_with_a_wrong_value_is_refused_by_its_field(
        self, admin: Person, change: dict[str, Any], field: str
    ) -> None:
        answer = admin.post("availability/", saturday(make_nurse(works=False)) | change)

        assert (answer.status_code, answer.json()["code"]) == (400, "invalid"), answer.content
        assert field in answer.json()["fields"]
        assert not Availability.objects.exists()

    def test_under_a_visit_is_not_shortened_before_its_list_was_seen(self, admin: Person) -> None:
        nurse = make_nurse(works=False)
        [window] = make_availability(nurse=nurse, weekdays=[4])
        visit = make_appointment(nurse=nurse, start=TOMORROW_NINE)

        refused = admin.patch(f"availability/{window.pk}/", {"start": "10:00"})

        window.refresh_from_db()
        assert (refused.status_code, refused.json()["code"]) == (409, "stale")
        assert [one["id"] for one in refused.json()["orphaned"]] == [str(visit.pk)]
        assert window.start.hour == 9

        told = {"start": "10:00", "token": refused.json()["token"]}
        done = admin.patch(f"availability/{window.pk}/", told)

        visit.refresh_from_db()
        assert (done.status_code, done.json()["start"]) == (200, "10:00:00")
        assert (visit.status, visit.start, visit.orphaned) == ("booked", TOMORROW_NINE, True)
        assert StaffTask.objects.filter(appointment=visit).count() == 1

    def test_takes_no_token_for_other_visits(self, admin: Person) -> None:
        nurse = make_nurse(works=False)
        [window] = make_availability(nurse=nurse, weekdays=[4])
        make_appointment(nurse=nurse, start=TOMORROW_NINE)
        token = admin.delete(f"availability/{window.pk}/").json()["token"]
        later = make_appointment(nurse=nurse, start=TOMORROW_NINE.replace(hour=17))

        answer = admin.delete(f"availability/{window.pk}/?token={token}")

        assert answer.status_code == 409
        assert str(later.pk) in {one["id"] for one in answer.json()["orphaned"]}
        assert Availability.objects.filter(pk=window.pk).exists()

    def test_is_deleted_with_the_token_of_what_it_leaves(self, admin: Person) -> None:
        nurse = make_nurse(works=False)
        [window] = make_availability(nurse=nurse, weekdays=[4])
        visit = make_appointment(nurse=nurse, start=TOMORROW_NINE)
        token = admin.delete(f"availability/{window.pk}/").json()["token"]

        answer = admin.delete(f"availability/{window.pk}/?token={token}")

        assert answer.status_code == 204
        assert Appointment.objects.get(pk=visit.pk).status == "booked"

    def test_names_the_held_times_that_it_would_end(self, admin: Person) -> None:
        nurse = make_nurse(works=False)
        [window] = make_availability(nurse=nurse, weekdays=[4])
        make_hold(nurse=nurse, start=TOMORROW_NINE)

        answer = admin.delete(f"availability/{window.pk}/")

        assert answer.status_code == 409
        assert [one["nurse"] for one in answer.json()["lost_holds"]] == [str(nurse.pk)]

    def test_is_changed_by_its_own_nurse_and_by_no_other(self, db: None) -> None:
        person = Person("nurse")
        own, other = make_nurse(user=person.user, works=False), make_nurse(works=False)
        [mine], [theirs] = (make_availability(nurse=one, weekdays=[4]) for one in (own, other))

        assert person.patch(f"availability/{mine.pk}/", {"end": "16:00"}).status_code == 200
        assert person.patch(f"availability/{theirs.pk}/", {"end": "16:00"}).status_code == 404
        assert person.post("availability/", saturday(other)).status_code in {403, 404, 400}
        assert not Availability.objects.filter(nurse=other, weekday=5).exists()


class TestAChangeOfHours:
    def test_is_time_off_over_a_range(self, admin: Person) -> None:
        answer = admin.post("availability-overrides/", time_off(make_nurse()))

        assert answer.status_code == 201, answer.content
        assert answer.json()["date"] is None

    def test_under_a_visit_takes_the_token_of_the_visits_seen(self, admin: Person) -> None:
        nurse = make_nurse()
        visit = make_appointment(nurse=nurse, start=TOMORROW_NINE)

        refused = admin.post("availability-overrides/", time_off(nurse))
        token = refused.json()["token"]
        done = admin.post("availability-overrides/", time_off(nurse, token=token))

        assert (refused.status_code, refused.json()["code"]) == (409, "stale")
        assert [one["id"] for one in refused.json()["orphaned"]] == [str(visit.pk)]
        assert done.status_code == 201, done.content
        assert AvailabilityOverride.objects.count() == 1

    @pytest.mark.parametrize(
        "change",
        [
            {"effect": "vanish"},
            {"effect": "add"},
            {"ends_at": OFF["starts_at"]},
            {"ends_at": None},
            {"date": "2026-03-06"},
            {"starts_at": "2026-03-06T00:00:00"},
        ],
    )
    def test_that_makes_no_sense_is_refused(self, admin: Person, change: dict[str, Any]) -> None:
        answer = admin.post("availability-overrides/", time_off(make_nurse()) | change)

        assert (answer.status_code, answer.json()["code"]) == (400, "invalid"), answer.content
        assert not AvailabilityOverride.objects.exists()

    def test_of_one_date_adds_removes_or_replaces(self, admin: Person) -> None:
        make_visit_type()
        nurse = make_nurse()
        times = {"start": "18:00", "end": "20:00"}

        for effect, day in (("add", "09"), ("replace", "10"), ("remove", "11")):
            body = {"nurse": str(nurse.pk), "effect": effect, "date": f"2026-03-{day}"} | times
            assert admin.post("availability-overrides/", body).status_code == 201

        free = Program("schedule:read").get(
            f"slots/?nurse={nurse.pk}&from=2026-03-09&to=2026-03-11&limit=100"
        )
        starts = {one["start"][:16] for one in free.json()["results"]}
        assert {"2026-03-09T18:00", "2026-03-10T18:00"} <= starts
        assert "2026-03-10T09:00" not in starts

    def test_is_found_by_when_it_holds(self, admin: Person) -> None:
        nurse = make_nurse()
        day = make_override(nurse=nurse, effect="remove", date=date(2026, 3, 9))
        make_override(nurse=nurse, effect="remove", date=date(2026, 4, 9))

        found = admin.get("availability-overrides/?from=2026-03-09&to=2026-03-10").json()

        assert [one["id"] for one in found["results"]] == [str(day.pk)]


class TestAHoliday:
    def test_under_a_visit_takes_the_token_of_the_visits_seen(self, admin: Person) -> None:
        visit = make_appointment(nurse=make_nurse(), start=TOMORROW_NINE)
        body = {"date": "2026-03-06", "name": "Closed"}

        refused = admin.post("holidays/", body)
        done = admin.post("holidays/", body | {"token": refused.json()["token"]})

        assert [one["id"] for one in refused.json()["orphaned"]] == [str(visit.pk)]
        assert (refused.status_code, done.status_code) == (409, 201)
        assert Holiday.objects.get().date == date(2026, 3, 6)

    def test_is_there_once(self, admin: Person) -> None:
        body = {"date": "2026-07-03", "name": "Closed"}
        admin.post("holidays/", body)

        answer = admin.post("holidays/", body)

        assert (answer.status_code, list(answer.json()["fields"])) == (400, ["date"])

    def test_is_found_between_dates_and_deleted(self, admin: Person) -> None:
        made = admin.post("holidays/", {"date": "2026-07-03", "name": "Closed"}).json()

        assert admin.get("holidays/?from=2026-07-04").json()["results"] == []
        assert admin.get("holidays/?from=2026-07-03&to=2026-07-04").json()["results"] == [made]
        assert admin.delete(f"holidays/{made['id']}/").status_code == 204
        assert not Holiday.objects.exists()
