"""A copy of everything that is kept about one patient, as one JSON text in pieces (security reference, S63)."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder

from accounts.audit.selectors import audit_events
from accounts.origin import Origin
from scheduling.exceptions import NotFound
from scheduling.selectors.privacy import (
    CHUNK,
    Facts,
    Section,
    facts,
    patient_facts,
    patient_sections,
)
from voice.models import CallLog

FORMAT = "carematix-patient-export/1"
LEFT_OUT = frozenset({"stream_nonce", "memory", "arguments_digest", "prompt_version", "call"})
"""What is not about the patient: secrets of the line and our own notes."""

encode = DjangoJSONEncoder(ensure_ascii=False).encode


def patient_export(*, patient_id: UUID, origin: Origin, now: datetime) -> Iterator[str]:
    """
    Record that a patient's copy is handed out, and return it in pieces.

    It is made while it is sent, never stored: there is no link that would have to end. The copy holds its own event.

    Raises:
        NotFound: there is no such patient.
    """
    person = patient_facts(patient_id=patient_id)
    if person is None:
        raise NotFound
    origin.record(
        action="patient.exported",
        patient_ids=[patient_id],
        object_type="patient",
        object_id=patient_id,
    )
    return _pieces(person, patient_id, now)


def _pieces(person: Facts, patient_id: UUID, now: datetime) -> Iterator[str]:
    yield f'{{"format": {encode(FORMAT)}, "exported_at": {encode(now)}, "patient": {encode(person)}'
    of_calls: list[Section] = [
        ("calls", _calls(patient_id)),
        ("audit_events", _audit_events(patient_id)),
    ]
    for name, rows in chain(patient_sections(patient_id=patient_id), of_calls):
        yield f", {encode(name)}: ["
        yield from _list(rows)
        yield "]"
    yield "}\n"


def _list(rows: Iterable[Facts]) -> Iterator[str]:
    for number, row in enumerate(rows):
        yield ("," if number else "") + "\n" + encode(row)


def _calls(patient_id: UUID) -> Iterator[Facts]:
    """Yield calls with what was said and what the assistant did."""
    calls = CallLog.objects.filter(patient=patient_id).order_by("created_at", "pk")
    for call in calls.iterator(chunk_size=CHUNK):
        yield facts(call, left_out=LEFT_OUT) | {
            "appointments": list(call.appointments.order_by("pk").values_list("pk", flat=True)),
            "transcript": [facts(entry, left_out=LEFT_OUT) for entry in call.transcript.all()],
            "tool_calls": [facts(tool, left_out=LEFT_OUT) for tool in call.tool_calls.all()],
        }


def _audit_events(patient_id: UUID) -> Iterator[Facts]:
    """Yield who did what with the record; other patients in the same event are not the patient's business."""
    events = audit_events(patient_ids=[str(patient_id)]).order_by("seq")
    for event in events.iterator(chunk_size=CHUNK):
        yield facts(event) | {"patient_ids": [str(patient_id)]}
