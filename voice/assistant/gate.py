"""
The state of one call's gate: who is trusted, which handles exist, what is proposed, what is spent.

Pure: no Django, no clock, no database. The state is a value that can be written to JSON and read back, so that it is
stored with each tool call in the same transaction as the fact and survives a reconnect (security reference, section 2).
"""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from voice.assistant.tools import Tool
from voice.protocol.commands import CallerTurn, Evidence, Spoken

MOST_SLOT_HANDLES = 24


class Trust(StrEnum):
    """ANON → VERIFIED → ENDED, ANON → LOCKED (S12)."""

    ANON = "anon"
    VERIFIED = "verified"
    LOCKED = "locked"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Limits:
    """The budget of one call (S21) and the life of a proposal (S19)."""

    tool_calls: int = 40
    writes: int = 6
    bookings: int = 2
    proposal_ms: int = 120_000


@dataclass(frozen=True, slots=True)
class SlotHandle:
    """A free time that was offered in this call; the model knows it only as `slot_n` (S17)."""

    nurse_id: str
    nurse_name: str
    visit_type: str
    start: datetime
    end: datetime


@dataclass(slots=True)
class Proposal:
    """
    A change that was read out and waits for a yes.

    `evidence_ids` are the function calls after whose output the read-back counts: the one that made the proposal and
    each confirmation that was refused since, for the assistant repeats the read-back then. One of `keywords` must be
    in the line that was heard.
    """

    nonce: str
    action: Literal["booking", "reschedule", "cancellation", "registration"]
    values: dict[str, Any]
    read_back: str
    keywords: tuple[str, ...]
    opened_ms: int
    evidence_ids: list[str]

    def is_expired(self, *, at_ms: int, limits: Limits) -> bool:
        """Say whether it is older than its life; a clock that started anew with a reconnect does not age it."""
        return at_ms - self.opened_ms > limits.proposal_ms


@dataclass(slots=True)
class Gate:
    """
    The state of one call.

    Handle numbers only rise, so a name that once meant something of another person never means anything else (S18).
    """

    trust: Trust = Trust.ANON
    patient_id: str = ""
    acting_as: str = ""
    caller_name: str = ""
    provisional: bool = False
    attempts: int = 0
    slots: dict[str, SlotHandle] = field(default_factory=dict)
    appointments: dict[str, str] = field(default_factory=dict)
    slots_issued: int = 0
    appointments_issued: int = 0
    proposal: Proposal | None = None
    told_late: list[str] = field(default_factory=list)
    told_duplicate: list[str] = field(default_factory=list)
    tool_calls: int = 0
    writes: int = 0
    bookings: int = 0
    warned: bool = False
    ended: bool = False

    # ---- who may do what -----------------------------------------------------------------------

    def refusal(self, tool: Tool, *, limits: Limits) -> str:
        """
        Return the code that refuses `tool` before its arguments are read, or nothing (S12, S21).

        After the hang-up only a confirmation that was already under way may finish, so that the caller's yes counts.
        """
        if self.ended and tool.need != "proposal":
            return "identity_required"
        match tool.need:
            case "verified" if self.trust is not Trust.VERIFIED:
                return "identity_required"
            case "anonymous" if self.trust is Trust.LOCKED:
                return "identity_required"
            case "anonymous" if self.trust is Trust.VERIFIED:
                return "limit_reached"
            case "proposal" if self.trust is not Trust.VERIFIED and not self._may_confirm():
                return "identity_required"
        return "limit_reached" if self.is_spent(tool, limits=limits) else ""

    def is_spent(self, tool: Tool, *, limits: Limits) -> bool:
        """Say whether the call's budget of tool calls is used up; the ways out of a call have none."""
        return tool.budgeted and self.tool_calls >= limits.tool_calls

    def may_write(self, tool: Tool, *, limits: Limits) -> bool:
        """Say whether the call's budget lets `tool` write."""
        return not tool.writes or self.writes < limits.writes

    def _may_confirm(self) -> bool:
        registering = self.proposal is not None and self.proposal.action == "registration"
        return self.trust is Trust.ANON and registering

    def verify(
        self, *, patient_id: str, acting_as: str, provisional: bool, caller_name: str = ""
    ) -> None:
        """Trust the caller to speak for that patient, and forget everything of another one (S18)."""
        self.forget_person()
        self.trust = Trust.VERIFIED
        self.patient_id, self.acting_as, self.provisional = patient_id, acting_as, provisional
        self.caller_name = caller_name

    def lock(self) -> None:
        """Trust nobody any more on this call."""
        self.forget_person()
        self.trust = Trust.LOCKED

    def forget_person(self) -> None:
        """Go back to nobody: handles, proposal and identity are gone, what was spent stays spent."""
        if self.trust is not Trust.LOCKED:
            self.trust = Trust.ANON
        self.patient_id, self.acting_as, self.caller_name, self.provisional = "", "", "", False
        self.slots, self.appointments = {}, {}
        self.told_late, self.told_duplicate = [], []
        self.proposal = None

    # ---- handles -------------------------------------------------------------------------------

    def offer(self, slot: SlotHandle) -> str:
        """Return the handle of a free time, the same one if it was offered before."""
        for name, known in self.slots.items():
            if known == slot:
                return name
        self.slots_issued += 1
        name = f"slot_{self.slots_issued}"
        self.slots[name] = slot
        while len(self.slots) > MOST_SLOT_HANDLES:
            del self.slots[next(iter(self.slots))]
        return name

    def list_appointment(self, appointment_id: str) -> str:
        """Return the handle of a booked visit, the same one if it was listed before."""
        for name, known in self.appointments.items():
            if known == appointment_id:
                return name
        self.appointments_issued += 1
        name = f"appt_{self.appointments_issued}"
        self.appointments[name] = appointment_id
        return name

    # ---- proposals -----------------------------------------------------------------------------

    def missing_evidence(self, proposal: Proposal, evidence: Evidence) -> str:
        """
        Return what the caller still has to hear or say before `proposal` may be carried out, or nothing.

        A read-back counts when a line with one of its key words was played to its end after the proposal; then the
        caller must have spoken or pressed a key (S19, A13).
        """
        spoken = False
        heard = False
        for call_id in proposal.evidence_ids:
            read_back = False
            for entry in evidence.after.get(call_id, ()):
                if isinstance(entry, CallerTurn):
                    if read_back:
                        return ""
                    continue
                spoken = True
                read_back = read_back or counts_as_read_back(entry, proposal.keywords)
            heard = heard or read_back
        if spoken and not heard:
            return "readback_not_heard"
        return "confirm_required"

    def is_unanswered(self, evidence: Evidence, *, at_ms: int, limits: Limits) -> bool:
        """Say whether a proposal is open and the caller has neither spoken nor pressed a key since."""
        if self.proposal is None or self.proposal.is_expired(at_ms=at_ms, limits=limits):
            return False
        return not any(
            isinstance(entry, CallerTurn)
            for call_id in self.proposal.evidence_ids
            for entry in evidence.after.get(call_id, ())
        )

    # ---- storage -------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """Return the state as plain JSON."""
        state = asdict(self)
        for slot in state["slots"].values():
            slot["start"], slot["end"] = slot["start"].isoformat(), slot["end"].isoformat()
        return state

    @classmethod
    def restore(cls, snapshot: Mapping[str, Any]) -> "Gate":
        """Return the state that `snapshot()` wrote."""
        state = dict(snapshot)
        state["trust"] = Trust(state["trust"])
        state["slots"] = {
            name: SlotHandle(
                **{
                    **slot,
                    "start": datetime.fromisoformat(slot["start"]),
                    "end": datetime.fromisoformat(slot["end"]),
                }
            )
            for name, slot in state["slots"].items()
        }
        if state["proposal"] is not None:
            proposal = state["proposal"]
            state["proposal"] = Proposal(**{**proposal, "keywords": tuple(proposal["keywords"])})
        return cls(**state)


def counts_as_read_back(line: Spoken, keywords: Iterable[str]) -> bool:
    """Say whether the whole line was heard and names the change; a line without a transcript is trusted to."""
    if not line.whole:
        return False
    text = plain(line.text)
    return not text or any(plain(keyword) in text for keyword in keywords)


def plain(text: str) -> str:
    """Return `text` without case and accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c)).strip()
