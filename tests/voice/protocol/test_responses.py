"""One response at a time (openai-realtime, section 5; F7, F9)."""

import pytest

from tests.voice.protocol.calls import (
    PhoneCall,
    closes,
    function_call,
    of_type,
    to_openai,
    to_twilio,
    tools,
)
from voice.protocol.commands import Close

ACTIVE = "conversation_already_has_active_response"


def asked(call: PhoneCall) -> str:
    """Return the event id of the last response that the bridge asked for."""
    return str(of_type(call.all, "response.create")[-1]["event_id"])


def with_one_tool() -> PhoneCall:
    """Return a call whose model has just called one tool."""
    call = PhoneCall()
    call.respond("resp_1")
    call.done("resp_1", function_call("call_1"))
    return call


class TestToolCalls:
    def test_are_run_when_their_response_is_complete(self) -> None:
        call = PhoneCall()
        call.respond("resp_1")

        assert tools(call.hear("response.function_call_arguments.done", call_id="call_1")) == []
        assert tools(call.done("resp_1", function_call("call_1"), function_call("call_2"))) == [
            "call_1",
            "call_2",
        ]

    @pytest.mark.parametrize("status", ["cancelled", "incomplete", "failed"])
    def test_of_a_response_that_ended_otherwise_are_answered_but_not_run(self, status: str) -> None:
        """F10."""
        call = PhoneCall()
        call.respond("resp_1")

        commands = call.done("resp_1", function_call("call_1"), status=status)

        assert tools(commands) == []
        output = of_type(commands, "conversation.item.create")[0]["item"]
        assert output["call_id"] == "call_1"
        assert output["output"] == '{"error":"interrupted, not executed"}'

    def test_that_are_incomplete_themselves_are_not_run(self) -> None:
        """F10."""
        call = PhoneCall()
        call.respond("resp_1")

        assert tools(call.done("resp_1", function_call("call_1", status="incomplete"))) == []

    def test_are_followed_by_one_response_after_the_last_answer(self) -> None:
        call = PhoneCall()
        call.respond("resp_1")
        call.done("resp_1", function_call("call_1"), function_call("call_2"))

        first = to_openai(call.answer("call_2"))
        second = to_openai(call.answer("call_1"))

        assert [event["type"] for event in first] == ["conversation.item.create"]
        assert [event["type"] for event in second] == [
            "conversation.item.create",
            "response.create",
        ]

    def test_are_answered_once_though_the_answer_comes_twice(self) -> None:
        call = with_one_tool()
        call.answer("call_1")

        assert call.answer("call_1") == []

    def test_are_run_once_though_the_model_repeats_them(self) -> None:
        call = with_one_tool()

        assert tools(call.done("resp_1", function_call("call_1"))) == []

    def test_have_a_changed_session_sent_before_the_answer(self) -> None:
        """LN3."""
        call = with_one_tool()

        events = to_openai(call.answer("call_1", session={"instructions": "Hable español."}))

        assert [event["type"] for event in events] == [
            "session.update",
            "conversation.item.create",
            "response.create",
        ]

    def test_that_wait_are_followed_by_no_response(self) -> None:
        call = with_one_tool()

        assert of_type(call.answer("call_1", effect="wait"), "response.create") == []

    def test_are_still_run_for_a_caller_who_hung_up_after_speaking(self) -> None:
        """LN10."""
        call = PhoneCall()
        call.turn()
        call.stop()

        assert not call.bridge.settled
        call.respond("resp_1")
        assert tools(call.done("resp_1", function_call("call_1"))) == ["call_1"]
        call.answer("call_1")
        call.hear(
            "conversation.item.input_audio_transcription.completed",
            item_id="user_1",
            transcript="Yes.",
        )
        assert call.bridge.settled


class TestGate:
    def test_keeps_a_request_until_the_active_response_is_done(self) -> None:
        call = with_one_tool()
        call.respond("resp_2")

        assert of_type(call.answer("call_1"), "response.create") == []
        assert len(of_type(call.done("resp_2"), "response.create")) == 1

    def test_drops_a_request_when_a_response_has_seen_the_answer(self) -> None:
        call = with_one_tool()
        call.hear("input_audio_buffer.speech_started", item_id="user_1")
        call.acknowledge(call.answer("call_1"))
        call.hear("input_audio_buffer.speech_stopped", item_id="user_1")
        call.respond("resp_2")

        assert of_type(call.done("resp_2"), "response.create") == []

    def test_keeps_a_request_whose_answer_the_response_had_not_seen(self) -> None:
        call = with_one_tool()
        call.hear("input_audio_buffer.speech_started", item_id="user_1")
        call.answer("call_1")
        call.hear("input_audio_buffer.speech_stopped", item_id="user_1")
        call.respond("resp_2")

        assert len(of_type(call.done("resp_2"), "response.create")) == 1

    def test_waits_while_the_caller_speaks(self) -> None:
        call = with_one_tool()
        call.hear("input_audio_buffer.speech_started", item_id="user_1")

        assert of_type(call.answer("call_1"), "response.create") == []

    def test_asks_itself_when_the_server_does_not_answer_the_caller(self) -> None:
        call = with_one_tool()
        call.hear("input_audio_buffer.speech_started", item_id="user_1")
        call.answer("call_1")
        call.hear("input_audio_buffer.speech_stopped", item_id="user_1")

        assert len(of_type(call.wait(1_100), "response.create")) == 1

    def test_asks_again_after_a_collision_and_only_then(self) -> None:
        """F9."""
        call = with_one_tool()
        call.answer("call_1")

        refused = call.hear("error", error={"code": ACTIVE, "event_id": asked(call)})
        waited = call.wait(9_000)
        done = call.done("resp_9")

        assert closes(refused) == []
        assert of_type([*refused, *waited], "response.create") == []
        assert len(of_type(done, "response.create")) == 1

    def test_asks_again_when_nothing_was_heard_of_a_request_for_ten_seconds(self) -> None:
        call = with_one_tool()
        call.answer("call_1")

        assert of_type(call.wait(9_900), "response.create") == []
        assert len(of_type(call.wait(200), "response.create")) == 1

    def test_gives_the_model_up_when_that_happens_twice(self) -> None:
        call = with_one_tool()
        call.answer("call_1")

        assert closes(call.wait(21_000)) == [Close(1011, "model_lost")]

    def test_cancels_a_response_that_nobody_waits_for(self) -> None:
        call = with_one_tool()
        call.answer("call_1")
        rid = asked(call)
        call.respond("resp_2", rid)
        call.done("resp_2", metadata={"rid": rid})

        cancel = of_type(call.respond("resp_3", rid), "response.cancel")

        assert cancel[0]["response_id"] == "resp_3"
        assert to_twilio(call.speak("item_3", 200, "resp_3")) == []

    def test_counts_a_response_that_stalls_as_a_lost_model(self) -> None:
        """F2."""
        call = PhoneCall()
        call.respond("resp_1")

        assert closes(call.wait(20_100)) == [Close(1011, "model_lost")]


class TestFailedResponse:
    @staticmethod
    def fail(call: PhoneCall, code: str, message: str = "") -> list[object]:
        details = {"error": {"type": "x", "code": code, "message": message}}
        return list(call.done("resp_1", status="failed", status_details=details))

    def test_is_retried_once_after_the_stated_delay(self) -> None:
        """F7."""
        call = PhoneCall()
        call.respond("resp_1")
        self.fail(call, "rate_limit_exceeded", "Please try again in 1.5s.")

        assert of_type(call.wait(1_400), "response.create") == []
        assert len(of_type(call.wait(200), "response.create")) == 1

        call.respond("resp_1", asked(call))
        self.fail(call, "rate_limit_exceeded", "Please try again in 1.5s.")
        assert closes(call.all) == [Close(1011, "model_unavailable")]

    def test_may_be_retried_again_after_progress(self) -> None:
        """F7."""
        call = PhoneCall()
        for _ in range(3):
            call.respond("resp_1")
            self.fail(call, "rate_limit_exceeded")
            call.wait(1_100)
            call.respond("resp_2", asked(call))
            call.done("resp_2")

        assert closes(call.all) == []

    @pytest.mark.parametrize("code", ["insufficient_quota", "model_not_found"])
    def test_ends_the_call_when_the_account_is_at_fault(self, code: str) -> None:
        """F7."""
        call = PhoneCall()
        call.respond("resp_1")
        self.fail(call, code)

        assert closes(call.all) == [Close(1011, "model_unavailable")]

    @pytest.mark.parametrize("details", [None, "failed", [], {"error": "failed"}])
    def test_may_have_details_of_any_shape(self, details: object) -> None:
        call = PhoneCall()
        call.respond("resp_1")
        call.done("resp_1", status="failed", status_details=details, usage=None)

        assert len(of_type(call.wait(1_100), "response.create")) == 1

    def test_is_continued_once_when_a_limit_cut_it(self) -> None:
        """F9."""
        call = PhoneCall()
        call.respond("resp_1")
        first = of_type(call.done("resp_1", status="incomplete"), "response.create")
        call.respond("resp_2", asked(call))
        second = of_type(call.done("resp_2", status="incomplete"), "response.create")

        assert (len(first), len(second)) == (1, 0)
