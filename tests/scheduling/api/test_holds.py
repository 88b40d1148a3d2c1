"""`/api/v1/slot-holds/`: times kept while somebody decides (scheduling reference, section 6)."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEvent
from scheduling.models import Appointment, SlotHold
from tests.factories import (
    NOW,
    TOMORROW_NINE,
    make_hold,
    make_nurse,
    make_patient,
    make_user,
    make_visit_type,
)
from tests.scheduling.api.keys import Program

HALF_HOUR = timedelta(minutes=30)
NOBODY = "00000000-0000-0000-0000-000000000007"


@pytest.fixture(autouse=True)
def clock(settings: Any) -> None:
    settings.CAREMATIX_NOW = NOW


@pytest.fixture
def program(db: None) -> Program:
    return Program()


def wish(**fields: Any) -> dict[str, Any]:
    make_visit_type()
    return {"nurse": str(make_nurse().pk), "start": TOMORROW_NINE.isoformat()} | fields


class TestAHold:
    def test_keeps_the_time_until_its_owner_books_it(self, program: Program) -> None:
        asked = wish()
        held = program.post("slot-holds/", asked)
        booking = asked | {"patient": str(make_patient().pk)}

        refused = Program().post("appointments/", booking)
        booked = program.post("appointments/", booking | {"hold": held.json()["id"]})

        assert (held.status_code, held.json()["state"]) == (201, "live")
        assert held.json()["expires_at"] == "2026-03-05T10:02:00-05:00"
        assert (refused.status_code, refused.json()["code"]) == (409, "slot_taken")
        assert refused.json()["alternatives"][0]["start"].startswith("2026-03-06T09:30")
        assert booked.status_code == 201, booked.content
        assert program.get(f"slot-holds/{held.json()['id']}/").json()["state"] == "used"

    def test_frees_the_time_when_it_lapses(self, program: Program, settings: Any) -> None:
        asked = wish(seconds=30)
        held = program.post("slot-holds/", asked).json()
        settings.CAREMATIX_NOW = NOW + timedelta(seconds=31)

        booked = Program().post("appointments/", asked_by_somebody(asked))

        assert booked.status_code == 201, booked.content
        assert program.get(f"slot-holds/{held['id']}/").json()["state"] == "expired"

    def test_frees_the_time_when_it_is_given_up(self, program: Program) -> None:
        asked = wish()
        path = f"slot-holds/{program.post('slot-holds/', asked).json()['id']}/"

        given_up = program.delete(path, If_Match=program.get(path)["ETag"])
        again = program.delete(path)

        assert (given_up.status_code, again.status_code) == (204, 204)
        assert program.get(path).json()["state"] == "released"
        assert Program().post("appointments/", asked_by_somebody(asked)).status_code == 201

    def test_stays_while_its_owner_keeps_another(self, program: Program) -> None:
        first = program.post("slot-holds/", wish()).json()
        program.post("slot-holds/", wish())

        assert program.get(f"slot-holds/{first['id']}/").json()["state"] == "live"

    def test_cannot_be_booked_with_by_somebody_else(self, program: Program) -> None:
        asked = wish()
        held = program.post("slot-holds/", asked).json()

        answer = Program().post("appointments/", asked_by_somebody(asked) | {"hold": held["id"]})

        assert (answer.status_code, answer.json()["code"]) == (409, "slot_expired")
        assert not Appointment.objects.exists()

    def test_of_a_time_that_is_held_is_refused(self, program: Program) -> None:
        asked = wish()
        program.post("slot-holds/", asked)

        answer = Program().post("slot-holds/", asked)

        assert (answer.status_code, answer.json()["code"]) == (409, "slot_taken")

    def test_is_one_of_twenty_at_most(self, program: Program, settings: Any) -> None:
        nurses = [make_nurse() for _ in range(2)]
        make_visit_type()
        bodies = [
            {"nurse": str(nurse.pk), "start": (TOMORROW_NINE + n * HALF_HOUR).isoformat()}
            for nurse in nurses
            for n in range(11)
        ]
        answers = [program.post("slot-holds/", body) for body in bodies[:21]]
        settings.CAREMATIX_NOW = NOW + timedelta(minutes=3)

        later = program.post("slot-holds/", bodies[21])

        assert [answer.status_code for answer in answers] == [201] * 20 + [409]
        assert answers[-1].json()["code"] == "limit_reached"
        assert later.status_code == 201

    def test_twice_under_one_key_is_one(self, program: Program) -> None:
        asked = wish()

        first = program.post("slot-holds/", asked, Idempotency_Key="k")
        again = program.post("slot-holds/", asked, Idempotency_Key="k")

        assert first.json() == again.json()
        assert SlotHold.objects.count() == 1

    def test_is_on_record_with_its_patient_s46(self, program: Program) -> None:
        patient = make_patient()

        program.post("slot-holds/", wish(patient=str(patient.pk)))

        event = AuditEvent.objects.get(action="slot_hold.created")
        assert event.patient_ids == [str(patient.pk)]

    @pytest.mark.parametrize(
        ("change", "status"),
        [
            ({"seconds": 121}, 400),
            ({"seconds": 0}, 400),
            ({"nurse": NOBODY}, 400),
            ({"patient": NOBODY}, 400),
            ({"visit_type": "surgery"}, 400),
            ({"owner": "call:1"}, 400),
            ({"start": "2026-03-06T09:05:00-05:00"}, 422),
            ({"start": "2026-03-07T09:00:00-05:00"}, 422),
        ],
    )
    def test_that_is_not_possible_stores_nothing(
        self, program: Program, change: dict[str, Any], status: int
    ) -> None:
        answer = program.post("slot-holds/", wish() | change)

        assert answer.status_code == status, answer.content
        assert not SlotHold.objects.exists()


def asked_by_somebody(asked: dict[str, Any]) -> dict[str, Any]:
    """Return the body of a booking of the same time."""
    chosen = {name: value for name, value in asked.items() if name != "seconds"}
    return chosen | {"patient": str(make_patient().pk)}


class TestTheList:
    def test_has_own_holds_only_s26(self, program: Program) -> None:
        own = program.post("slot-holds/", wish()).json()["id"]
        others = Program().post("slot-holds/", wish()).json()["id"]
        of_a_call = make_hold(nurse=make_nurse())

        listed = program.get("slot-holds/").json()["results"]
        foreign = [program.get(f"slot-holds/{pk}/") for pk in (others, of_a_call.pk)]
        missing = program.get(f"slot-holds/{NOBODY}/")

        assert [hold["id"] for hold in listed] == [own]
        assert {answer.status_code for answer in (*foreign, missing)} == {404}
        assert program.delete(f"slot-holds/{others}/").status_code == 404

    def test_is_narrowed_to_what_still_lives(self, program: Program, settings: Any) -> None:
        program.post("slot-holds/", wish(seconds=10))
        settings.CAREMATIX_NOW = NOW + timedelta(seconds=10)
        living = program.post("slot-holds/", wish()).json()["id"]

        found = program.get("slot-holds/?state=live").json()["results"]

        assert [hold["id"] for hold in found] == [living]

    def test_costs_the_same_for_one_and_for_many(self, program: Program) -> None:
        nurse = make_nurse()
        for number in range(15):
            start = TOMORROW_NINE + number * HALF_HOUR
            make_hold(nurse=nurse, start=start, owner=f"key:{program.key.pk}/{number}")
        program.get("slot-holds/")

        counts = []
        for size in (1, 50):
            with CaptureQueriesContext(connection) as captured:
                program.get(f"slot-holds/?page_size={size}")
            counts.append(len(captured))

        assert counts[0] == counts[1]

    def test_is_closed_to_nurses_and_to_keys_without_the_scope(self, db: None) -> None:
        client = Client()
        client.force_login(make_user(role="nurse"))

        assert Program("schedule:read").get("slot-holds/").status_code == 403
        assert Program("appointments:read").post("slot-holds/", wish()).status_code == 403
        assert client.get("/api/v1/slot-holds/").status_code == 403
