"""
The assistant's tools: what the model is told of them, and what trust each needs (voice-conversation, section 10).

Every tool states its trust. There is no default, so a new tool cannot be open by mistake (security reference, S12).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from voice.assistant.arguments import Argument

Need = Literal["any", "anonymous", "verified", "proposal"]


@dataclass(frozen=True, slots=True)
class Tool:
    """
    One tool.

    `need` is who may call it: `any` caller, one who is still `anonymous`, one who is `verified`, or whoever has an
    open `proposal`. `budgeted` tools end with the call's budget (S21); the others are ways out of the call.
    `writes` counts against the budget of writes.
    """

    name: str
    need: Need
    description: str
    arguments: Mapping[str, Argument]
    writes: bool = False
    budgeted: bool = True

    def declaration(self) -> dict[str, Any]:
        """Return the function object for `session.update`."""
        return {
            "type": "function",
            "name": self.name,
            "description": self.description,
            "parameters": {
                "type": "object",
                "properties": {name: a.schema() for name, a in self.arguments.items()},
                "required": [name for name, a in self.arguments.items() if a.required or a.assumed],
                "additionalProperties": False,
            },
        }


VISIT_TYPES = ("routine", "follow_up", "consultation")
LANGUAGES = ("en", "es")
PARTS_OF_DAY = ("morning", "afternoon", "evening")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_VISIT_TYPE = Argument("choice", "Kind of visit. Never an emergency.", VISIT_TYPES)
_WISH: Mapping[str, Argument] = {
    "weekday": Argument("choice", "Weekday as said.", WEEKDAYS),
    "week": Argument(
        "choice", "Only if the caller said this, next or a later week.", ("this", "next", "later")
    ),
    "month_day": Argument("text", "Date as said, MM-DD. Never compute it.", longest=40),
    "in_days": Argument("number", "0 to 60: today is 0, tomorrow 1, 'in ten days' 10."),
    "part_of_day": Argument("choice", "Part of the day as said.", PARTS_OF_DAY),
    "after": Argument("text", "Earliest start as said, HH:MM, 24 hours.", longest=40),
    "before": Argument("text", "Latest start as said, HH:MM, 24 hours.", longest=40),
    "nurse": Argument("text", "'assigned', 'any', or the name as said.", longest=100),
    "visit_type": _VISIT_TYPE,
}
_APPOINTMENT = Argument("handle", "appt_n from list_appointments in this call.", required=True)
_SLOT = Argument("handle", "slot_n from find_slots in this call.", required=True)

_TOOLS = (
    Tool(
        "clinic_info",
        "any",
        "General facts about the clinic. Not for anything about a patient or a visit.",
        {
            "topic": Argument(
                "choice",
                "What was asked.",
                ("hours", "address", "bring", "services", "phone", "next_open_day"),
                required=True,
            )
        },
    ),
    Tool(
        "verify_identity",
        "any",
        "Check who the visit is for, once full name and birth date were said. Also when another person's visit is "
        "wanted. Not before both were given, not for general questions.",
        {
            # An odd or missing part is answered like an unknown person, so that the answer tells nothing (A6).
            "full_name": Argument(
                "text", "Patient's full name as said.", assumed=True, longest=200, lenient=True
            ),
            "date_of_birth": Argument(
                "text",
                "Patient's birth date as said, YYYY-MM-DD.",
                assumed=True,
                longest=40,
                lenient=True,
            ),
            "calling_for": Argument(
                "choice",
                "self, or other for someone else's visit.",
                ("self", "other"),
                assumed=True,
                lenient=True,
            ),
            "caller_name": Argument(
                "text", "Caller's own full name, if calling for another.", longest=200, lenient=True
            ),
            "second_factor": Argument(
                "text", "Zip code, reference number or PIN, if given.", longest=100, lenient=True
            ),
        },
    ),
    Tool(
        "propose_registration",
        "anonymous",
        "Prepare the record of a caller who says they are new. Not for someone who was here before. Speak `say`, "
        "wait for a yes, then confirm_proposal.",
        {
            "full_name": Argument("text", "Full name as said.", required=True, longest=100),
            "date_of_birth": Argument("text", "YYYY-MM-DD as said.", required=True, longest=40),
            "phone": Argument(
                "text", "'caller_id', or the digits that were said.", required=True, longest=40
            ),
            "language": Argument(
                "choice", "Language to write to them in.", LANGUAGES, assumed=True
            ),
            "reason": Argument("text", "Reason in a few words, if offered."),
        },
    ),
    Tool(
        "find_slots",
        "verified",
        "Find free times. Pass only the parts the caller said; with nothing it finds the soonest. Not to look up "
        "visits that are already booked.",
        {
            **_WISH,
            "exclude_offered": Argument("flag", "True to leave out times already offered."),
        },
    ),
    Tool(
        "list_appointments",
        "verified",
        "The next visits already booked. Use before moving, cancelling or confirming. Not for free times.",
        {},
    ),
    Tool(
        "propose_booking",
        "verified",
        "Prepare a new visit at an offered time the caller chose. Books nothing. Not for moving a visit.",
        {
            "slot": _SLOT,
            "visit_type": replace(_VISIT_TYPE, assumed=True),
            "reason": Argument("text", "Reason in a few words, if offered."),
        },
    ),
    Tool(
        "propose_reschedule",
        "verified",
        "Prepare moving a booked visit to an offered time. The old time stays until it is confirmed.",
        {"appointment": _APPOINTMENT, "slot": _SLOT},
    ),
    Tool(
        "propose_cancellation",
        "verified",
        "Prepare cancelling a booked visit, after moving it was offered once. Cancels nothing.",
        {
            "appointment": _APPOINTMENT,
            "reason": Argument("text", "Reason in a few words, if offered."),
        },
    ),
    Tool(
        "confirm_proposal",
        "proposal",
        "Carry out the open proposal, only after its `say` was spoken to the end and then a clear yes was heard. Not "
        "in the same turn, not on 'maybe'.",
        {"proposal": Argument("handle", "`proposal` from the propose call.", required=True)},
        writes=True,
    ),
    Tool(
        "confirm_attendance",
        "verified",
        "Note that the patient will come to a booked visit.",
        {"appointment": _APPOINTMENT},
        writes=True,
    ),
    Tool(
        "join_waitlist",
        "verified",
        "Note the wish for an earlier or other time, if no offer suits and the caller wants that.",
        {**_WISH},
        writes=True,
    ),
    Tool(
        "leave_message",
        "any",
        "Take a message for staff with a call-back. For medical questions topic clinical. Not for emergencies.",
        {
            "topic": Argument(
                "choice",
                "What it is about.",
                ("scheduling", "clinical", "billing", "privacy", "other"),
                required=True,
            ),
            "text": Argument("text", "The message in the caller's words.", required=True),
            "callback": Argument(
                "text", "'caller_id', 'on_file', or the digits said.", assumed=True, longest=40
            ),
            "urgency": Argument(
                "choice", "today only if it cannot wait.", ("routine", "today"), assumed=True
            ),
        },
        writes=True,
    ),
    Tool(
        "transfer_to_staff",
        "any",
        "Connect to a person, the first time it is asked, or if you cannot help.",
        {
            "reason": Argument(
                "choice",
                "Why.",
                ("request", "emergency", "locked", "failed", "other"),
                required=True,
            )
        },
        budgeted=False,
    ),
    Tool(
        "report_emergency",
        "any",
        "At once on any sign of an emergency, self-harm or danger, before anything else. Not for symptoms long past.",
        {
            "kind": Argument(
                "choice", "Which sign.", ("medical", "self_harm", "danger"), required=True
            ),
            # A missing or odd part must never stop an alarm.
            "happening_now": Argument(
                "choice",
                "Is it happening now?",
                ("yes", "no", "unknown"),
                assumed=True,
                lenient=True,
            ),
            "words": Argument("text", "The caller's exact words.", assumed=True, lenient=True),
        },
        budgeted=False,
    ),
    Tool(
        "set_language",
        "any",
        "Change the language, on request or after a full sentence in it. Not for an accent or one word.",
        {"language": Argument("choice", "Language to speak.", LANGUAGES, required=True)},
    ),
    Tool(
        "record_choice",
        "any",
        "The caller refuses recording, or wants no more calls from us.",
        {
            "choice": Argument(
                "choice", "What was chosen.", ("no_recording", "stop_calling"), required=True
            )
        },
    ),
    Tool(
        "wait_for_caller",
        "any",
        "Say nothing and go on listening: music, TV, talk not meant for you, 'hold on'.",
        {},
    ),
    Tool(
        "end_call",
        "any",
        "Hang up after your goodbye. Only when the caller is finished. 'Thanks' inside a sentence is not a goodbye.",
        {
            "reason": Argument(
                "choice",
                "Why the call ends.",
                ("done", "wrong_number", "abusive", "spam", "silent"),
                required=True,
            )
        },
        budgeted=False,
    ),
)
TOOLS: Mapping[str, Tool] = {tool.name: tool for tool in _TOOLS}


def declarations() -> list[dict[str, Any]]:
    """Return all tools for `session.update`, in a fixed order."""
    return [tool.declaration() for tool in _TOOLS]
