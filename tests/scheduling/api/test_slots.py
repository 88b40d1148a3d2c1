"""`/api/v1/slots/`: free times by REST (contract, section 8, "Requests"; scheduling reference, sections 2 and 9)."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEvent
from tests.factories import (
    NOW,
    TOMORROW_NINE,
    make_appointment,
    make_assignment,
    make_hold,
    make_nurse,
    make_patient,
    make_specialization,
    make_user,
    make_visit_type,
)
from tests.scheduling.api.keys import Program

MOST_STATEMENTS = 6
FRIDAY = "from=2026-03-06&to=2026-03-07"


@pytest.fixture(autouse=True)
def clock(settings: Any) -> None:
    settings.CAREMATIX_NOW = NOW


@pytest.fixture
def program(db: None) -> Program:
    make_visit_type()
    return Program("schedule:read")


def starts(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [slot["start"][:16] for slot in answer.json()["results"]]


class TestTheList:
    def test_has_all_starts_of_one_nurse_in_order(self, program: Program) -> None:
        nurse = make_nurse()

        answer = program.get(f"slots/?nurse={nurse.pk}&{FRIDAY}")

        half_hours = [f"2026-03-06T{9 + n // 2:02}:{n % 2 * 30:02}" for n in range(16)]
        assert starts(answer) == half_hours
        assert answer.json()["reason"] == ""
        assert answer.json()["results"][0] == {
            "start": "2026-03-06T09:00:00-05:00",
            "end": "2026-03-06T09:30:00-05:00",
            "nurse": str(nurse.pk),
            "visit_type": "routine",
        }

    def test_begins_now_and_ends_in_two_weeks_unless_told(self, program: Program) -> None:
        nurse = make_nurse()

        found = starts(program.get(f"slots/?nurse={nurse.pk}"))

        assert (found[0], len(found)) == ("2026-03-05T12:00", 100)

    def test_ends_before_its_bound(self, program: Program) -> None:
        make_nurse()
        since, until = "2026-03-06T09:30:00-05:00", "2026-03-06T15:30:00%2B00:00"

        found = starts(program.get(f"slots/?from={since}&to={until}"))

        assert found == ["2026-03-06T09:30", "2026-03-06T10:00"]

    def test_leaves_out_visits_and_holds(self, program: Program) -> None:
        nurse = make_nurse()
        make_appointment(nurse=nurse, start=TOMORROW_NINE)
        make_hold(nurse=nurse, start=TOMORROW_NINE + timedelta(minutes=30))

        assert starts(program.get(f"slots/?nurse={nurse.pk}&{FRIDAY}"))[0] == "2026-03-06T10:00"

    def test_is_narrowed_to_a_part_of_the_day_by_the_patients_clock(self, program: Program) -> None:
        make_nurse()
        here, there = make_patient(), make_patient(time_zone="America/Denver")

        for patient, last in [(here, "2026-03-06T11:30"), (there, "2026-03-06T13:30")]:
            asked = f"slots/?patient={patient.pk}&part_of_day=morning&{FRIDAY}"
            assert starts(program.get(asked))[-1] == last

    def test_is_narrowed_to_a_specialization_and_a_language(self, program: Program) -> None:
        wounds = make_specialization()
        make_nurse()
        right = make_nurse(specializations=[wounds], languages=["en", "es"])

        by_skill = program.get(f"slots/?specialization={wounds.pk}&{FRIDAY}").json()["results"]
        by_language = program.get(f"slots/?language=es&{FRIDAY}").json()["results"]

        assert {slot["nurse"] for slot in by_skill + by_language} == {str(right.pk)}

    def test_takes_the_kind_of_visit_by_code_or_by_id(self, program: Program) -> None:
        make_nurse()
        kind = make_visit_type(code="consultation", length_minutes=60)

        by_code = program.get(f"slots/?visit_type=consultation&{FRIDAY}").json()
        by_id = program.get(f"slots/?visit_type={kind.pk}&{FRIDAY}").json()

        assert by_code == by_id
        assert by_code["results"][0]["visit_type"] == "consultation"
        assert by_code["results"][0]["end"] == "2026-03-06T10:00:00-05:00"

    def test_puts_the_patients_own_nurse_first_if_asked(self, program: Program) -> None:
        make_nurse()
        patient, own = make_patient(), make_nurse()
        make_assignment(patient=patient, nurse=own)

        asked = f"slots/?patient={patient.pk}&order=care&limit=3&{FRIDAY}"
        found = program.get(asked).json()["results"]

        assert [slot["nurse"] for slot in found] == [str(own.pk)] * 3

    def test_says_why_it_is_empty(self, program: Program) -> None:
        nurse = make_nurse()

        answer = program.get(f"slots/?nurse={nurse.pk}&from=2026-03-07&to=2026-03-08").json()

        assert answer == {"results": [], "reason": "no_hours"}

    def test_offers_what_can_be_booked(self, program: Program) -> None:
        make_nurse()
        slot = program.get(f"slots/?{FRIDAY}&limit=1").json()["results"][0]

        booked = Program().post("appointments/", slot_for(slot))

        assert booked.status_code == 201, booked.content
        assert booked.json()["start"] == slot["start"]


def slot_for(slot: dict[str, str]) -> dict[str, str]:
    """Return the body of a booking of a slot."""
    chosen = {name: slot[name] for name in ("start", "nurse", "visit_type")}
    return chosen | {"patient": str(make_patient().pk)}


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        "query",
        [
            "limit=0", "limit=101", "limit=many", "nurse=1", "patient=ann", "specialization=x",
            "part_of_day=night", "order=name", "visit_type=surgery", "from=yesterday",
            "visit_type=00000000-0000-0000-0000-000000000007", "name=Ann",
            "patient=00000000-0000-0000-0000-000000000007", "to=2026-01-01", "to=2026-06-01",
            "from=0001-01-01", "page_size=5",
        ],
    )  # fmt: skip
    def test_is_named_s44(self, program: Program, query: str) -> None:
        answer = program.get(f"slots/?{query}")

        assert (answer.status_code, answer.json()["code"]) == (400, "invalid"), query
        assert list(answer.json()["fields"]) == [query.partition("=")[0]]

    def test_is_a_key_without_the_scope(self, db: None) -> None:
        assert Program("appointments:write").get("slots/").status_code == 403

    def test_is_a_patient_of_others_like_a_missing_one_s26(self, program: Program) -> None:
        login = make_user(role="nurse")
        own, foreign = make_patient(), make_patient()
        make_assignment(patient=own, nurse=make_nurse(user=login))
        client = Client()
        client.force_login(login)

        def ask(patient: Any) -> Any:
            return client.get(f"/api/v1/slots/?patient={patient}&{FRIDAY}")

        missing = ask("00000000-0000-0000-0000-000000000007")
        assert ask(own.pk).status_code == 200
        assert ask(foreign.pk).status_code == missing.status_code == 400
        assert ask(foreign.pk).json()["fields"] == missing.json()["fields"]

    def test_is_what_is_not_get(self, program: Program) -> None:
        assert program.post("slots/", {}).status_code == 405


class TestTheRecord:
    def test_names_the_patient_for_whom_somebody_looked_s46(self, program: Program) -> None:
        patient = make_patient()

        program.get("slots/")
        program.get(f"slots/?patient={patient.pk}")

        events = AuditEvent.objects.filter(action="slots.list").order_by("seq")
        assert [event.patient_ids for event in events] == [[], [str(patient.pk)]]


class TestStatements:
    @pytest.mark.parametrize("nurses", [1, 2, 20])
    @pytest.mark.parametrize("by_id", [False, True])
    @pytest.mark.parametrize("for_patient", [False, True])
    def test_are_six_at_most_whatever_is_asked(
        self, program: Program, nurses: int, by_id: bool, for_patient: bool
    ) -> None:
        made = [make_nurse() for _ in range(nurses)]
        for day in range(3):
            start = datetime(2026, 3, 6 + day, 15, tzinfo=NOW.tzinfo)
            make_appointment(nurse=made[0], start=start)
        query = "limit=100"
        if by_id:
            query += f"&visit_type={make_visit_type().pk}"
        if for_patient:
            query += f"&patient={make_patient().pk}"

        with CaptureQueriesContext(connection) as captured:
            answer = program.get(f"slots/?{query}&from={date(2026, 3, 6)}&to={date(2026, 3, 20)}")

        asked = [query["sql"] for query in captured if '"scheduling_' in query["sql"]]
        assert len(answer.json()["results"]) == 100
        assert len(asked) <= MOST_STATEMENTS, "\n".join(asked)
