"""The record of what was said, and the evidence that the tools read (openai-realtime, section 7; S19)."""

from tests.voice.protocol.calls import PhoneCall, function_call, rows
from voice.protocol.commands import (
    CallerTurn,
    RecordLatency,
    RecordTurn,
    RecordUsage,
    RunTool,
    Spoken,
)
from voice.protocol.conversation import cut_at


def transcribe(call: PhoneCall, item_id: str, words: str) -> dict[str, RecordTurn]:
    return rows(
        call.hear(
            "conversation.item.input_audio_transcription.completed",
            item_id=item_id,
            transcript=words,
            usage={"type": "duration", "seconds": 1.5},
        )
    )


class TestRows:
    def test_hold_nothing_that_the_database_refuses(self) -> None:
        call = PhoneCall()
        call.turn("user_1")
        call.respond("resp_1")
        call.say("item_1", 200, words="Which\0 day?")
        call.done("resp_1", items=["item_1"])
        call.play_out()

        row = transcribe(call, "user_1", "A \0nurse.")["user_1"]

        assert row.text == "A nurse."
        assert rows(call.all)["item_1"].text == "Which day?"

    def test_are_made_only_of_items_whose_names_fit_into_the_record(self) -> None:
        call = PhoneCall()
        longest = "i" * 64

        call.turn(longest)
        call.turn("i" * 65)

        assert list(transcribe(call, longest, "Hello.")) == [longest]
        assert transcribe(call, "i" * 65, "Hello.") == {}

    def test_of_the_caller_are_completed_late_by_their_item(self) -> None:
        call = PhoneCall()
        call.turn("user_1")
        call.respond("resp_1")
        call.say("item_1", 200, words="Which day?")
        call.done("resp_1", items=["item_1"])
        call.play_out()

        row = transcribe(call, "user_1", "I need a nurse.")["user_1"]

        assert row.text == "I need a nurse."
        assert row.position < rows(call.all)["item_1"].position
        assert (row.started_ms, row.ended_ms) == (0, 1_000)

    def test_follow_their_predecessors_and_not_their_arrival(self) -> None:
        call = PhoneCall()
        call.turn("user_1")
        call.turn("user_2", previous="user_1")
        call.hear(
            "conversation.item.added",
            previous_item_id="user_1",
            item={"id": "item_1", "type": "message"},
        )
        transcribe(call, "user_2", "Two.")
        transcribe(call, "user_1", "One.")
        call.respond("resp_1")
        call.say("item_1", 200)
        call.play_out()

        stored = rows(call.all)
        in_order = sorted(stored, key=lambda item: stored[item].position)

        assert in_order == ["user_1", "item_1", "user_2"]

    def test_go_last_when_the_predecessor_is_unknown(self) -> None:
        call = PhoneCall()
        call.turn("user_1")
        call.turn("user_2", previous="never_seen")
        transcribe(call, "user_1", "One.")
        transcribe(call, "user_2", "Two.")

        stored = rows(call.all)

        assert stored["user_2"].position > stored["user_1"].position

    def test_say_so_when_no_transcript_comes_in_ten_seconds(self) -> None:
        call = PhoneCall()
        call.turn("user_1")

        assert rows(call.wait(9_900)) == {}
        assert rows(call.wait(200))["user_1"].transcribed is False
        assert transcribe(call, "user_1", "Late.")["user_1"].transcribed is True

    def test_say_so_when_the_transcription_failed(self) -> None:
        call = PhoneCall()
        call.turn("user_1")

        commands = call.hear(
            "conversation.item.input_audio_transcription.failed", item_id="user_1", error={}
        )

        assert rows(commands)["user_1"].transcribed is False

    def test_are_all_finished_once_at_the_end(self) -> None:
        call = PhoneCall()
        call.turn("user_1")
        call.respond("resp_1")
        call.say("item_1", 600, words="One two three four five six.")

        stored = rows(call.stop())

        assert stored["user_1"].transcribed is False
        assert stored["item_1"].heard_ms == 0
        assert stored["item_1"].text == ""
        assert stored["item_1"].unheard_text == "One two three four five six."
        assert call.stop() == []

    def test_may_still_be_completed_after_the_end(self) -> None:
        call = PhoneCall()
        call.turn("user_1")
        call.stop()

        assert transcribe(call, "user_1", "Goodbye.")["user_1"].text == "Goodbye."


class TestCut:
    def test_falls_between_two_words(self) -> None:
        assert cut_at("Tuesday the tenth", 0.55) == ("Tuesday", "the tenth")

    def test_keeps_nothing_when_nothing_was_heard(self) -> None:
        assert cut_at("Tuesday", 0.0) == ("", "Tuesday")

    def test_keeps_all_when_all_was_heard(self) -> None:
        assert cut_at("Tuesday", 1.0) == ("Tuesday", "")


class TestFigures:
    def test_hold_the_usage_of_every_response_and_transcription(self) -> None:
        call = PhoneCall()
        call.respond("resp_1")
        usage = {"total_tokens": 5}

        call.done("resp_1", status="cancelled", usage=usage)
        call.done("resp_2")
        transcribe(call, "user_1", "Hm.")

        assert [c for c in call.all if isinstance(c, RecordUsage)] == [
            RecordUsage("response", usage),
            RecordUsage("response", None),
            RecordUsage("transcription", {"type": "duration", "seconds": 1.5}),
        ]

    def test_hold_how_long_the_caller_waited_for_an_answer(self) -> None:
        call = PhoneCall()
        call.turn()
        call.now += 640
        call.respond("resp_1")
        call.speak("item_1", 200)

        assert RecordLatency("answer", 640) in call.all


class TestEvidence:
    @staticmethod
    def proposed() -> PhoneCall:
        """Return a call in which a proposal was answered and its read-back has been sent."""
        call = PhoneCall()
        call.respond("resp_1")
        call.done("resp_1", function_call("call_1"))
        call.answer("call_1")
        call.respond("resp_2", "rc_1")
        call.say("item_2", 1_000, "resp_2", words="Tuesday the tenth?")
        call.done("resp_2", items=["item_2"], metadata={"rid": "rc_1"})
        return call

    @staticmethod
    def confirm(call: PhoneCall) -> tuple[object, ...]:
        """Have the model call the next tool; return what it may rely on."""
        call.respond("resp_3")
        commands = call.done("resp_3", function_call("call_2"))
        (run,) = [command for command in commands if isinstance(command, RunTool)]
        return run.evidence.after["call_1"]

    def test_shows_a_read_back_that_was_heard_and_answered(self) -> None:
        call = self.proposed()
        call.play_out()
        call.turn()

        assert self.confirm(call) == (Spoken("Tuesday the tenth?", True), CallerTurn())

    def test_shows_that_a_read_back_was_interrupted(self) -> None:
        call = self.proposed()
        call.now += 300
        call.turn()

        assert self.confirm(call) == (Spoken("Tuesday the tenth?", False), CallerTurn())

    def test_shows_that_the_caller_has_not_answered(self) -> None:
        call = self.proposed()
        call.play_out()

        assert self.confirm(call) == (Spoken("Tuesday the tenth?", True),)

    def test_counts_a_key_as_an_answer(self) -> None:
        call = self.proposed()
        call.play_out()
        call.press("1#")
        call.respond("resp_4", "rc_2")
        call.done("resp_4", metadata={"rid": "rc_2"})

        assert self.confirm(call) == (Spoken("Tuesday the tenth?", True), CallerTurn())

    def test_does_not_count_a_turn_that_began_before_the_read_back(self) -> None:
        call = PhoneCall()
        call.respond("resp_1")
        call.done("resp_1", function_call("call_1"))
        call.turn()
        call.answer("call_1")
        call.respond("resp_2")
        call.say("item_2", 1_000, "resp_2", words="Tuesday the tenth?")
        call.done("resp_2", items=["item_2"])
        call.play_out()

        assert self.confirm(call) == (Spoken("Tuesday the tenth?", True),)
