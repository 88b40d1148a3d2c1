"""
What a client sends as an Appointment, read into a wish: strictly, for what is passed over in silence is lost.

Elements that are ours to say (`id`, `meta`, `created`, names in references) may be sent back as they were read.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

from scheduling.fhir import statuses
from scheduling.fhir.calendars import APPOINTMENT_TYPES
from scheduling.fhir.instants import PARTIAL, YEARS
from scheduling.fhir.outcomes import FhirFault
from scheduling.fhir.search import REFERENCE, is_text
from scheduling.fhir.site import HL7, URI, Site
from scheduling.fhir.slot_ids import SlotId
from scheduling.fhir.slot_ids import read as read_slot_id
from scheduling.fhir.visits import Identifier

Read = TypeVar("Read")

KEPT = frozenset(
    {
        "status", "serviceType", "appointmentType", "start", "end", "minutesDuration", "slot",
        "participant", "identifier", "description", "cancelationReason",
    }
)  # fmt: skip
"""Elements that say something of a visit."""
OURS = frozenset({"resourceType", "id", "meta", "created", "text", "language"})
"""Elements that may be sent, and change nothing."""
OTHERS = frozenset(
    {
        "implicitRules", "contained", "extension", "modifierExtension", "serviceCategory",
        "specialty", "reasonCode", "reasonReference", "priority", "supportingInformation",
        "comment", "patientInstruction", "basedOn", "requestedPeriod",
    }
)  # fmt: skip
"""Elements of FHIR R4 that no visit of ours can hold."""
IN_PARTICIPANT = frozenset({"id", "type", "actor", "required", "status", "period"})
LONGEST_TEXT, LONGEST_NAME, MOST_LISTED = 500, 200, 10


@dataclass(frozen=True, slots=True)
class Wish:
    """What the client wants a visit to be; what it does not say is None or empty."""

    status: str
    start: datetime | None = None
    end: datetime | None = None
    minutes: int | None = None
    slot: SlotId | None = None
    patient_id: UUID | None = None
    participation: str = ""
    nurse_id: UUID | None = None
    service_type: str = ""
    identifiers: tuple[Identifier, ...] = ()
    description: str = ""
    cancellation_reason: str = ""
    cancellation_note: str = ""
    id: str = ""


def read_appointment(body: object, site: Site) -> Wish:
    """
    Return the wish that a body is.

    Raises:
        FhirFault: 400, it is no Appointment; 422, it says what no visit of ours can hold.
    """
    if not isinstance(body, dict) or body.get("resourceType") != "Appointment":
        raise FhirFault(400, "Send an Appointment.", code="structure", expression="Appointment")
    _refuse_unknown(body)
    status = _status(body)
    start, end = (_moment(body, name) for name in ("start", "end"))
    if (start is None) != (end is None) and start is None:
        raise _bad("required", "An end needs a start.", "start")
    if start is not None and end is not None and end <= start:
        raise _bad("value", "The end comes after the start.", "end")
    people = _participants(body, site)
    patient_id, participation = people.get("Patient", (None, ""))
    nurse_id, _ = people.get("Practitioner", (None, ""))
    reason, note = _cancellation(body, site)
    return Wish(
        status=status,
        start=start,
        end=end,
        minutes=_minutes(body),
        slot=_slot(body, site),
        patient_id=patient_id,
        participation=participation,
        nurse_id=nurse_id,
        service_type=_service_type(body, site),
        identifiers=tuple(_identifiers(body)),
        description=_text(body, "description", LONGEST_TEXT),
        cancellation_reason=reason,
        cancellation_note=note,
        id=_text(body, "id", 64),
    )


def _refuse_unknown(body: Mapping[str, Any]) -> None:
    for name in sorted(map(str, set(body) - KEPT - OURS)):
        if name in OTHERS:
            raise FhirFault(
                422, "Visits here do not hold that.", code="not-supported",
                expression=f"Appointment.{name}",
            )  # fmt: skip
        raise FhirFault(400, "There is no such element.", code="structure")


def _status(body: Mapping[str, Any]) -> str:
    status = body.get("status")
    if status is None:
        raise _bad("required", "An Appointment has a status.", "status")
    if not isinstance(status, str) or status not in statuses.APPOINTMENT_STATUSES:
        raise _bad("value", "That is no status of an Appointment.", "status")
    return status


def _moment(body: Mapping[str, Any], name: str) -> datetime | None:
    text = body.get(name)
    if text is None:
        return None
    found = PARTIAL.fullmatch(text) if isinstance(text, str) else None
    if found is None or found["second"] is None or found["zone"] is None:
        raise _bad("value", "Write an instant with seconds and an offset.", name)
    try:
        found_at = datetime.fromisoformat(str(text)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _bad("value", "That is no instant.", name) from error
    if found_at.year not in YEARS:
        raise _bad("value", "There are no times so far away.", name)
    return found_at


def _minutes(body: Mapping[str, Any]) -> int | None:
    minutes = body.get("minutesDuration")
    if minutes is None:
        return None
    if not isinstance(minutes, int) or isinstance(minutes, bool) or minutes < 1:
        raise _bad("value", "A duration is a number of minutes above zero.", "minutesDuration")
    return minutes


def _slot(body: Mapping[str, Any], site: Site) -> SlotId | None:
    found = _list(body, "slot", lambda one: _reference(one, "Slot", site, "slot"))
    if len(found) > 1:
        raise _bad("business-rule", "A visit takes one slot.", "slot", 422)
    if not found:
        return None
    slot = read_slot_id(found[0])
    if slot is None:
        raise _bad("not-found", "There is no such slot.", "slot", 422)
    return slot


def _participants(body: Mapping[str, Any], site: Site) -> dict[str, tuple[UUID, str]]:
    """Return id and participation of the patient and of the nurse."""
    found: dict[str, tuple[UUID, str]] = {}
    people = _list(body, "participant", lambda one: _participant(one, site))
    if not people:
        raise _bad("required", "An Appointment has participants.", "participant")
    for kind, row_id, participation in people:
        if kind in found:
            raise _bad(
                "business-rule", "A visit has one patient and one nurse.", "participant", 422
            )
        found[kind] = (row_id, participation)
    return found


def _participant(one: Any, site: Site) -> tuple[str, UUID, str]:
    if not isinstance(one, dict) or set(one) - IN_PARTICIPANT:
        raise _bad("structure", "That is no participant.", "participant")
    participation = one.get("status")
    if not isinstance(participation, str) or participation not in statuses.PARTICIPATIONS:
        raise _bad("value", "A participant has a status.", "participant.status")
    for kind in ("Patient", "Practitioner"):
        text = _reference(one.get("actor"), kind, site, "participant.actor", other="")
        if text:
            try:
                return kind, UUID(text), participation
            except ValueError as error:
                raise _bad(
                    "not-found", f"There is no such {kind}.", "participant.actor", 422
                ) from error
    raise _bad("not-supported", "Name a Patient and a Practitioner.", "participant.actor", 422)


def _reference(one: Any, kind: str, site: Site, where: str, *, other: str | None = None) -> str:
    """Return the id that a reference leads to, or `other` if it leads to another kind of resource."""
    text = one.get("reference") if isinstance(one, dict) else None
    found = REFERENCE.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise _bad("value", "Write a reference such as Patient/…", where)
    if found["type"] == kind and found["base"] in {None, site.base, site.home}:
        return found["id"]
    if other is None:
        raise _bad("value", f"The reference leads to no {kind} of ours.", where)
    return other


def _service_type(body: Mapping[str, Any], site: Site) -> str:
    """Return the code of the kind of visit, from our own codes or from HL7's few."""
    codes: list[tuple[Any, Any]] = []
    for concept in _list(body, "serviceType", _as_object("serviceType")):
        codes += _codings(concept, "serviceType")
    ours = {str(code) for system, code in codes if system in {None, site.visit_types} and code}
    words = {word: code for code, (word, _) in APPOINTMENT_TYPES.items()}
    if "appointmentType" in body and not ours:
        concept = _as_object("appointmentType")(body["appointmentType"])
        for system, code in _codings(concept, "appointmentType"):
            if system in {None, f"{HL7}/v2-0276"} and code in words:
                ours.add(words[code])
    if len(ours) > 1:
        raise _bad("business-rule", "A visit is of one kind.", "serviceType", 422)
    if codes and not ours:
        raise _bad("not-supported", "There is no such kind of visit.", "serviceType", 422)
    return next(iter(ours), "")


def _cancellation(body: Mapping[str, Any], site: Site) -> tuple[str, str]:
    """Return our reason for a cancellation and its words."""
    if "cancelationReason" not in body:
        return "", ""
    if body.get("status") not in {"cancelled", "noshow"}:
        raise _bad("invalid", "Only what is cancelled has that reason.", "cancelationReason")
    concept = _as_object("cancelationReason")(body["cancelationReason"])
    note = concept.get("text", "")
    if not is_text(note) or len(note) > LONGEST_TEXT:
        raise _bad("value", "The words are too long.", "cancelationReason.text")
    reason = ""
    for system, code in _codings(concept, "cancelationReason"):
        if system == site.cancellation_reasons and code in statuses.CANCELLATION:
            return str(code), "" if note == code else note
        group = str(code).partition("-")[0]
        if system in {None, f"{HL7}/appointment-cancellation-reason"}:
            reason = reason or statuses.REASONS.get(group, "other")
    return reason or "other", note


def _identifiers(body: Mapping[str, Any]) -> list[Identifier]:
    """Return the names that are not ours: a visit of ours has its id as one of them."""
    found = []
    for one in _list(body, "identifier", _as_object("identifier")):
        system, value = one.get("system", ""), one.get("value")
        if not is_text(system) or not is_text(value) or not value:
            raise _bad("value", "An identifier has a value, and may have a system.", "identifier")
        if len(system) + len(value) > LONGEST_NAME or "|" in system:
            raise _bad("value", "That identifier is too long, or cannot be kept.", "identifier")
        found.append(Identifier(system, value))
    return found


def foreign_names(names: tuple[Identifier, ...], row_id: UUID) -> tuple[Identifier, ...]:
    """Return those names that are more than the id of a visit."""
    own = Identifier(URI, f"urn:uuid:{row_id}")
    return tuple(one for one in names if one != own)


def _codings(concept: Mapping[str, Any], where: str) -> list[tuple[Any, Any]]:
    codings = concept.get("coding", [])
    if not isinstance(codings, list) or not all(isinstance(one, dict) for one in codings):
        raise _bad("structure", "Codings are a list of objects.", f"{where}.coding")
    pairs = [(one.get("system"), one.get("code")) for one in codings[:MOST_LISTED]]
    if not all(isinstance(part, str | None) for pair in pairs for part in pair):
        raise _bad("structure", "Systems and codes are texts.", f"{where}.coding")
    return pairs


def _list(body: Mapping[str, Any], name: str, read: Callable[[Any], Read]) -> list[Read]:
    values = body.get(name, [])
    if not isinstance(values, list):
        raise _bad("structure", "That is a list.", name)
    if len(values) > MOST_LISTED:
        raise _bad("too-long", "The list is too long.", name)
    return [read(one) for one in values]


def _as_object(name: str) -> Callable[[Any], dict[str, Any]]:
    def read(one: Any) -> dict[str, Any]:
        if not isinstance(one, dict):
            raise _bad("structure", "That is an object.", name)
        return one

    return read


def _text(body: Mapping[str, Any], name: str, longest: int) -> str:
    text = body.get(name, "")
    if not is_text(text) or len(text) > longest:
        raise _bad("value", f"That is a text of at most {longest} characters.", name)
    return text


def _bad(code: str, text: str, where: str, status: int = 400) -> FhirFault:
    return FhirFault(status, text, code=code, expression=f"Appointment.{where}")
