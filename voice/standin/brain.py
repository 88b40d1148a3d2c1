"""
The mind of the stand-in: it follows a script.

It does not understand speech, or anything else. A caller's line is recognised because its recording is known byte by
byte (`clips.Recognition`), and the answer is what the scenario with that line says. Whatever it does not know it asks
to repeat.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from voice.standin.answers import (
    Answer,
    BrainError,
    CallTool,
    Happening,
    ResponseRequest,
    Speak,
)
from voice.standin.clips import Recognition
from voice.standin.scenarios import Call, Say, Scenario, ScenarioError, Step, Turn

_LAST_SAY: Final = "$say"
_KEYPAD: Final = re.compile(r"\[keypad\]\s*(?P<keys>[0-9*# ]+)")
_EXACTLY: Final = re.compile(r'Say exactly:\s*"(?P<words>.+)"', re.DOTALL)
_QUOTED: Final = re.compile(r'"(?P<words>.+)"', re.DOTALL)
_PHRASES: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "again": "Sorry, I didn't catch that. Could you say it again?",
        "filler": "One moment, please.",
        "goodbye": "Goodbye.",
    },
    "es": {
        "again": "Perdone, no le he entendido. ¿Puede repetirlo?",
        "filler": "Un momento, por favor.",
        "goodbye": "Adiós.",
    },
}
_ASIDE: Final = "The stand-in follows a script and has nothing to add."


@dataclass(frozen=True, slots=True)
class Beside(Call):
    """A call that is made in the same response as the call before it."""


@dataclass(slots=True)
class _Asked:
    """A function call that was made: not answered, answered, or never run."""

    call: Call
    call_id: str = ""
    output: Mapping[str, Any] | None = None
    lost: bool = False

    @property
    def settled(self) -> bool:
        return self.lost or self.output is not None


@dataclass(slots=True)
class _Plan:
    """What comes after these calls are settled."""

    asked: list[_Asked]
    rest: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a scenario stands; `line_heard` means that the keys of its next turn are still to come."""

    scenario: Scenario
    position: int = 0
    line_heard: bool = False

    @property
    def turn(self) -> Turn | None:
        turns = self.scenario.turns
        return turns[self.position] if self.position < len(turns) else None

    def after(self, line: str, keys: str) -> "_Place | None":
        """Return the place after the caller's line or keys, or none if the script does not go on so."""
        turn = self.turn
        if turn is None:
            return None
        if line and not self.line_heard and turn.caller == line:
            if turn.keys:
                return replace(self, line_heard=True)
            return replace(self, position=self.position + 1)
        awaits_keys = self.line_heard or not turn.caller
        if keys and awaits_keys and turn.keys.rstrip("#") == keys.rstrip("#"):
            return _Place(self.scenario, self.position + 1)
        return None


@dataclass(slots=True)
class ScriptedBrain:
    """
    A `Brain` that follows one of several scenarios.

    At first all are possible; each line of the caller leaves those that go on with it. Give a single scenario to choose
    it beforehand. `recognition` may be shared between brains.
    """

    scenarios: Sequence[Scenario]
    recognition: Recognition = field(default_factory=lambda: Recognition())
    _places: list[_Place] = field(default_factory=list)
    _fresh: list[tuple[Step, ...] | None] = field(default_factory=list)
    _plans: list[_Plan] = field(default_factory=list)
    _unnamed: list[_Asked] = field(default_factory=list)
    _recalled: dict[str, str] = field(default_factory=dict)
    _outputs: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    _told: str = ""

    def __post_init__(self) -> None:
        self._places = [_Place(scenario) for scenario in self.scenarios]
        for scenario in self.scenarios:
            self.recognition.learn(scenario.caller_lines, "caller")

    def recognise(self, audio: bytes) -> str:
        """Return the known line whose recording this is, or an empty string."""
        return self.recognition.text_of(audio)[0]

    def notice(self, happening: Happening) -> None:
        """Take in what has become part of the conversation."""
        match happening.kind:
            case "heard":
                self._turn(line=happening.text, keys="")
            case "typed":
                keypad = _KEYPAD.fullmatch(happening.text)
                keys = keypad["keys"].replace(" ", "") if keypad else ""
                self._turn(line="" if keypad else happening.text, keys=keys)
            case "told":
                self._told = happening.text
            case "said":
                self._fresh.clear()
            case "recalled":
                self._recalled[happening.call_id] = happening.text
            case "output":
                self._take_output(happening.call_id, happening.text)
            case "called":
                self._unnamed.pop(0).call_id = happening.call_id
            case "cut":
                for asked in self._asked(happening.call_id):
                    asked.lost = True

    def respond(self, request: ResponseRequest) -> Sequence[Answer]:
        """
        Return what the script says next; nothing if it has nothing to say.

        Raises:
            BrainError: a reference of the script leads nowhere.
        """
        if request.aside:
            return [Speak(_ASIDE)]
        told = self._told_words(request.purpose)
        if told:
            self._told = ""
            return [Speak(told)]
        if request.purpose == "filler":
            return [Speak(self._phrase("filler"))]
        steps = self._next_steps()
        if not steps and request.purpose == "goodbye":
            steps = (Say(self._phrase("goodbye")),)
        try:
            return self._carry_out(steps, tools_allowed=request.tools_allowed)
        except ScenarioError as error:
            self._plans.append(_Plan([], steps))
            raise BrainError(f"The script does not fit: {error}") from error

    def _turn(self, *, line: str, keys: str) -> None:
        """Let every possible scenario go on; where none does, the turn is not understood."""
        after = [moved for place in self._places if (moved := place.after(line, keys)) is not None]
        if not after:
            self._fresh.append(None)
            return
        self._places = after
        place = after[0]
        if not place.line_heard:
            self._fresh.append(place.scenario.turns[place.position - 1].assistant)

    def _take_output(self, call_id: str, text: str) -> None:
        try:
            parsed = json.loads(text)
        except ValueError:
            parsed = None
        output: Mapping[str, Any] = parsed if isinstance(parsed, dict) else {}
        executed = "ok" in output
        if executed and call_id in self._recalled:
            self._outputs.append((self._recalled[call_id], output))
        for asked in self._asked(call_id):
            if executed:
                asked.output = output
                self._outputs.append((asked.call.name, output))
            else:
                asked.lost = True

    def _asked(self, call_id: str) -> Iterable[_Asked]:
        return [asked for plan in self._plans for asked in plan.asked if asked.call_id == call_id]

    def _told_words(self, purpose: str) -> str:
        """Return the words that a system item asks for; without a purpose only if nothing else is to be answered."""
        if purpose:
            found = _QUOTED.search(self._told)
        elif self._fresh or any(self._is_ready(plan) for plan in self._plans):
            found = None
        else:
            found = _EXACTLY.search(self._told)
        return found["words"] if found else ""

    @staticmethod
    def _is_ready(plan: _Plan) -> bool:
        return all(asked.settled for asked in plan.asked)

    def _next_steps(self) -> tuple[Step, ...]:
        """Return what follows from settled calls, then the answers to the caller's new turns."""
        ready = [plan for plan in self._plans if self._is_ready(plan)]
        self._plans = [plan for plan in self._plans if not self._is_ready(plan)]
        fresh, self._fresh = self._fresh, []
        understood = any(turn is not None for turn in fresh)
        steps: list[Step] = []
        for plan in ready:
            if not any(asked.lost for asked in plan.asked):
                steps += self._continuation(plan)
            elif (
                not understood
            ):  # an understood line is a new turn; otherwise the wish still stands
                steps += [*(asked.call for asked in plan.asked if asked.lost), *plan.rest]
        for turn in fresh:
            steps += turn if turn is not None else (Say(self._phrase("again")),)
        return tuple(steps)

    def _continuation(self, plan: _Plan) -> tuple[Step, ...]:
        """Return the rest of the turn, or the branch of the first refusal, or at least the last answer's words."""
        for asked in plan.asked:
            output = asked.output or {}
            if not output.get("ok"):
                branch = asked.call.on.get(str(output.get("code", "")))
                return branch if branch is not None else self._words_of(output)
        if plan.asked and not plan.rest:
            return self._words_of(plan.asked[-1].output or {})
        return plan.rest

    @staticmethod
    def _words_of(output: Mapping[str, Any]) -> tuple[Step, ...]:
        return (Say(str(output["say"])),) if output.get("say") else ()

    def _carry_out(self, steps: tuple[Step, ...], *, tools_allowed: bool) -> list[Answer]:
        """Return the answers up to and including the next calls; what follows waits for their outputs."""
        answers: list[Answer] = []
        asked: list[_Asked] = []
        taken = 0
        for step in steps:
            if isinstance(step, Say):
                if asked:
                    break
                answers.append(Speak(self._spoken(step)))
            elif not tools_allowed or (asked and not isinstance(step, Beside)):
                break
            else:
                arguments = step.arguments_now(self._outputs)
                answers.append(CallTool(step.name, json.dumps(arguments, ensure_ascii=False)))
                asked.append(_Asked(step))
            taken += 1
        if asked or taken < len(steps):
            self._plans.append(_Plan(asked, steps[taken:]))
        self._unnamed = list(asked)
        return answers

    def _spoken(self, step: Say) -> str:
        if step.text != _LAST_SAY:
            return step.text
        if not self._outputs or not self._outputs[-1][1].get("say"):
            raise ScenarioError("$say: no tool has said anything")
        return str(self._outputs[-1][1]["say"])

    def _phrase(self, name: str) -> str:
        languages = {place.scenario.language for place in self._places}
        language = languages.pop() if len(languages) == 1 else "en"
        return _PHRASES.get(language, _PHRASES["en"])[name]
