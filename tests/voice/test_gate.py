"""The pure state of a call's gate: trust, handles, proposals, budgets, storage (S12, S17–S19, S21)."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.assistant.gate import Gate, Limits, Proposal, SlotHandle, Trust, counts_as_read_back
from voice.assistant.tools import TOOLS
from voice.protocol.commands import CallerTurn, Evidence, Spoken

LIMITS = Limits()
READ_BACK = (
    "To confirm: a routine visit with Tom Blake on Tuesday, March tenth, at eight. Shall I book it?"
)
WHOLE = Spoken(READ_BACK, whole=True)
CUT = Spoken("To confirm: a routine", whole=False)
YES = CallerTurn()


def slot(hour: int = 13) -> SlotHandle:
    start = datetime(2026, 3, 10, hour, tzinfo=UTC)
    return SlotHandle("nurse", "Tom Blake", "routine", start, start.replace(minute=30))


def proposal(*ids: str) -> Proposal:
    return Proposal(
        "nonce", "booking", {}, READ_BACK, ("Tuesday", "martes"), 1_000, list(ids or ("p",))
    )


def evidence(**after: tuple[Spoken | CallerTurn, ...]) -> Evidence:
    return Evidence(after=after)


def missing(seen: Evidence, *ids: str) -> str:
    return Gate().missing_evidence(proposal(*ids), seen)


class TestReadBackEvidence:
    def test_s19_a_whole_read_back_and_then_a_caller_turn_suffice(self) -> None:
        assert missing(evidence(p=(WHOLE, YES))) == ""

    def test_a13_nothing_between_is_confirm_required(self) -> None:
        assert missing(evidence()) == "confirm_required"
        assert missing(evidence(p=())) == "confirm_required"

    def test_s19_a_read_back_without_an_answer_is_confirm_required(self) -> None:
        assert missing(evidence(p=(WHOLE,))) == "confirm_required"

    def test_s19_an_answer_before_the_read_back_does_not_count(self) -> None:
        assert missing(evidence(p=(YES, WHOLE))) == "confirm_required"

    def test_bk8_a_read_back_that_was_cut_is_not_heard(self) -> None:
        assert missing(evidence(p=(CUT, YES))) == "readback_not_heard"

    def test_s19_another_whole_sentence_is_no_read_back(self) -> None:
        assert (
            missing(evidence(p=(Spoken("One moment please.", whole=True), YES)))
            == "readback_not_heard"
        )

    def test_bk8_the_repetition_after_a_refused_confirmation_counts(self) -> None:
        seen = evidence(p=(CUT, YES), c=(WHOLE, YES))

        assert missing(seen, "p", "c") == ""

    def test_s19_what_followed_another_function_call_does_not_count(self) -> None:
        assert missing(evidence(other=(WHOLE, YES))) == "confirm_required"

    def test_s19_an_answer_to_the_cut_one_does_not_answer_the_repetition(self) -> None:
        assert missing(evidence(p=(CUT, YES), c=(WHOLE,)), "p", "c") == "confirm_required"

    def test_the_key_word_is_found_without_case_and_accents(self) -> None:
        line = Spoken("...el MIERCOLES once de marzo", whole=True)

        assert counts_as_read_back(line, ("Wednesday", "miércoles"))

    def test_a_line_whose_words_are_unknown_is_taken_for_it(self) -> None:
        assert counts_as_read_back(Spoken("", whole=True), ("Tuesday",))

    @given(st.lists(st.sampled_from([WHOLE, CUT, YES]), max_size=6))
    def test_s19_nothing_passes_without_a_whole_read_back_before_a_turn(
        self, entries: list[Spoken | CallerTurn]
    ) -> None:
        passes = missing(evidence(p=tuple(entries))) == ""

        assert passes == any(
            entry is WHOLE and YES in entries[at:] for at, entry in enumerate(entries)
        )


class TestUnansweredProposal:
    @pytest.mark.parametrize(
        ("seen", "unanswered"),
        [(evidence(), True), (evidence(p=(WHOLE,)), True), (evidence(p=(WHOLE, YES)), False)],
    )
    def test_is_one_to_which_the_caller_said_nothing(
        self, seen: Evidence, unanswered: bool
    ) -> None:
        gate = Gate(proposal=proposal())

        assert gate.is_unanswered(seen, at_ms=2_000, limits=LIMITS) is unanswered

    def test_ends_with_the_proposals_life(self) -> None:
        gate = Gate(proposal=proposal())

        assert not gate.is_unanswered(evidence(), at_ms=122_000, limits=LIMITS)


class TestTrust:
    @pytest.mark.parametrize("trust", [Trust.ANON, Trust.LOCKED])
    @pytest.mark.parametrize("name", TOOLS)
    def test_s12_strangers_may_call_the_open_tools_only(self, name: str, trust: Trust) -> None:
        tool = TOOLS[name]

        code = Gate(trust=trust).refusal(tool, limits=LIMITS)

        allowed = tool.need == "any" or (tool.need == "anonymous" and trust is Trust.ANON)
        assert code == ("" if allowed else "identity_required")

    def test_s12_a_stranger_may_confirm_a_registration_and_nothing_else(self) -> None:
        registration = Proposal("n", "registration", {}, "", (), 0, [])
        tool = TOOLS["confirm_proposal"]

        assert Gate(proposal=registration).refusal(tool, limits=LIMITS) == ""
        assert Gate(proposal=proposal()).refusal(tool, limits=LIMITS) == "identity_required"
        assert (
            Gate(trust=Trust.LOCKED, proposal=registration).refusal(tool, limits=LIMITS)
            == "identity_required"
        )

    def test_ln10_after_the_hang_up_only_a_confirmation_may_finish(self) -> None:
        gate = Gate(trust=Trust.VERIFIED, patient_id="x", ended=True)

        allowed = {name for name, tool in TOOLS.items() if not gate.refusal(tool, limits=LIMITS)}

        assert allowed == {"confirm_proposal"}

    def test_s18_another_person_means_no_handle_and_no_proposal(self) -> None:
        gate = Gate()
        gate.verify(patient_id="one", acting_as="self", provisional=False)
        first, visit = gate.offer(slot()), gate.list_appointment("visit")
        gate.proposal = proposal()

        gate.verify(patient_id="two", acting_as="guardian", provisional=False)

        assert not any((gate.slots, gate.appointments, gate.proposal))
        assert gate.offer(slot()) != first
        assert gate.list_appointment("visit") != visit

    def test_s14_a_lock_outlives_the_wish_to_start_over(self) -> None:
        gate = Gate()
        gate.lock()

        gate.forget_person()

        assert gate.trust is Trust.LOCKED


class TestHandles:
    def test_s17_rise_and_repeat_for_the_same_time(self) -> None:
        gate = Gate()

        assert [gate.offer(slot(13)), gate.offer(slot(14)), gate.offer(slot(13))] == [
            "slot_1",
            "slot_2",
            "slot_1",
        ]

    def test_s17_of_old_searches_are_forgotten_at_a_bound(self) -> None:
        gate = Gate()

        for minute in range(60):
            gate.offer(
                SlotHandle("n", "n", "routine", slot().start.replace(minute=minute), slot().end)
            )

        assert len(gate.slots) == 24
        assert "slot_60" in gate.slots


class TestBudget:
    def test_s21_ends_with_the_fortieth_call_but_for_the_ways_out(self) -> None:
        gate = Gate(trust=Trust.VERIFIED, tool_calls=40)

        allowed = {name for name, tool in TOOLS.items() if not gate.refusal(tool, limits=LIMITS)}

        assert allowed == {"transfer_to_staff", "report_emergency", "end_call"}

    def test_s21_ends_with_the_sixth_write(self) -> None:
        tool = TOOLS["leave_message"]

        assert Gate(writes=5).may_write(tool, limits=LIMITS)
        assert not Gate(writes=6).may_write(tool, limits=LIMITS)
        assert Gate(writes=6).may_write(TOOLS["find_slots"], limits=LIMITS)


class TestStorage:
    def test_a29_a_state_is_the_same_after_it_was_stored(self) -> None:
        gate = Gate(tool_calls=7, writes=2, bookings=1, attempts=2, warned=True)
        gate.verify(
            patient_id="p", acting_as="guardian", provisional=True, caller_name="James Okafor"
        )
        gate.offer(slot())
        gate.list_appointment("visit")
        gate.proposal = proposal("a", "b")
        gate.told_late.append("x")

        restored = Gate.restore(json.loads(json.dumps(gate.snapshot())))

        assert restored == gate

    def test_a29_an_empty_state_is_too(self) -> None:
        assert Gate.restore(json.loads(json.dumps(Gate().snapshot()))) == Gate()
