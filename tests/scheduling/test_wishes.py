"""What a patient may ask for besides a day: a condition, and simply the first free time."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError

from scheduling.exceptions import NotFound
from scheduling.models import MedicalCondition, Nurse, Specialization
from scheduling.selectors import Openings, earliest_openings, find_openings
from tests.factories import (
    make_availability,
    make_nurse,
    make_override,
    make_patient,
    make_specialization,
    make_visit_type,
)

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday, 07:00 in New York


def make_condition(code: str) -> MedicalCondition:
    return MedicalCondition.objects.create(patient=make_patient(), name="A condition", code=code)


def make_trained(*beginnings: str) -> Nurse:
    nurse = make_nurse()
    nurse.specializations.add(make_specialization(condition_codes=list(beginnings)))
    return nurse


def search(**wish: Any) -> Openings:
    make_visit_type()
    return find_openings(now=NOW, since=NOW, until=NOW + timedelta(days=1), limit=100, **wish)


class TestCondition:
    def test_asks_only_nurses_who_are_trained_for_it(self) -> None:
        trained = make_trained("L89", "L97")
        make_trained("E11")
        make_nurse()

        found = search(condition_id=make_condition("L97.4").pk)

        assert {slot.nurse_id for slot in found.slots} == {trained.pk}

    def test_asks_everybody_when_it_needs_no_training(self) -> None:
        nurses = {make_trained("L89").pk, make_nurse().pk}

        found = search(condition_id=make_condition("J06.9").pk)

        assert {slot.nurse_id for slot in found.slots} == nurses

    def test_keeps_to_the_nurse_who_was_asked_for(self) -> None:
        trained, other = make_trained("L89"), make_trained("L89")
        condition = make_condition("L89.0")

        found = search(condition_id=condition.pk, nurse_ids=[other.pk])

        assert {slot.nurse_id for slot in found.slots} == {other.pk}
        assert trained.pk != other.pk

    def test_finds_nothing_when_the_nurse_asked_for_is_not_trained(self) -> None:
        make_trained("L89")

        found = search(condition_id=make_condition("L89.0").pk, nurse_ids=[make_nurse().pk])

        assert found.slots == ()

    def test_that_is_unknown_is_refused(self) -> None:
        with pytest.raises(NotFound):
            search(condition_id=uuid4())

    @pytest.mark.parametrize("codes", ["L89", ["l89"], [1], ["L89'; --"]])
    def test_codes_of_a_specialization_are_beginnings_of_codes(self, codes: Any) -> None:
        with pytest.raises(ValidationError):
            Specialization(name="Wounds", code="wounds", condition_codes=codes).full_clean()


class TestEarliestOpenings:
    def test_look_beyond_two_weeks_when_those_are_full(self) -> None:
        make_visit_type()
        nurse = make_nurse(works=False)
        make_override(
            nurse=nurse,
            effect="add",
            date=(NOW + timedelta(days=40)).date(),
            start=time(9),
            end=time(10),
        )

        found = earliest_openings(now=NOW, limit=1)

        assert [slot.start.date() for slot in found.slots] == [(NOW + timedelta(days=40)).date()]

    def test_are_those_of_the_first_days_when_there_are_some(self) -> None:
        make_visit_type()
        make_nurse()

        found = earliest_openings(now=NOW, limit=3)

        assert (
            found.slots
            == find_openings(now=NOW, since=NOW, until=NOW + timedelta(days=14), limit=3).slots
        )

    def test_say_why_there_is_none_up_to_the_horizon(self) -> None:
        make_visit_type()
        make_availability(
            nurse=make_nurse(works=False), valid_from=(NOW + timedelta(days=400)).date()
        )

        found = earliest_openings(now=NOW)

        assert (found.slots, found.reason) == ((), "no_hours")
