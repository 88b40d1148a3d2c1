"""`/api/v1/analytics/`: figures of calls, each beside what one counts by hand."""

from decimal import Decimal
from math import ceil
from typing import Any

import pytest

from tests.dashboard.analytics.asking import answered, groups, report
from tests.dashboard.rows import make_call
from tests.factories import (
    NOW,
    local,
    make_appointment,
    make_nurse,
    make_specialization,
    make_visit_type,
)
from voice.analytics import FOR_STAFF
from voice.models import CallLog

pytestmark = pytest.mark.django_db
WEEK = "from=2026-03-02&to=2026-03-09"


@pytest.fixture(autouse=True)
def clock(settings: Any) -> None:
    settings.CAREMATIX_NOW = NOW


class TestCallVolumes:
    def test_count_calls_by_status_and_add_what_they_took(self) -> None:
        answered(local(2026, 3, 2, 9), duration_s=60)
        answered(local(2026, 3, 2, 10), duration_s=91, direction="outbound")
        answered(local(2026, 3, 2, 11), duration_s=None, status="in_progress", outcome="")
        make_call(created_at=local(2026, 3, 2, 12), status="busy", duration_s=7, outcome="")

        total = report(f"calls/?{WEEK}")["total"]

        assert (total["calls"], total["answered"]) == (4, 3)
        assert (total["inbound"], total["outbound"]) == (3, 1)
        assert {name: n for name, n in total["by_status"].items() if n} == {
            "completed": 2, "in_progress": 1, "busy": 1,
        }  # fmt: skip
        assert (total["duration_s"], total["mean_duration_s"]) == (151, 75.5)

    def test_belong_to_the_day_that_the_clinics_clock_shows(self) -> None:
        answered(local(2026, 3, 2, 23, 30))
        answered(local(2026, 3, 3, 0, 0))
        answered(local(2026, 3, 8, 23, 59))
        answered(local(2026, 3, 9, 0, 0))
        answered(local(2026, 3, 1, 23, 59))

        by_day = groups(f"calls/?{WEEK}&group_by=day")

        assert {day: row["calls"] for day, row in by_day.items()} == {
            "2026-03-02": 1, "2026-03-03": 1, "2026-03-04": 0, "2026-03-05": 0,
            "2026-03-06": 0, "2026-03-07": 0, "2026-03-08": 1,
        }  # fmt: skip

    def test_have_a_short_and_a_long_day_when_the_clocks_change(self) -> None:
        answered(local(2026, 3, 8, 0, 30))
        answered(local(2026, 3, 8, 23, 30))
        answered(local(2026, 3, 9, 0, 30))
        answered(local(2026, 11, 1, 0, 30))
        answered(local(2026, 11, 1, 23, 30))
        answered(local(2026, 11, 2, 0, 30))

        spring = groups("calls/?from=2026-03-07&to=2026-03-10&group_by=day")
        autumn = groups("calls/?from=2026-10-31&to=2026-11-03&group_by=day")

        assert [row["calls"] for row in spring.values()] == [0, 2, 1]
        assert [row["calls"] for row in autumn.values()] == [0, 2, 1]

    def test_of_weeks_begin_on_mondays_and_hold_only_days_of_the_period(self) -> None:
        answered(local(2026, 3, 3, 9))  # before the period, in its first week
        answered(local(2026, 3, 4, 9))
        answered(local(2026, 3, 8, 23, 30))
        answered(local(2026, 3, 9, 0, 30))

        by_week = groups("calls/?from=2026-03-04&to=2026-03-24&group_by=week")

        assert {week: row["calls"] for week, row in by_week.items()} == {
            "2026-03-02": 2, "2026-03-09": 1, "2026-03-16": 0, "2026-03-23": 0,
        }  # fmt: skip

    def test_show_in_which_hours_of_the_week_people_call(self) -> None:
        answered(local(2026, 3, 2, 9, 0))
        answered(local(2026, 3, 9, 9, 59))  # a week on, in summer time
        answered(local(2026, 3, 8, 23, 30))

        found = groups("calls/?from=2026-03-02&to=2026-03-16&group_by=hour")

        assert {hour: row["calls"] for hour, row in found.items()} == {"1-09": 2, "7-23": 1}

    def test_of_nothing_are_zero_without_a_mean(self) -> None:
        found = report(f"calls/?{WEEK}&group_by=week")

        assert [row["calls"] for row in found["results"]] == [0]
        assert (found["total"]["calls"], found["total"]["mean_duration_s"]) == (0, None)

    def test_count_once_with_the_nurse_of_the_earliest_visit(self) -> None:
        skill = make_specialization(name="Wound care")
        kind = make_visit_type(code="wound", specialization=skill)
        ana, bea = make_nurse(first_name="Ana", last_name="Reyes"), make_nurse()
        first = make_appointment(nurse=ana, start=local(2026, 3, 6, 9), visit_type=kind)
        later = make_appointment(nurse=bea, start=local(2026, 3, 7, 9))
        again = make_appointment(nurse=ana, start=local(2026, 3, 8, 9))
        answered(local(2026, 3, 2, 9), first, later, again, duration_s=10)
        answered(local(2026, 3, 2, 10), later)
        answered(local(2026, 3, 2, 11))

        by_nurse = groups(f"calls/?{WEEK}&group_by=nurse")
        by_skill = groups(f"calls/?{WEEK}&group_by=specialization")
        by_kind = groups(f"calls/?{WEEK}&group_by=visit_type")

        assert {key: row["calls"] for key, row in by_nurse.items()} == {
            str(ana.pk): 1, str(bea.pk): 1, None: 1,
        }  # fmt: skip
        assert by_nurse[str(ana.pk)]["name"] == "Ana Reyes"
        assert by_nurse[str(ana.pk)]["duration_s"] == 10
        assert {key: row["calls"] for key, row in by_skill.items()} == {str(skill.pk): 1, None: 2}
        assert by_skill[str(skill.pk)]["name"] == "Wound care"
        assert {key: row["calls"] for key, row in by_kind.items()} == {
            "wound": 1, "routine": 1, None: 1,
        }  # fmt: skip


class TestOutcomes:
    def test_rates_are_of_answered_calls(self) -> None:
        for outcome in ("booked", "booked", "transferred", "info_given", ""):
            answered(local(2026, 3, 2, 9), outcome=outcome)
        make_call(created_at=local(2026, 3, 2, 9), status="no_answer", outcome="")

        total = report(f"outcomes/?{WEEK}")["total"]

        assert (total["calls"], total["answered"]) == (6, 5)
        assert {name: n for name, n in total["by_outcome"].items() if n} == {
            "booked": 2, "transferred": 1, "info_given": 1, "none": 2,
        }  # fmt: skip
        assert total["booking_rate"] == 0.4
        assert total["without_staff_rate"] == 0.75

    @pytest.mark.parametrize("outcome", CallLog.Outcome.values)
    def test_leave_something_to_staff_or_not(self, outcome: str) -> None:
        answered(local(2026, 3, 2, 9), outcome=outcome)

        total = report(f"outcomes/?{WEEK}")["total"]

        assert total["without_staff_rate"] == (0.0 if outcome in FOR_STAFF else 1.0)

    def test_of_no_answered_call_have_no_rate(self) -> None:
        make_call(created_at=local(2026, 3, 2, 9), status="no_answer", outcome="")

        total = report(f"outcomes/?{WEEK}")["total"]

        assert (total["booking_rate"], total["without_staff_rate"]) == (None, None)

    def test_are_parted_by_the_language_that_was_spoken(self) -> None:
        answered(local(2026, 3, 2, 9), language="es")
        answered(local(2026, 3, 2, 9), language="en", outcome="info_given")

        found = groups(f"outcomes/?{WEEK}&group_by=language")

        assert {key: row["booking_rate"] for key, row in found.items()} == {"en": 0.0, "es": 1.0}


class TestCosts:
    def test_add_what_is_known_and_guess_nothing(self) -> None:
        answered(local(2026, 3, 2, 9), cost_usd=Decimal("0.214301"))
        answered(local(2026, 3, 2, 10), cost_usd=Decimal("0.1"))
        answered(local(2026, 3, 2, 11), cost_usd=None)

        found = report(f"costs/?{WEEK}&group_by=day")

        assert found["total"] == {
            "calls": 3, "priced": 2, "cost_usd": "0.314301", "cost_per_call_usd": "0.157150",
        }  # fmt: skip
        assert found["results"][0]["cost_usd"] == "0.314301"
        assert (found["results"][1]["cost_usd"], found["results"][1]["priced"]) == (None, 0)

    def test_that_nobody_knows_are_null_and_not_nothing(self) -> None:
        answered(local(2026, 3, 2, 9), cost_usd=None)

        total = report(f"costs/?{WEEK}")["total"]

        assert (total["calls"], total["cost_usd"], total["cost_per_call_usd"]) == (1, None, None)


class TestLatency:
    def test_is_the_nearest_rank_over_calls(self) -> None:
        values = [100 + 37 * number % 1000 for number in range(23)]
        for number, value in enumerate(values):
            answered(
                local(2026, 3, 2 + number % 2, 9),
                greeting_ms=value,
                answer_p50_ms=value * 2,
                answer_p95_ms=value * 3,
            )
        answered(local(2026, 3, 4, 9))  # nothing was measured

        found = report(f"latency/?{WEEK}&group_by=day")

        assert found["total"] == {"calls": 24, "measured": 23, **ranks(values)}
        for at, row in enumerate(found["results"][:2]):
            measured = ranks(values[at::2])
            assert {name: row[name] for name in measured} == measured
        assert (found["results"][2]["calls"], found["results"][2]["answer_p50_ms"]) == (1, None)
        assert (found["results"][3]["calls"], found["results"][3]["answer_p95_ms"]) == (0, None)


def ranks(values: list[int]) -> dict[str, int]:
    """Return the figures by their definition."""

    def nearest(percent: int) -> int:
        return sorted(values)[ceil(percent * len(values) / 100) - 1]

    return {
        "greeting_p50_ms": nearest(50),
        "greeting_p95_ms": nearest(95),
        "answer_p50_ms": nearest(50) * 2,
        "answer_p95_ms": nearest(95) * 3,
    }
