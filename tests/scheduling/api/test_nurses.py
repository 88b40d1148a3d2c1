"""`/api/v1/nurses/`: nurses by REST; a change that leaves visits outside is seen before it is done."""

from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEvent
from scheduling.models import Appointment, Nurse
from tests.factories import (
    NOW,
    TOMORROW_NINE,
    make_appointment,
    make_nurse,
    make_specialization,
)
from tests.scheduling.api.keys import Program
from tests.scheduling.api.people import Person

PRIYA: dict[str, Any] = {
    "first_name": "Priya",
    "last_name": "Shah",
    "license_number": "RN482913",
    "license_state": "ny",
    "license_expires_on": "2027-12-31",
    "languages": ["en", "es"],
    "time_zone": "America/New_York",
}


@pytest.fixture(autouse=True)
def clock(settings: Any) -> None:
    settings.CAREMATIX_NOW = NOW


@pytest.fixture
def admin(db: None) -> Person:
    return Person("admin")


class TestANewNurse:
    def test_is_stored_with_what_she_is_trained_for(self, admin: Person) -> None:
        skill = make_specialization()

        answer = admin.post("nurses/", PRIYA | {"specializations": [str(skill.pk)]})

        assert answer.status_code == 201, answer.content
        nurse = Nurse.objects.get()
        assert (nurse.license_state, nurse.languages) == ("NY", ["en", "es"])
        assert list(nurse.specializations.all()) == [skill]
        assert answer.json()["specializations"] == [str(skill.pk)]
        assert AuditEvent.objects.filter(action="nurse.created", object_id=str(nurse.pk)).exists()

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"license_state": "N"}, "license_state"),
            ({"license_expires_on": "soon"}, "license_expires_on"),
            ({"languages": []}, "languages"),
            ({"languages": ["english"]}, "languages"),
            ({"time_zone": "Mars/Base"}, "time_zone"),
            ({"buffer_after_minutes": -5}, "buffer_after_minutes"),
            ({"daily_cap": 0}, "daily_cap"),
            ({"slot_step_minutes": 1}, "slot_step_minutes"),
            ({"specializations": ["00000000-0000-0000-0000-000000000007"]}, "specializations"),
            ({"salary": 1}, "salary"),
            ({"user": 1}, "user"),
        ],
    )
    def test_with_a_wrong_value_is_refused_by_its_field(
        self, admin: Person, change: dict[str, Any], field: str
    ) -> None:
        answer = admin.post("nurses/", PRIYA | change)

        assert (answer.status_code, list(answer.json()["fields"])) == (400, [field])
        assert not Nurse.objects.exists()

    def test_does_not_get_anothers_license(self, admin: Person) -> None:
        admin.post("nurses/", PRIYA)

        assert admin.post("nurses/", PRIYA).status_code == 400
        assert Nurse.objects.count() == 1


class TestANurse:
    def test_whose_license_ends_before_visits_is_seen_with_them(self, admin: Person) -> None:
        nurse = make_nurse()
        visit = make_appointment(nurse=nurse, start=TOMORROW_NINE)
        ends = {"license_expires_on": "2026-03-05"}

        refused = admin.patch(f"nurses/{nurse.pk}/", ends)
        nurse.refresh_from_db()
        kept = nurse.license_expires_on
        done = admin.patch(f"nurses/{nurse.pk}/", ends | {"token": refused.json()["token"]})

        nurse.refresh_from_db()
        assert (refused.status_code, refused.json()["code"]) == (409, "stale")
        assert [(one["id"], one["reason"]) for one in refused.json()["orphaned"]] == [
            (str(visit.pk), "license")
        ]
        assert kept == date(2030, 12, 31)
        assert (done.status_code, nurse.license_expires_on) == (200, date(2026, 3, 5))
        assert Appointment.objects.get().status == "booked"

    def test_that_is_deleted_works_no_more_and_stays_readable(self, admin: Person) -> None:
        nurse = make_nurse()

        answer = admin.delete(f"nurses/{nurse.pk}/")

        nurse.refresh_from_db()
        assert (answer.status_code, nurse.active) == (204, False)
        assert admin.get(f"nurses/{nurse.pk}/").json()["active"] is False

    def test_with_visits_ahead_is_not_ended_before_they_were_seen(self, admin: Person) -> None:
        nurse = make_nurse()
        make_appointment(nurse=nurse, start=TOMORROW_NINE)

        refused = admin.delete(f"nurses/{nurse.pk}/")
        nurse.refresh_from_db()

        assert (refused.status_code, nurse.active) == (409, True)
        token = refused.json()["token"]
        assert admin.delete(f"nurses/{nurse.pk}/?token={token}").status_code == 204

    def test_changes_how_she_is_reached_and_not_her_license(self, db: None) -> None:
        person = Person("nurse")
        own, other = make_nurse(user=person.user), make_nurse()

        assert person.patch(f"nurses/{own.pk}/", {"daily_cap": 6}).json()["daily_cap"] == 6
        refused = person.patch(f"nurses/{own.pk}/", {"license_expires_on": "2040-01-01"})
        assert (refused.status_code, list(refused.json()["fields"])) == (
            400,
            ["license_expires_on"],
        )
        assert person.patch(f"nurses/{other.pk}/", {"daily_cap": 6}).status_code in {403, 404}
        other.refresh_from_db()
        assert other.daily_cap is None

    def test_that_has_changed_since_it_was_read_stays(self, admin: Person) -> None:
        nurse = make_nurse()
        seen = admin.get(f"nurses/{nurse.pk}/")["ETag"]
        admin.patch(f"nurses/{nurse.pk}/", {"daily_cap": 6}, If_Match=seen)

        answer = admin.patch(f"nurses/{nurse.pk}/", {"daily_cap": 9}, If_Match=seen)

        nurse.refresh_from_db()
        assert (answer.status_code, nurse.daily_cap) == (412, 6)


class TestTheList:
    def test_is_read_in_as_many_statements_for_many_as_for_few(self, db: None) -> None:
        program = Program("schedule:read")
        program.get("me/")  # the first use of a key is noted
        make_nurse(specializations=[make_specialization()])
        with CaptureQueriesContext(connection) as few:
            program.get("nurses/")
        for _ in range(20):
            make_nurse(specializations=[make_specialization()])

        with CaptureQueriesContext(connection) as many:
            listed = program.get("nurses/").json()["results"]

        assert len(listed) == 21
        assert len(many) == len(few)

    def test_is_narrowed_by_training_license_and_work(self, admin: Person) -> None:
        skill = make_specialization()
        trained = make_nurse(specializations=[skill])
        ending = make_nurse(license_expires_on=date(2026, 4, 1), license_state="NJ")
        resting = make_nurse(active=False)

        def ids(query: str) -> list[str]:
            return [one["id"] for one in admin.get(f"nurses/?{query}").json()["results"]]

        assert ids(f"specialization={skill.pk}") == [str(trained.pk)]
        assert ids("license_expires_before=2026-05-01") == [str(ending.pk)]
        assert ids("license_state=nj") == [str(ending.pk)]
        assert ids("active=false") == [str(resting.pk)]

    def test_is_not_written_with_a_key(self, db: None) -> None:
        assert Program().post("nurses/", PRIYA).status_code == 403
