"""The clinic of voice-conversation, section 12, and a phone call in it that talks to the helper as the bridge does."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from scheduling.models import (
    Appointment,
    AvailabilityOverride,
    CareAssignment,
    Consent,
    Nurse,
    Patient,
    PatientRelation,
    VisitType,
)
from scheduling.services import book_appointment
from voice.assistant.requests import Request
from voice.database_helper import VoiceAgentDatabaseHelper
from voice.models import CallLog, ToolCall
from voice.protocol.commands import CallerTurn, Evidence, Spoken, ToolAnswer

NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 3, 5, 10, tzinfo=NEW_YORK)
FREE = (
    ("reyes", date(2026, 3, 6), time(15)),
    ("reyes", date(2026, 3, 9), time(9)),
    ("blake", date(2026, 3, 10), time(8)),
    ("reyes", date(2026, 3, 10), time(10, 30)),
    ("reyes", date(2026, 3, 10), time(11)),
    ("reyes", date(2026, 3, 11), time(13, 30)),
    ("blake", date(2026, 3, 12), time(11)),
)
BOOKED = (  # who, nurse, when, type
    ("maria", "reyes", datetime(2026, 3, 10, 9, 30, tzinfo=NEW_YORK), "follow_up"),
    ("carmen", "blake", datetime(2026, 3, 6, 8, 30, tzinfo=NEW_YORK), "routine"),
    ("robert", "reyes", datetime(2026, 3, 11, 14, tzinfo=NEW_YORK), "routine"),
)
_sids = itertools.count(1)


@dataclass
class SampleClinic:
    """The people of section 12 by short names."""

    nurses: dict[str, Nurse] = field(default_factory=dict)
    patients: dict[str, Patient] = field(default_factory=dict)
    visits: dict[str, Appointment] = field(default_factory=dict)


def open_clinic() -> SampleClinic:
    """Store the clinic: its nurses, patients and visits, and just the free times of the table."""
    clinic = SampleClinic()
    for code in ("routine", "follow_up", "consultation", "emergency"):
        VisitType.objects.create(
            code=code, name=code, length_minutes=30, bookable_by_phone=code != "emergency"
        )
    for key, first, last in (
        ("reyes", "Ana", "Reyes"),
        ("blake", "Tom", "Blake"),
        ("shah", "Priya", "Shah"),
    ):
        clinic.nurses[key] = Nurse.objects.create(
            first_name=first,
            last_name=last,
            license_number=key,
            license_state="DC",
            license_expires_on=date(2030, 1, 1),
        )
    _add_patients(clinic)
    for nurse, day, start in FREE:
        _open(clinic, nurse, datetime.combine(day, start, NEW_YORK))
    for patient, nurse, when, kind in BOOKED:
        _open(clinic, nurse, when)
        clinic.visits[patient] = book_appointment(
            patient_id=clinic.patients[patient].pk,
            nurse_id=clinic.nurses[nurse].pk,
            start=when,
            visit_type=kind,
            source="dashboard",
            actor="user:test",
            now=NOW,
        )
    return clinic


def _open(clinic: SampleClinic, nurse: str, when: datetime) -> None:
    AvailabilityOverride.objects.create(
        nurse=clinic.nurses[nurse],
        effect="add",
        date=when.date(),
        start=when.time(),
        end=time(when.hour + (when.minute + 30) // 60, (when.minute + 30) % 60),
    )


def _add_patients(clinic: SampleClinic) -> None:
    people = (
        ("maria", "Maria", "Lopez", date(1958, 4, 12), "+12025550101", "20002", "reyes"),
        ("james", "James", "Okafor", date(1984, 11, 3), "+12025550102", "20001", "blake"),
        ("lily", "Lily", "Okafor", date(2017, 6, 21), "+12025550102", "20001", "blake"),
        ("carmen", "Carmen", "Diaz", date(1990, 1, 30), "+12025550104", "20004", "blake"),
        ("robert", "Robert", "Chen", date(1942, 9, 17), "+12025550105", "20005", "reyes"),
        ("maria2", "Maria", "Lopez", date(1971, 8, 2), "+12025550106", "20006", "reyes"),
    )
    for key, first, last, born, phone, zip_code, nurse in people:
        patient = Patient.objects.create(
            first_name=first,
            last_name=last,
            date_of_birth=born,
            phone=phone,
            postal_code=zip_code,
            reference_number=f"CMX{key.upper()}",
        )
        CareAssignment.objects.create(patient=patient, nurse=clinic.nurses[nurse], primary=True)
        Consent.objects.create(
            patient=patient,
            channel="sms",
            purpose="appointments",
            granted=True,
            wording="Texts about visits?",
            source="dashboard",
            recorded_at=NOW,
        )
        clinic.patients[key] = patient
    PatientRelation.objects.create(
        patient=clinic.patients["lily"],
        kind="guardian",
        name="James Okafor",
        phone="+12025550102",
        related_patient=clinic.patients["james"],
    )
    PatientRelation.objects.create(
        patient=clinic.patients["robert"],
        kind="representative",
        name="Susan Chen",
        phone="+12025550105",
    )


WHO: dict[str, dict[str, str]] = {
    "maria": {"full_name": "Maria Lopez", "date_of_birth": "1958-04-12"},
    "james": {"full_name": "James Okafor", "date_of_birth": "1984-11-03"},
    "lily": {"full_name": "Lily Okafor", "date_of_birth": "2017-06-21"},
    "carmen": {"full_name": "Carmen Diaz", "date_of_birth": "1990-01-30"},
    "robert": {"full_name": "Robert Chen", "date_of_birth": "1942-09-17"},
    "maria2": {"full_name": "Maria Lopez", "date_of_birth": "1971-08-02"},
}


class PhoneCall:
    """A call, and the evidence of what was said in it after each answered function call."""

    def __init__(
        self, caller: str = "+12025550102", *, attested: bool = True, **fields: Any
    ) -> None:
        self.log = CallLog.objects.create(
            call_sid=f"CA{next(_sids):032x}",
            account_sid="AC0",
            from_number=caller,
            caller_attested=attested,
            status="in_progress",
            **fields,
        )
        self.helper = VoiceAgentDatabaseHelper(self.log.pk)
        self.after: dict[str, list[Spoken | CallerTurn]] = {}
        self.ids: Iterator[int] = itertools.count(1)
        self.ms = 1_000
        self.last: ToolAnswer = ToolAnswer("")

    def raw(self, name: str, arguments: str, *, call_id: str = "") -> ToolAnswer:
        """Let the model call a function with this text."""
        call_id = call_id or f"call_{next(self.ids)}"
        evidence = Evidence({key: tuple(entries) for key, entries in self.after.items()})
        self.ms += 1_000
        self.last = self.helper.answer(Request(call_id, name, arguments, evidence, self.ms))
        self.after.setdefault(call_id, [])
        return self.last

    def tool(self, name: str, /, **arguments: Any) -> dict[str, Any]:
        """Let the model call a function, and return the answer's object."""
        answer: dict[str, Any] = json.loads(self.raw(name, json.dumps(arguments)).output)
        return answer

    def hear(self, *entries: Spoken | CallerTurn) -> None:
        """Note what was said since; it follows every function call that was answered before."""
        for known in self.after.values():
            known.extend(entries)

    def says_yes_to(self, answer: dict[str, Any]) -> None:
        """Play the answer's sentence to its end, then let the caller speak."""
        self.hear(Spoken(answer["say"], whole=True), CallerTurn())

    def verify(self, who: str, **more: str) -> dict[str, Any]:
        return self.tool("verify_identity", **{"calling_for": "self", **WHO[who], **more})

    def find(self, **wish: Any) -> list[dict[str, str]]:
        slots: list[dict[str, str]] = self.tool("find_slots", **wish)["data"]["slots"]
        return slots

    def confirm(self, proposal: dict[str, Any]) -> dict[str, Any]:
        """Confirm as it should be: read-back heard, a clear yes, then the tool."""
        self.says_yes_to(proposal)
        return self.tool("confirm_proposal", proposal=proposal["data"]["proposal"])

    def book(self, slot: str, visit_type: str = "routine") -> dict[str, Any]:
        return self.confirm(self.tool("propose_booking", slot=slot, visit_type=visit_type))

    def resume(self) -> None:
        """Drop the stream and go on with a new helper and a new bridge, as a resumed call does (F5)."""
        self.helper = VoiceAgentDatabaseHelper(self.log.pk)
        self.after = {}

    def fact(self) -> str:
        """Return what the last tool call made true."""
        return ToolCall.objects.filter(call=self.log).latest("created_at").fact

    def stored(self) -> CallLog:
        return CallLog.objects.get(pk=self.log.pk)
