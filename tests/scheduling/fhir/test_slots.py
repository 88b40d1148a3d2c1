"""Times as slots: free ones from the engine, taken ones from rows (scheduling reference, section 16)."""

from datetime import date, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.fhir.people import role_id
from scheduling.fhir.slot_ids import LATEST_MINUTE, SlotId, read
from scheduling.models import SlotHold
from tests.factories import (
    NOW,
    TOMORROW_NINE,
    local,
    make_appointment,
    make_hold,
    make_nurse,
    make_override,
    make_specialization,
    make_visit_type,
)
from tests.scheduling.fhir.program import Program, entries, issue, matches

FRIDAY = "start=ge2026-03-06&start=lt2026-03-07"


class TestTheIdOfASlot:
    @given(st.uuids(), st.integers(0, LATEST_MINUTE), st.uuids())
    def test_is_reversible_and_fits(self, nurse: UUID, start: int, kind: UUID) -> None:
        slot = SlotId(nurse, start, kind)

        assert read(str(slot)) == slot
        assert len(str(slot)) <= 64
        assert str(slot).isalnum()

    @given(st.text())
    def test_is_no_other_text(self, text: str) -> None:
        found = read(text)

        assert found is None or str(found) == text

    def test_has_one_spelling(self) -> None:
        slot = str(SlotId(UUID(int=1), 5, UUID(int=2)))

        others = {slot[:-1] + last for last in "abcdefghijklmnopqrstuvwxyz234567"} - {slot}
        assert sum(read(one) is not None for one in others) == 7  # those that are other kinds
        assert read(slot.upper()) is None


@pytest.mark.django_db
class TestFreeSlots:
    def test_are_those_of_the_engine(self, program: Program) -> None:
        nurse, kind = make_nurse(), make_visit_type()
        make_appointment(nurse=nurse, start=local(2026, 3, 6, 12))

        slots = program.found(f"Slot?{FRIDAY}&status=free&schedule=Schedule/{nurse.pk}")

        assert len(slots) == 15  # eight hours, half of one taken
        first = slots[0]
        assert (first["start"], first["end"]) == ("2026-03-06T14:00:00Z", "2026-03-06T14:30:00Z")
        assert first["schedule"] == {"reference": f"Schedule/{nurse.pk}"}
        assert first["serviceType"][0]["coding"][0]["code"] == kind.code
        assert "2026-03-06T17:00:00Z" not in {one["start"] for one in slots}

    def test_are_of_the_kinds_asked_for(self, program: Program) -> None:
        make_visit_type()
        make_visit_type(code="consultation", length_minutes=60)
        make_nurse()

        both = program.found(
            f"Slot?{FRIDAY}&status=free&service-type=routine,consultation&_count=100"
        )
        long = program.found(f"Slot?{FRIDAY}&status=free&service-type=consultation&_count=100")

        assert len(both) == 16 + 15
        assert {one["serviceType"][0]["coding"][0]["code"] for one in long} == {"consultation"}
        assert program.found(f"Slot?{FRIDAY}&service-type=unknown") == []

    def test_are_of_the_nurse_asked_for(self, program: Program) -> None:
        make_visit_type()
        skill = make_specialization()
        nurse = make_nurse(specializations=[skill])
        make_nurse()

        for query in (
            f"schedule={nurse.pk}",
            f"schedule.actor=Practitioner/{nurse.pk}",
            f"schedule.actor={nurse.pk}",
            f"schedule.actor=PractitionerRole/{role_id(nurse.pk, skill.pk)}",
        ):
            slots = program.found(f"Slot?{FRIDAY}&status=free&{query}&_count=100")
            assert len(slots) == 16, query
            assert {one["schedule"]["reference"] for one in slots} == {f"Schedule/{nurse.pk}"}
        assert program.found(f"Slot?{FRIDAY}&schedule=nobody") == []

    def test_page_to_the_end(self, program: Program) -> None:
        make_visit_type()
        for _ in range(2):
            make_nurse()

        bundles = list(program.pages(f"Slot?{FRIDAY}&status=free&_count=10"))

        ids = [one["id"] for bundle in bundles for one in matches(bundle)]
        assert (len(ids), len(set(ids)), len(bundles)) == (32, 32, 4)
        assert {one["total"] for one in bundles} == {32}
        back = program.get(
            next(x["url"] for x in bundles[2]["link"] if x["relation"] == "previous")
        )
        assert matches(back.json()) == matches(bundles[1])

    def test_bring_their_schedule_along(self, program: Program) -> None:
        make_visit_type()
        nurse = make_nurse()

        bundle = program.get(f"Slot?{FRIDAY}&_include=Slot:schedule&_count=5").json()

        assert [one["resource"]["id"] for one in entries(bundle, "include")] == [str(nurse.pk)]


@pytest.mark.django_db
class TestTakenSlots:
    def test_are_visits_holds_buffers_and_times_off(self, program: Program) -> None:
        nurse = make_nurse(buffer_before_minutes=10, buffer_after_minutes=15)
        visit = make_appointment(nurse=nurse)
        make_hold(nurse=nurse, start=local(2026, 3, 6, 11))
        make_hold(nurse=nurse, start=local(2026, 3, 6, 13), expires_at=NOW)  # over
        make_override(nurse=nurse, date=date(2026, 3, 6), start=time(15), end=time(17))

        slots = program.found(f"Slot?{FRIDAY}&status=busy,busy-tentative,busy-unavailable")

        assert [(one["start"][11:16], one["end"][11:16], one["status"]) for one in slots] == [
            ("13:50", "14:00", "busy-unavailable"),
            ("14:00", "14:30", "busy"),
            ("14:30", "14:45", "busy-unavailable"),
            ("16:00", "16:30", "busy-tentative"),
            ("20:00", "22:00", "busy-unavailable"),
        ]
        assert str(visit.patient_id) not in str(slots)

    @pytest.mark.parametrize("status", ["cancelled", "fulfilled", "noshow", "entered-in-error"])
    def test_are_no_visits_that_are_over(self, program: Program, status: str) -> None:
        make_appointment(status=status)

        assert program.found(f"Slot?{FRIDAY}&status=busy") == []

    def test_are_all_there_without_a_status(self, program: Program) -> None:
        nurse = make_nurse()
        make_appointment(nurse=nurse)

        statuses = [one["status"] for one in program.found(f"Slot?{FRIDAY}&_count=100")]

        assert (statuses.count("busy"), statuses.count("free")) == (1, 15)


@pytest.mark.django_db
class TestASlot:
    def test_reads_free_then_busy(self, program: Program) -> None:
        kind, nurse = make_visit_type(), make_nurse()
        (slot, *_) = program.found(f"Slot?{FRIDAY}&status=free")
        assert program.get(f"Slot/{slot['id']}").json() == slot

        make_appointment(nurse=nurse, visit_type=kind)

        assert program.get(f"Slot/{slot['id']}").json()["status"] == "busy"

    def test_of_another_kind_is_busy_all_the_same(self, program: Program) -> None:
        make_visit_type()
        nurse = make_nurse()
        (slot, *_) = program.found(f"Slot?{FRIDAY}&status=free")

        make_appointment(nurse=nurse, visit_type=make_visit_type(code="consultation"), minutes=60)

        assert program.get(f"Slot/{slot['id']}").json()["status"] == "busy"

    def test_of_time_off_reads_as_it_was_found(self, program: Program) -> None:
        nurse = make_nurse()
        make_override(nurse=nurse, date=date(2026, 3, 6))
        (slot,) = program.found(f"Slot?{FRIDAY}&status=busy-unavailable")

        assert program.get(f"Slot/{slot['id']}").json() == slot

    def test_outside_the_hours_is_unavailable(self, program: Program) -> None:
        kind, nurse = make_visit_type(), make_nurse()
        sunday = local(2026, 3, 8, 10)

        slot = program.get(f"Slot/{slot_id(nurse.pk, sunday, kind.pk)}").json()

        assert (slot["status"], slot["end"]) == ("busy-unavailable", "2026-03-08T14:30:00Z")

    def test_that_is_none_is_not_there(self, program: Program) -> None:
        kind, nurse = make_visit_type(), make_nurse()
        off_the_grid = TOMORROW_NINE + timedelta(minutes=7)

        for text in (
            "nonsense",
            slot_id(UUID(int=9), TOMORROW_NINE, kind.pk),
            slot_id(nurse.pk, TOMORROW_NINE, UUID(int=9)),
            slot_id(nurse.pk, off_the_grid, kind.pk),
            slot_id(nurse.pk, TOMORROW_NINE, UUID(int=0)),
        ):
            assert issue(program.get(f"Slot/{text}")) == (404, "not-found")


def slot_id(nurse_id: UUID, start: Any, kind_id: UUID) -> str:
    return str(SlotId(nurse_id, int(start.timestamp()) // 60, kind_id))


@pytest.mark.django_db
class TestTheRangeOfASearch:
    @pytest.mark.parametrize(
        ("query", "code"),
        [
            ("", "required"), ("start=ge2026-03-06", "required"), ("start=lt2026-03-06", "required"),
            ("start=ge2026-03-06&start=lt2026-04-07", "too-costly"),
            ("start=ne2026-03-06", "value"), ("start=ge2026-03-06,ge2026-03-07", "value"),
            ("start=ge1900-01-01&start=lt1900-01-02", "value"), ("start=2026", "too-costly"),
            ("start=ge9998-01-01&start=lt9998-01-02", "value"),
        ],
    )  # fmt: skip
    def test_is_bounded_on_both_sides(self, program: Program, query: str, code: str) -> None:
        assert issue(program.get(f"Slot?{query}")) == (400, code)

    @pytest.mark.parametrize(
        "query",
        [
            "start=2026-03-06", "start=2026-03", "start=ge2026-03-06&start=le2026-03-06",
            "start=sa2026-03-05&start=eb2026-03-07", "start=ge2026-10-15&start=lt2026-11-15",
            "start=gt2026-03-05&start=lt2026-04-05T23:59:59-04:00",
        ],
    )  # fmt: skip
    def test_may_have_any_form(self, program: Program, query: str) -> None:
        make_visit_type()
        make_nurse()

        assert program.get(f"Slot?{query}&_count=0").status_code == 200

    def test_the_wrong_way_round_is_empty(self, program: Program) -> None:
        make_nurse()

        assert program.found("Slot?start=ge2026-03-07&start=lt2026-03-06") == []

    def test_may_ask_for_what_is_new(self, program: Program) -> None:
        make_visit_type()
        make_nurse()

        assert program.found(f"Slot?{FRIDAY}&_lastUpdated=ge2026-03-05")
        assert program.found(f"Slot?{FRIDAY}&_lastUpdated=lt2026-03-05") == []


@pytest.mark.django_db
def test_a_search_takes_as_many_queries_for_many_nurses_as_for_one(
    program: Program, django_assert_max_num_queries: Any
) -> None:
    make_visit_type()
    counts = []
    for nurses in (1, 12):
        for _ in range(nurses):
            nurse = make_nurse()
            make_appointment(nurse=nurse)
            make_hold(nurse=nurse, start=local(2026, 3, 6, 11))
        program.get("metadata")
        with django_assert_max_num_queries(40) as queries:
            program.found(f"Slot?{FRIDAY}&_include=Slot:schedule&_count=100")
        counts.append(len(queries))

    assert counts[0] == counts[1]
    assert SlotHold.objects.count() == 13
