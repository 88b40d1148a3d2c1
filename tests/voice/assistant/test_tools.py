"""The declarations of the tools, and the table of voice-conversation, section 10."""

from typing import get_args

import pytest

from voice.assistant.tools import TOOLS, Need, Tool, declarations
from voice.database_helper import HANDLERS

# Every tool of the table with its gate; a tool that is new fails here until somebody decides who may call it (S12).
GATES = {
    "clinic_info": "any",
    "verify_identity": "any",
    "propose_registration": "anonymous",
    "find_slots": "verified",
    "list_appointments": "verified",
    "propose_booking": "verified",
    "propose_reschedule": "verified",
    "propose_cancellation": "verified",
    "confirm_proposal": "proposal",
    "confirm_attendance": "verified",
    "join_waitlist": "verified",
    "leave_message": "any",
    "transfer_to_staff": "any",
    "report_emergency": "any",
    "set_language": "any",
    "record_choice": "any",
    "wait_for_caller": "any",
    "end_call": "any",
}
# S12's list, with the tools that open nothing.
OPEN_TO_ALL = {
    "clinic_info",
    "verify_identity",
    "leave_message",
    "transfer_to_staff",
    "report_emergency",
    "set_language",
    "record_choice",
    "wait_for_caller",
    "end_call",
}


class TestTools:
    def test_s12_each_tool_declares_its_trust_as_the_table_says(self) -> None:
        assert {name: tool.need for name, tool in TOOLS.items()} == GATES

    def test_s12_only_listed_tools_are_open_to_everybody(self) -> None:
        assert {name for name, tool in TOOLS.items() if tool.need == "any"} == OPEN_TO_ALL

    def test_s12_a_tool_without_a_declared_trust_cannot_be_made(self) -> None:
        with pytest.raises(TypeError):
            Tool(name="x", description="", arguments={})  # type: ignore[call-arg] # what is tested
        assert set(get_args(Need)) == {"any", "anonymous", "verified", "proposal"}

    def test_no_tool_lacks_its_function(self) -> None:
        assert set(HANDLERS) == set(TOOLS)

    @pytest.mark.parametrize("declaration", declarations(), ids=lambda d: str(d["name"]))
    def test_declares_a_flat_strict_schema(self, declaration: dict[str, object]) -> None:
        parameters = declaration["parameters"]

        assert isinstance(parameters, dict)
        assert parameters["additionalProperties"] is False
        assert set(parameters["required"]) <= set(parameters["properties"])
        for schema in parameters["properties"].values():
            assert schema["type"] in ("string", "integer", "boolean")
            assert schema["description"]

    @pytest.mark.parametrize("declaration", declarations(), ids=lambda d: str(d["name"]))
    def test_s16_no_tool_takes_an_identifier_of_a_person(
        self, declaration: dict[str, object]
    ) -> None:
        parameters = declaration["parameters"]

        assert isinstance(parameters, dict)
        assert not {"patient_id", "patient", "nurse_id", "call_id", "role", "to"} & set(
            parameters["properties"]
        )

    def test_a23_no_tool_sends_anything_to_a_number(self) -> None:
        takes_number = {
            name for name, t in TOOLS.items() if {"phone", "callback"} & set(t.arguments)
        }

        assert takes_number == {"propose_registration", "leave_message"}

    def test_an_emergency_visit_can_not_be_asked_for(self) -> None:
        options = [
            t.arguments["visit_type"].options for t in TOOLS.values() if "visit_type" in t.arguments
        ]

        assert options
        assert all("emergency" not in option for option in options)
