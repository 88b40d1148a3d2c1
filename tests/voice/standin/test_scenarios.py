"""Scenarios are data: what the loader accepts, what it complains about, and how references are followed."""

from pathlib import Path

import pytest

from voice.standin.scenario_files import find, load, scenarios
from voice.standin.scenarios import Call, Reference, Say, ScenarioError, When

PLAIN = """
id = "X1"
title = "A title"
caller_number = "+12025550102"
[[turns]]
caller = "Hello."
assistant = [
  { say = "Hi." },
  { call = "find_slots", arguments = { week = "next" }, on = { closed = [ { say = "$say" } ] } },
  { call = "propose_booking", arguments = { slot = SLOT } },
]
[expect]
outcome = "booked"
""".replace(
    "SLOT", '{ from = "find_slots", path = "data.slots", has = { when = "8:00" }, take = "slot" }'
)
SLOTS = (
    "find_slots",
    {
        "data": {
            "slots": [
                {"slot": "slot_1", "when": "Tue Mar 10, 8:00 AM"},
                {"slot": "slot_2", "when": "Tue Mar 10, 10:30 AM"},
            ]
        }
    },
)


def write(folder: Path, text: str) -> Path:
    path = folder / "x1.toml"
    path.write_text(text, encoding="utf-8")
    return path


class TestLoad:
    def test_reads_turns_steps_branches_and_references(self, tmp_path: Path) -> None:
        scenario = load(write(tmp_path, PLAIN))

        say, search, propose = scenario.turns[0].assistant
        assert say == Say("Hi.")
        assert isinstance(search, Call)
        assert (search.name, search.on["closed"]) == ("find_slots", (Say("$say"),))
        assert isinstance(propose, Call)
        assert propose.arguments["slot"] == Reference(
            "find_slots", "data.slots", (("when", "8:00"),), "slot"
        )
        assert scenario.turns[0].when == When("quiet", "", 900)

    @pytest.mark.parametrize(
        ("old", "new", "complaint"),
        [
            ('id = "X1"', 'id = "X2"', "its id is X2"),
            ('title = "A title"\n', "", "title is missing"),
            ('title = "A title"', "title = 5", "title must be a text"),
            ("[expect]", "[expected]", "outcome is missing"),
            ('caller = "Hello."', "", r"turns\[0\].caller or keys is missing"),
            ('caller = "Hello."', 'keys = "12x"', "digits"),
            ('say = "Hi."', 'speak = "Hi."', r"assistant\[0\].call is missing"),
            ('say = "Hi."', 'say = "Hi.", loud = true', "loud is not a known key"),
            ('take = "slot"', 'takes = "slot"', "takes is not a known key"),
            ('caller = "Hello."', 'caller = "Hello."\nwhen = { kind = "soon" }', "must be one of"),
            ('caller = "Hello."', 'caller = "Hello."\nwhen = { words = "x" }', "belongs to kind"),
            ("[[turns]]", "[[turns", "x1.toml"),
        ],
    )
    def test_names_the_file_and_the_place_of_a_fault(
        self, tmp_path: Path, old: str, new: str, complaint: str
    ) -> None:
        assert old in PLAIN

        with pytest.raises(ScenarioError, match=complaint) as raised:
            load(write(tmp_path, PLAIN.replace(old, new, 1)))

        assert str(raised.value).startswith("x1.toml: ")


class TestReference:
    def test_takes_a_value_from_the_first_entry_that_fits(self) -> None:
        slot = Reference("find_slots", "data.slots", (("when", "10:30"),), "slot")

        assert slot.resolve([SLOTS]) == "slot_2"

    def test_reads_the_latest_output_of_its_tool(self) -> None:
        later = ("find_slots", {"data": {"slots": [{"slot": "slot_9", "when": ""}]}})

        assert Reference("find_slots", "data.slots", (), "slot").resolve([SLOTS, later]) == "slot_9"

    @pytest.mark.parametrize(
        "reference",
        [
            Reference("list_appointments", "data"),
            Reference("find_slots", "data.nothing"),
            Reference("find_slots", "data.slots", (("when", "noon"),), "slot"),
            Reference("find_slots", "data.slots", (), "nurse"),
        ],
    )
    def test_that_leads_nowhere_is_an_error(self, reference: Reference) -> None:
        with pytest.raises(ScenarioError):
            reference.resolve([SLOTS])


class TestScenarios:
    def test_are_told_apart_by_their_first_line(self) -> None:
        first = [scenario.caller_lines[0] for scenario in scenarios().values()]

        assert len(set(first)) == len(first)

    def test_are_found_by_id_whatever_the_case(self) -> None:
        assert find("bk1").id == "BK1"
        assert find("Book_Visit").demo

    def test_that_do_not_exist_are_an_error_with_the_known_ids(self) -> None:
        with pytest.raises(ScenarioError, match=r"known are .*BK1"):
            find("BK99")
