"""Many processes want one time: the database decides, on PostgreSQL and SQLite (scheduling reference, section 18)."""

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from tests.scheduling.racer import CAP, MANY, SOME, STARTS
from tests.scheduling.racing import DATABASES, database, migrated, run

LOST = "slot_taken, 3 others"
Ended = dict[str, Any]


@pytest.fixture(scope="module", params=DATABASES)
def races(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Ended]]:
    """Run every race once, in a database of its own."""
    with database(request.param, "races", tmp_path_factory.mktemp("races")) as address:
        yield json.loads(run(migrated(address), "-m", "tests.scheduling.racer"))


class TestTwoHundredProcessesForOneTime:
    """Case 20."""

    def test_leave_one_winner_and_offer_the_others_three_other_times(
        self, races: dict[str, Ended]
    ) -> None:
        ended = races["one_time"]

        assert ended["outcomes"] == {"booked": 1, LOST: MANY - 1}
        assert ended["stored"] == {"minutes_after_nine": [0], "changes": 1}


class TestTwentyMovesToOneTime:
    """Case 25."""

    def test_leave_one_mover_there_and_the_others_where_they_were(
        self, races: dict[str, Ended]
    ) -> None:
        ended = races["moves_to_one_time"]

        assert ended["outcomes"] == {"moved": 1, LOST: SOME - 1}
        assert ended["stored"] == {"minutes_after_nine": [0], "changes": 1}


class TestTwentyProcessesAtADailyCap:
    """Case 16."""

    def test_book_no_more_visits_than_the_cap(self, races: dict[str, Ended]) -> None:
        ended = races["a_daily_cap"]

        assert ended["outcomes"]["booked"] == CAP
        assert set(ended["outcomes"]) <= {"booked", "not_available", LOST}
        assert len(ended["stored"]["minutes_after_nine"]) == CAP


class TestWishesThatPartlyOverlap:
    def test_are_booked_apart_and_refused_only_where_a_visit_is(
        self, races: dict[str, Ended]
    ) -> None:
        ended = races["partly_overlapping_times"]

        booked = ended["stored"]["minutes_after_nine"]
        assert all(later - earlier >= 30 for earlier, later in pairwise(booked))
        for wanted in range(0, 15 * STARTS, 15):
            assert any(abs(wanted - start) < 30 for start in booked)
        refused = sum(
            number for end, number in ended["outcomes"].items() if end.startswith("slot_taken, ")
        )
        assert ended["outcomes"]["booked"] == len(booked) == 2 * STARTS - refused
