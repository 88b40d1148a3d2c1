"""The scripted mind of the stand-in, on scenarios of a few lines."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from voice.standin import clips
from voice.standin.answers import Answer, BrainError, CallTool, Happening, ResponseRequest, Speak
from voice.standin.brain import Beside, ScriptedBrain
from voice.standin.scenarios import Call, Expect, Reference, Say, Scenario, Step, Turn

AGAIN = "Sorry, I didn't catch that. Could you say it again?"
SLOTS = {
    "ok": True,
    "say": "I have eight or nine.",
    "data": {
        "slots": [
            {"slot": "slot_1", "when": "Tue Mar 10, 8:00 AM"},
            {"slot": "slot_2", "when": "Tue Mar 10, 9:00 AM"},
        ]
    },
}
NINE = Reference("find_slots", "data.slots", has=(("when", "9:00 AM"),), take="slot")


def scenario(*turns: Turn, name: str = "BK1", language: str = "en") -> Scenario:
    return Scenario(
        id=name,
        title=name,
        caller_number="+12025550102",
        turns=turns,
        expect=Expect(outcome="booked"),
        language=language,
    )


def turn(caller: str | None, *steps: Step, keys: str = "") -> Turn:
    return Turn(caller=caller, keys=keys, assistant=steps)


class Mind:
    """Plays the session's part: gives call ids, and hands over what the caller and the tools say."""

    def __init__(self, *scenarios: Scenario) -> None:
        self.brain = ScriptedBrain(scenarios)
        self.call_ids: list[str] = []

    def hear(self, line: str) -> list[Answer]:
        self.listen(line)
        return self.respond()

    def listen(self, line: str) -> None:
        words = self.brain.recognise(b"\xff" * 800 + clips.clip(line, "caller") + b"\xff" * 4000)
        self.brain.notice(Happening("heard", words))

    def press(self, keys: str) -> list[Answer]:
        self.brain.notice(Happening("typed", f"[keypad] {' '.join(keys)}"))
        return self.respond()

    def respond(self, purpose: str = "", *, tools_allowed: bool = True) -> list[Answer]:
        request = ResponseRequest(purpose=purpose, tools_allowed=tools_allowed)
        answers = list(self.brain.respond(request))
        for answer in answers:
            if isinstance(answer, CallTool):
                self.call_ids.append(f"call_{len(self.call_ids)}")
                self.brain.notice(Happening("called", call_id=self.call_ids[-1]))
        return answers

    def output(self, output: Mapping[str, Any], index: int = -1) -> None:
        self.brain.notice(Happening("output", json.dumps(output), self.call_ids[index]))

    def tell(self, text: str) -> None:
        self.brain.notice(Happening("told", text))


class TestLines:
    def test_are_answered_as_the_script_says(self) -> None:
        mind = Mind(scenario(turn("Hello there", Say("Hello.")), turn("Good bye", Say("Bye."))))

        assert mind.hear("Hello there") == [Speak("Hello.")]
        assert mind.hear("Good bye") == [Speak("Bye.")]

    def test_are_recognised_whatever_silence_surrounds_them(self) -> None:
        brain = ScriptedBrain([scenario(turn("Hello there"))])
        clip = clips.clip("Hello there", "caller")

        assert brain.recognise(clip) == "Hello there"
        assert brain.recognise(b"\xff" * 8_000 + clip + b"\xff" * 8_000) == "Hello there"
        assert brain.recognise(b"\xff" * 8_000) == ""
        assert brain.recognise(clips.clip("Something else", "caller")) == ""

    def test_that_are_unknown_are_asked_for_again(self) -> None:
        mind = Mind(scenario(turn("Hello there", Say("Hello."))))

        assert mind.hear("What is the weather?") == [Speak(AGAIN)]
        assert mind.hear("Hello there") == [Speak("Hello.")]

    def test_that_are_known_but_out_of_turn_are_asked_for_again(self) -> None:
        mind = Mind(scenario(turn("Hello there", Say("Hello.")), turn("Good bye", Say("Bye."))))

        assert mind.hear("Good bye") == [Speak(AGAIN)]

    def test_after_the_end_of_the_script_are_asked_for_again(self) -> None:
        mind = Mind(scenario(turn("Hello there", Say("Hello."))))
        mind.hear("Hello there")

        assert mind.hear("Hello there") == [Speak(AGAIN)]

    def test_are_asked_for_again_in_the_scenarios_language(self) -> None:
        mind = Mind(scenario(turn("Hola"), language="es"))

        assert mind.hear("Ruido") == [Speak("Perdone, no le he entendido. ¿Puede repetirlo?")]

    def test_narrow_the_scenarios_one_by_one(self) -> None:
        mind = Mind(
            scenario(turn("Hello there", Say("Hi.")), turn("A visit", Say("When?")), name="BK1"),
            scenario(turn("Hello there", Say("Hi.")), turn("Cancel it", Say("Sure?")), name="CH2"),
            scenario(turn("Get me a human", Say("One moment.")), name="SF6"),
        )
        mind.hear("Hello there")

        assert mind.hear("Get me a human") == [Speak(AGAIN)]
        assert mind.hear("Cancel it") == [Speak("Sure?")]
        assert mind.hear("A visit") == [Speak(AGAIN)]

    def test_that_were_typed_count_as_spoken(self) -> None:
        """So a conversation can be replayed as text, and practised from a keyboard."""
        mind = Mind(scenario(turn("Hello there", Say("Hello."))))

        mind.brain.notice(Happening("typed", "Hello there"))

        assert mind.respond() == [Speak("Hello.")]

    def test_that_a_replay_shows_as_answered_are_not_answered_again(self) -> None:
        mind = Mind(scenario(turn("Hello there", Say("Hello.")), turn("Good bye", Say("Bye."))))
        mind.brain.notice(Happening("typed", "Hello there"))
        mind.brain.notice(Happening("said", "Hello."))

        assert mind.respond() == []
        assert mind.hear("Good bye") == [Speak("Bye.")]


class TestKeys:
    def test_match_a_turn_with_keys(self) -> None:
        mind = Mind(scenario(turn(None, Say("Una hora."), keys="2")))

        assert mind.press("2") == [Speak("Una hora.")]

    def test_do_not_depend_on_the_pound_key(self) -> None:
        mind = Mind(scenario(turn(None, Say("Thank you."), keys="20001#")))

        assert mind.press("20001") == [Speak("Thank you.")]

    def test_that_are_wrong_are_asked_for_again(self) -> None:
        mind = Mind(scenario(turn(None, Say("Thank you."), keys="20001#")))

        assert mind.press("20002#") == [Speak(AGAIN)]

    def test_after_a_line_complete_the_turn(self) -> None:
        mind = Mind(scenario(turn("My zip code is", Say("Thank you."), keys="20001#")))

        assert mind.hear("My zip code is") == []
        assert mind.press("20001#") == [Speak("Thank you.")]


class TestCalls:
    def booking(self) -> Mind:
        find = Call("find_slots", {"weekday": "tue"}, on={"closed": (Say("We are closed."),)})
        propose = Call("propose_booking", {"slot": NINE, "visit_type": "routine"})
        return Mind(
            scenario(
                turn("Tuesday", Say("One moment."), find, Say("$say")),
                turn("Nine", propose, Say("$say")),
            )
        )

    def test_are_made_in_the_response_that_speaks_before_them(self) -> None:
        assert self.booking().hear("Tuesday") == [
            Speak("One moment."),
            CallTool("find_slots", '{"weekday": "tue"}'),
        ]

    def test_go_on_with_the_words_of_the_output(self) -> None:
        mind = self.booking()
        mind.hear("Tuesday")
        mind.output(SLOTS)

        assert mind.respond() == [Speak("I have eight or nine.")]

    def test_take_arguments_from_earlier_outputs(self) -> None:
        mind = self.booking()
        mind.hear("Tuesday")
        mind.output(SLOTS)
        mind.respond()

        (call,) = mind.hear("Nine")

        assert isinstance(call, CallTool)
        assert json.loads(call.arguments) == {"slot": "slot_2", "visit_type": "routine"}

    def test_take_the_branch_of_a_refusals_code(self) -> None:
        mind = self.booking()
        mind.hear("Tuesday")
        mind.output({"ok": False, "code": "closed", "say": "Closed on that day."})

        assert mind.respond() == [Speak("We are closed.")]
        assert mind.respond() == []

    def test_speak_a_refusal_without_a_branch_and_wait_for_the_caller(self) -> None:
        mind = self.booking()
        mind.hear("Tuesday")
        mind.output({"ok": False, "code": "no_slots", "say": "Nothing is free."})

        assert mind.respond() == [Speak("Nothing is free.")]
        assert mind.respond() == []

    def test_follow_each_other_in_a_branch(self) -> None:
        again = Call("propose_booking", {"slot": NINE})
        confirm = Call("confirm_proposal", on={"slot_taken": (Say("Taken."), again, Say("$say"))})
        mind = Mind(
            scenario(
                turn("Tuesday", Call("find_slots"), Say("$say")), turn("Yes", confirm, Say("$say"))
            )
        )
        mind.hear("Tuesday")
        mind.output(SLOTS)
        mind.respond()
        mind.hear("Yes")
        mind.output({"ok": False, "code": "slot_taken", "say": "That was taken."})

        assert mind.respond() == [
            Speak("Taken."),
            CallTool("propose_booking", '{"slot": "slot_2"}'),
        ]
        mind.output({"ok": True, "say": "To confirm: nine."})
        assert mind.respond() == [Speak("To confirm: nine.")]

    def test_wait_for_each_other_unless_they_are_made_beside_one_another(self) -> None:
        mind = Mind(
            scenario(turn("One by one", Call("verify_identity"), Call("find_slots"), Say("Done."))),
            scenario(
                turn("At once", Call("clinic_info"), Beside("list_appointments"), Say("Done."))
            ),
        )

        assert mind.hear("One by one") == [CallTool("verify_identity", "{}")]
        mind.output({"ok": True})
        assert mind.respond() == [CallTool("find_slots", "{}")]

    def test_made_at_once_are_all_waited_for(self) -> None:
        mind = Mind(
            scenario(
                turn("At once", Call("clinic_info"), Beside("list_appointments"), Say("Done."))
            )
        )
        mind.hear("At once")
        assert mind.call_ids == ["call_0", "call_1"]

        mind.output({"ok": True, "say": "second"}, 1)
        assert mind.respond() == []
        mind.output({"ok": True, "say": "first"}, 0)

        assert mind.respond() == [Speak("Done.")]

    def test_without_a_further_step_speak_the_output(self) -> None:
        mind = Mind(scenario(turn("Address", Call("clinic_info"))))
        mind.hear("Address")
        mind.output({"ok": True, "say": "12 Main Street."})

        assert mind.respond() == [Speak("12 Main Street.")]

    def test_answered_late_do_not_lose_their_continuation(self) -> None:
        mind = self.booking()
        mind.hear("Tuesday")

        assert mind.hear("Hello? Are you there?") == [Speak(AGAIN)]
        mind.output(SLOTS)
        assert mind.respond() == [Speak("I have eight or nine.")]

    def test_that_were_cut_off_are_made_again_for_a_line_nobody_understood(self) -> None:
        mind = self.booking()
        mind.hear("Tuesday")
        mind.output({"error": "interrupted, not executed"})

        assert mind.hear("cough") == [CallTool("find_slots", '{"weekday": "tue"}')]

    def test_that_were_cut_off_are_dropped_for_a_new_turn(self) -> None:
        mind = Mind(
            scenario(
                turn("Cancel it", Call("propose_cancellation"), Say("$say")),
                turn("Wait, keep it", Say("It stays.")),
            )
        )
        mind.hear("Cancel it")
        mind.brain.notice(Happening("cut", call_id=mind.call_ids[0]))

        assert mind.hear("Wait, keep it") == [Speak("It stays.")]
        assert mind.respond() == []

    def test_are_put_off_where_tools_are_not_allowed(self) -> None:
        mind = self.booking()
        mind.listen("Tuesday")

        assert mind.respond(tools_allowed=False) == [Speak("One moment.")]
        assert mind.respond() == [CallTool("find_slots", '{"weekday": "tue"}')]

    def test_fail_the_response_when_a_reference_leads_nowhere(self) -> None:
        mind = Mind(scenario(turn("Nine", Call("propose_booking", {"slot": NINE}))))

        with pytest.raises(BrainError, match="find_slots has not been answered"):
            mind.hear("Nine")

    def test_survive_an_output_that_is_no_json(self) -> None:
        mind = self.booking()
        mind.hear("Tuesday")
        mind.brain.notice(Happening("output", "oops", mind.call_ids[0]))

        assert mind.respond() == [CallTool("find_slots", '{"weekday": "tue"}')]

    def test_of_an_earlier_session_can_be_referred_to(self) -> None:
        mind = Mind(scenario(turn("Nine", Call("propose_booking", {"slot": NINE}))))
        mind.brain.notice(Happening("recalled", "find_slots", "call_old"))
        mind.brain.notice(Happening("output", json.dumps(SLOTS), "call_old"))

        assert mind.hear("Nine") == [CallTool("propose_booking", '{"slot": "slot_2"}')]


class TestBargeIn:
    def test_is_a_new_turn(self) -> None:
        mind = Mind(
            scenario(
                turn("Tuesday", Call("find_slots"), Say("$say")),
                turn("Perfect, and can you do eleven?", Say("Let me see.")),
            )
        )
        mind.hear("Tuesday")
        mind.output(SLOTS)
        mind.respond()  # spoken, and cut by the caller

        assert mind.hear("Perfect, and can you do eleven?") == [Speak("Let me see.")]

    def test_before_an_answer_was_spoken_gets_both_answers(self) -> None:
        """The output came while the caller spoke: the response to the turn has seen it too."""
        mind = Mind(
            scenario(
                turn("Tuesday", Call("find_slots"), Say("$say")), turn("Hurry", Say("I'm on it."))
            )
        )
        mind.hear("Tuesday")
        mind.listen("Hurry")
        mind.output(SLOTS)

        assert mind.respond() == [Speak("I have eight or nine."), Speak("I'm on it.")]


class TestPurpose:
    def test_speaks_the_quoted_words_of_the_last_system_item(self) -> None:
        mind = Mind(scenario(turn("Hello there", Say("Hello."))))
        mind.tell('Say exactly: "Are you still there?"')

        assert mind.respond("silence") == [Speak("Are you still there?")]
        assert mind.hear("Hello there") == [Speak("Hello.")]

    def test_may_be_missing_when_the_item_says_exactly(self) -> None:
        mind = Mind(scenario(turn("Hello there", Say("Hello."))))
        mind.tell('Say exactly: "Carematix nursing line."')

        assert mind.respond() == [Speak("Carematix nursing line.")]

    def test_does_not_take_the_place_of_an_answer(self) -> None:
        mind = Mind(scenario(turn("Hello there", Say("Hello."))))
        mind.listen("Hello there")
        mind.tell('Say exactly: "Are you still there?"')

        assert mind.respond() == [Speak("Hello.")]

    def test_filler_says_that_it_takes_a_moment(self) -> None:
        mind = Mind(scenario(turn("Tuesday", Call("find_slots"), Say("$say"))))
        mind.hear("Tuesday")

        assert mind.respond("filler", tools_allowed=False) == [Speak("One moment, please.")]
        mind.output(SLOTS)
        assert mind.respond() == [Speak("I have eight or nine.")]

    def test_goodbye_speaks_the_last_output_or_says_goodbye(self) -> None:
        mind = Mind(scenario(turn("That's all", Call("end_call"))))
        mind.hear("That's all")
        mind.output({"ok": True, "say": "Thank you for calling."})

        assert mind.respond("goodbye", tools_allowed=False) == [Speak("Thank you for calling.")]
        assert mind.respond("goodbye", tools_allowed=False) == [Speak("Goodbye.")]

    def test_beside_the_conversation_does_not_move_the_script(self) -> None:
        mind = Mind(scenario(turn("Hello there", Say("Hello."))))
        mind.listen("Hello there")

        (aside,) = mind.brain.respond(ResponseRequest(purpose="summary", aside=True))

        assert isinstance(aside, Speak)
        assert mind.respond() == [Speak("Hello.")]
