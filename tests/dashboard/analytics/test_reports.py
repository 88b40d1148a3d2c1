"""`/api/v1/analytics/`: what all reports have in common: questions, files, who gets them, and what they cost."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEvent
from dashboard.analytics.views import ReportView
from tests.dashboard.analytics.asking import answered, lines_of, report
from tests.dashboard.rows import assign, make_call
from tests.factories import (
    NOW,
    local,
    make_appointment,
    make_nurse,
    make_patient,
    make_specialization,
    make_user,
)
from tests.scheduling.api.keys import Program

pytestmark = pytest.mark.django_db
WEEK = "from=2026-03-02&to=2026-03-09"
OF_CALLS = ("calls", "outcomes", "costs", "latency")
OF_VISITS = ("no-shows", "reminders", "waiting-times", "utilisation")
OF_NOW = ("first-openings",)
"""Of no period; `test_visits` has their tests."""
REPORTS = (*OF_CALLS, *OF_VISITS)
PARTED = [
    (view.subject, str(by))
    for view in ReportView.__subclasses__()
    if view.subject in REPORTS
    for by in view.groupings
]
MOST_QUERIES = 9  # of a report, beside those of any request


@pytest.fixture(autouse=True)
def clock(settings: Any) -> None:
    settings.CAREMATIX_NOW = NOW


def signed_in(role: str) -> tuple[Client, Any]:
    login, client = make_user(role=role), Client()
    client.force_login(login)
    return client, login


def test_the_tests_know_every_report() -> None:
    assert {view.subject for view in ReportView.__subclasses__()} == {*REPORTS, *OF_NOW}


class TestPeriod:
    def test_is_the_last_thirty_days_with_today_unless_told(self) -> None:
        found = report("calls/?group_by=day")

        assert (found["from"], found["to"]) == ("2026-02-04", "2026-03-06")
        assert (found["time_zone"], found["group_by"]) == ("America/New_York", "day")
        assert len(found["results"]) == 30

    def test_of_a_leap_year_is_the_longest(self) -> None:
        assert len(report("calls/?from=2024-01-01&to=2025-01-01&group_by=day")["results"]) == 366

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("from=2024-01-01&to=2025-01-02", "to"),
            ("from=2026-03-09&to=2026-03-09", "to"),
            ("from=2026-03-09&to=2026-03-02", "to"),
            ("from=yesterday", "from"),
            ("from=0001-01-01", "from"),
            ("to=9999-12-31", "to"),
            ("from=2026-03-02T09:00:00-05:00", "from"),
            ("group_by=patient", "group_by"),
            ("group_by=", "group_by"),
            ("patient=1", "patient"),
        ],
    )
    @pytest.mark.parametrize("accept", ["application/json", "text/csv"])
    def test_that_makes_no_sense_is_refused_in_json(
        self, query: str, field: str, accept: str
    ) -> None:
        answer = Program().get(f"analytics/calls/?{query}", Accept=accept)

        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
        assert list(answer.json()["fields"]) == [field]
        assert not AuditEvent.objects.filter(action="analytics.read").exists()

    @pytest.mark.parametrize(
        "path", ["utilisation/?group_by=visit_type", "latency/?group_by=nurse"]
    )
    def test_is_parted_only_by_what_bears_on_the_figures(self, path: str) -> None:
        answer = Program().get(f"analytics/{path}")

        assert (answer.status_code, list(answer.json()["fields"])) == (400, ["group_by"])


class TestFile:
    def test_has_a_line_for_each_group_with_the_figures_of_the_answer(self) -> None:
        answered(local(2026, 3, 2, 9), duration_s=60)
        make_call(created_at=local(2026, 3, 3, 9), status="busy", outcome="")
        path = f"analytics/calls/?{WEEK}&group_by=day"

        answer = Program().get(path, Accept="text/csv")

        lines = lines_of(answer)
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        assert answer["Content-Disposition"] == (
            'attachment; filename="calls-2026-03-02-2026-03-09.csv"'
        )
        assert [line["group"] for line in lines] == [f"2026-03-0{day}" for day in range(2, 9)]
        assert (lines[0]["calls"], lines[0]["by_status.completed"]) == ("1", "1")
        assert (lines[1]["by_status.busy"], lines[1]["mean_duration_s"]) == ("1", "")

    def test_without_groups_has_the_total_alone(self) -> None:
        lines = lines_of(Program().get(f"analytics/reminders/?{WEEK}", Accept="text/csv"))

        assert [(line["from"], line["to"]) for line in lines] == [("2026-03-02", "2026-03-09")]
        assert lines[0]["with_reminder.visits"] == "0"
        assert "group" not in lines[0]

    def test_runs_nothing_in_a_spreadsheet_s69(self) -> None:
        skill = make_specialization(name="=HYPERLINK(0)")
        make_nurse(specializations=[skill])

        answer = Program().get(
            f"analytics/utilisation/?{WEEK}&group_by=specialization", Accept="text/csv"
        )

        assert [line["name"] for line in lines_of(answer)] == ["'=HYPERLINK(0)"]

    @pytest.mark.parametrize("subject", REPORTS)
    def test_is_there_for_every_report(self, subject: str) -> None:
        answer = Program().get(f"analytics/{subject}/?{WEEK}&group_by=week", Accept="text/csv")

        assert [line["group"] for line in lines_of(answer)] == ["2026-03-02"]

    def test_of_another_kind_is_not_to_be_had(self) -> None:
        assert Program().get("analytics/calls/", Accept="application/pdf").status_code == 406


class TestReaders:
    @pytest.mark.parametrize("subject", REPORTS)
    def test_need_the_scope_of_the_rows_that_are_counted(self, subject: str) -> None:
        right, wrong = "calls:read", "appointments:read"
        if subject in OF_VISITS:
            right, wrong = wrong, right

        assert Program(right).get(f"analytics/{subject}/").status_code == 200
        assert Program(wrong).get(f"analytics/{subject}/").status_code == 403

    @pytest.mark.parametrize("subject", REPORTS)
    def test_have_to_be_known(self, subject: str) -> None:
        assert Client().get(f"/api/v1/analytics/{subject}/").status_code == 401

    @pytest.mark.parametrize("role", ["admin", "scheduler", "nurse"])
    @pytest.mark.parametrize("subject", REPORTS)
    def test_may_have_any_role(self, subject: str, role: str) -> None:
        client, _ = signed_in(role)

        assert client.get(f"/api/v1/analytics/{subject}/").status_code == 200
        assert client.post(f"/api/v1/analytics/{subject}/").status_code == 405

    def test_who_are_nurses_count_own_rows_alone(self) -> None:
        client, login = signed_in("nurse")
        nurse, own = make_nurse(user=login), make_patient()
        assign(nurse, own)
        make_appointment(nurse=nurse, patient=own, start=local(2026, 3, 2, 9), status="noshow")
        make_appointment(start=local(2026, 3, 2, 9), status="fulfilled")
        make_call(own, created_at=local(2026, 3, 2, 9))
        make_call(make_patient(), created_at=local(2026, 3, 2, 9))

        def total(subject: str) -> Any:
            return client.get(f"/api/v1/analytics/{subject}/?{WEEK}").json()["total"]

        assert total("calls")["calls"] == 1
        assert (total("no-shows")["visits"], total("no-shows")["no_show_rate"]) == (1, 1.0)
        assert total("utilisation")["worked_minutes"] == 2400
        assert client.get("/api/v1/analytics/utilisation/?group_by=nurse").json()["results"][0][
            "group"
        ] == str(nurse.pk)

    def test_see_names_of_nurses_only_if_they_may_read_the_calendar_s27(self) -> None:
        make_nurse(first_name="Ana", last_name="Reyes")
        path = "analytics/utilisation/?group_by=nurse"

        bare = Program("appointments:read").get(path).json()["results"]
        named = Program("appointments:read", "schedule:read").get(path).json()["results"]

        assert [row["name"] for row in bare] == [None]
        assert [row["name"] for row in named] == ["Ana Reyes"]

    @pytest.mark.parametrize("subject", REPORTS)
    def test_leave_one_event_without_patients_s46(self, subject: str) -> None:
        visit = make_appointment(start=local(2026, 3, 2, 9))
        make_call(visit.patient, visit, created_at=local(2026, 3, 2, 9))

        answer = Program().get(f"analytics/{subject}/?{WEEK}&group_by=language")

        event = AuditEvent.objects.get(action="analytics.read")
        assert (event.object_type, event.object_id, event.patient_ids) == ("analytics", subject, [])
        assert str(visit.patient_id) not in answer.content.decode()
        assert visit.patient.last_name not in answer.content.decode()


class TestQueries:
    @pytest.mark.parametrize(("subject", "by"), PARTED)
    def test_are_as_many_for_a_year_of_many_rows_as_for_one(self, subject: str, by: str) -> None:
        program = Program()
        program.get("me/")  # the first use of a key is noted
        self.fill(1)
        few = self.queries(program, f"analytics/{subject}/?{WEEK}&group_by={by}")
        self.fill(12)

        many = self.queries(
            program, f"analytics/{subject}/?from=2026-01-01&to=2027-01-01&group_by={by}"
        )

        assert many == few
        assert many <= MOST_QUERIES + self.queries(program, "me/")

    def fill(self, number: int) -> None:
        for at in range(number):
            nurse = make_nurse(specializations=[make_specialization()])
            start = local(2026, 3, 2, 9) + at * timedelta(days=1)
            visit = make_appointment(nurse=nurse, start=start)
            answered(start, visit, greeting_ms=at, answer_p50_ms=at, answer_p95_ms=at)

    def queries(self, program: Program, path: str) -> int:
        with CaptureQueriesContext(
            connection,
        ) as found:
            assert program.get(path).status_code == 200
        return len(found)


def test_days_of_a_zone_whose_clocks_skip_midnight_are_all_there(settings: Any) -> None:
    settings.CLINIC_TIME_ZONE = "America/Santiago"  # on 6 September 2026 the day begins at 01:00

    found = report("utilisation/?from=2026-09-05&to=2026-09-08&group_by=day")

    assert [row["group"] for row in found["results"]] == [
        str(date(2026, 9, day)) for day in (5, 6, 7)
    ]
