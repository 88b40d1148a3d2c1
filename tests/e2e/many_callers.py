"""Twenty callers with a nurse of their own each: the people, their scripts, and the model's server for them."""

import asyncio
import sys
from dataclasses import replace

from voice.standin.brain import ScriptedBrain
from voice.standin.clips import Recognition
from voice.standin.scenario_files import find
from voice.standin.scenarios import Call, Expect, Scenario, Step, Turn
from voice.standin.server import StandinServer

CALLERS = 20
LETTERS = (
    *("Alpha", "Bravo", "Charlie", "Delta", "Echo", "Foxtrot", "Golf", "Hotel", "India", "Juliet"),
    *("Kilo", "Lima", "Mike", "November", "Oscar", "Papa", "Quebec", "Romeo", "Sierra", "Tango"),
)
BORN = "1970-05-17"


def patient_name(index: int) -> str:
    return f"Peter {LETTERS[index]}son"


def nurse_name(index: int) -> str:
    return f"Nora {LETTERS[index]}ton"


def number(index: int) -> str:
    return f"+1202555{1000 + index:04d}"


def scenario(index: int) -> Scenario:
    """Return the demo's call as this caller makes it: the same turns, other names, one nurse asked for."""
    demo = find("book_visit")
    first, second, *rest = demo.turns
    return replace(
        demo,
        id=f"many-{index}",
        title=f"{patient_name(index)} books a visit with {nurse_name(index)}",
        caller_number=number(index),
        turns=(
            replace(
                first, caller=f"Hi, could I see {nurse_name(index)} next week, in the morning?"
            ),
            _own(second, index),
            *rest,
        ),
        expect=Expect(outcome="booked"),
    )


def _own(turn: Turn, index: int) -> Turn:
    """Return the turn that says who is calling, with this caller's name and wish."""
    known = {
        "verify_identity": {
            "full_name": patient_name(index),
            "date_of_birth": BORN,
            "calling_for": "self",
        },
        "find_slots": {"week": "next", "part_of_day": "morning", "nurse": nurse_name(index)},
    }
    steps: tuple[Step, ...] = tuple(
        replace(step, arguments=known[step.name]) if isinstance(step, Call) else step
        for step in turn.assistant
    )
    words = f"It's {patient_name(index)}, born May seventeenth, nineteen seventy."
    return replace(turn, caller=words, assistant=steps)


async def serve(port: int) -> None:
    """Serve the model that knows these twenty scripts."""
    scenarios = [scenario(index) for index in range(CALLERS)]
    recognition = Recognition()
    server = StandinServer(brain=lambda: ScriptedBrain(scenarios, recognition))
    async with server.listen(port=port):
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
