"""
`$find`, `$hold` and `$book` on Appointment, as in IHE's profile Scheduling (ITI-115 to ITI-117).

What is found is `proposed` and has the id of its slot; what is held is `pending`, for two minutes and for the key that
holds it. A patient is named when the visit is booked, in `patient-reference` or in the resource.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.origin import sender_of
from accounts.permissions import Verb
from scheduling.clock import clinic_zone
from scheduling.fhir import bundles, rows, slot_ids, statuses, visits, writes
from scheduling.fhir.api import FhirView, actor_of, location, once, record_write
from scheduling.fhir.bodies import Wish, read_appointment
from scheduling.fhir.cursors import Cursor
from scheduling.fhir.filters import uuid_of
from scheduling.fhir.free_times import search_slots
from scheduling.fhir.outcomes import FhirFault
from scheduling.fhir.search import MOST_ON_PAGE, REFERENCE, Search, read_search
from scheduling.fhir.slot_ids import SlotId
from scheduling.fhir.table import RESOURCES
from scheduling.models import SlotHold, VisitType
from scheduling.services.holds import hold_slot
from scheduling.services.transactions import run_atomically
from scheduling.slots import to_instant, to_minute

FOUND_BY: Mapping[str, tuple[str, str]] = {
    "start": ("start", "ge"),
    "end": ("start", "lt"),
    "practitioner": ("schedule.actor", ""),
    "visit-type": ("service-type", ""),
    "_count": ("_count", ""),
}
"""The parameter of a search for slots, and the prefix, that each parameter of `$find` becomes."""
PLAIN_VALUES = ("valueDateTime", "valueInstant", "valueDate", "valueString", "valueUri")
BOOKABLE = frozenset({"proposed", "pending", "booked"})
MOST_PARAMETERS = 30


class Find(FhirView):
    """Free times as proposed appointments."""

    verbs = {"GET": Verb.LIST, "HEAD": Verb.LIST, "POST": Verb.LIST}

    def get(self, request: Request) -> Response:
        """Answer with free times by start; parameters stand in the address."""
        sent = [(name, text) for name, texts in request.query_params.lists() for text in texts]
        return self.found(request, [one for one in sent if one[0] != "_format"])

    def post(self, request: Request) -> Response:
        """Answer with free times by start; parameters stand in a Parameters resource."""
        return self.found(request, list(_texts(_parameters(request.data))))

    def found(self, request: Request, asked: Iterable[tuple[str, Any]]) -> Response:
        """
        Answer with what is free, at most a hundred times.

        Raises:
            FhirFault: 400, a bound is missing, or a parameter is none that times can be found by.
        """
        reader = self.reader(request)
        site = reader.context.site
        sought: dict[str, list[str]] = {"status": ["free"], "_count": [str(MOST_ON_PAGE)]}
        bounds: list[tuple[str, str]] = []
        for name, text in asked:
            if name not in FOUND_BY:
                raise FhirFault(400, "Times are not found by that.", code="not-supported")
            parameter, prefix = FOUND_BY[name]
            if prefix:
                bounds.append((parameter, prefix + text))
            elif parameter == "_count":
                sought[parameter] = [text]
            else:
                sought.setdefault(parameter, []).append(text)
        sent = [*bounds, *((name, ",".join(texts)) for name, texts in sought.items())]
        search = read_search(
            sent, RESOURCES["Slot"], strict=True, zone=clinic_zone(), base=site.base
        )
        page = search_slots(search, Cursor(""), reader)
        proposals = bundles.Page([_proposed(slot) for slot in page.matches], page.total)
        return Response(bundles.searchset(proposals, Search(), kind="Appointment/$find", site=site))


class Hold(FhirView):
    """A found time kept while somebody decides."""

    verbs = {"POST": Verb.CREATE}

    def post(self, request: Request) -> Response:
        """Hold the time; what the key held before is given up."""
        return once(request, lambda: run_atomically(lambda: self.held(request)))

    def held(self, request: Request) -> Response:
        """
        Hold the time and record it.

        Raises:
            FhirFault: 400 or 422, the reference leads to no time.
            SchedulingError: somebody else has it, or the rules refuse it.
        """
        reader = self.reader(request)
        slot = _slot(_parameters(request.data), actor_of(request), reader)
        kind = VisitType.objects.filter(pk=slot.visit_type_id, active=True).first()
        if kind is None:
            raise _no_such_time()
        hold = hold_slot(
            owner=actor_of(request),
            nurse_id=slot.nurse_id,
            start=to_instant(slot.start),
            visit_type=kind.code,
            patient_id=None,
            now=reader.now,
        )
        sender = sender_of(request._request, surface="api")
        assert sender is not None  # the policy has let them in
        sender.record(action="slothold.added", object_type="slothold", object_id=hold.pk)
        return _answer(visits.appointment(_held_values(hold), reader.context.site), reader)


class Book(FhirView):
    """A found or held time booked for a patient."""

    verbs = {"POST": Verb.CREATE}

    def post(self, request: Request) -> Response:
        """Book the time; a hold of the key on it is spent."""
        reader = self.reader(request)

        def work() -> Response:
            row, _ = writes.book(
                _wish(_parameters(request.data), actor_of(request), reader),
                unless=None,
                actor=actor_of(request),
                reader=reader,
                record=lambda written: record_write(request, written),
            )
            response = _answer(rows.drawn("Appointment", row, reader), reader)
            response["Location"] = location(row, reader.context.site)
            return response

        return once(request, work)


def _proposed(slot: Mapping[str, Any]) -> dict[str, Any]:
    """Return a free slot as the appointment that it could become."""
    nurse_id = slot["schedule"]["reference"].partition("/")[2]
    kept = ("serviceType", "appointmentType", "start", "end")
    return {
        "resourceType": "Appointment",
        "id": slot["id"],
        "status": "proposed",
        **{name: slot[name] for name in kept if name in slot},
        "slot": [{"reference": f"Slot/{slot['id']}"}],
        "participant": [
            {
                "actor": {"reference": f"Practitioner/{nurse_id}"},
                "required": "required",
                "status": "needs-action",
            }
        ],
    }


def _held_values(hold: SlotHold) -> visits.VisitValues:
    return visits.VisitValues(
        id=hold.pk,
        state=statuses.State(statuses.HELD),
        patient_id=None,
        patient_name="",
        nurse_id=hold.nurse_id,
        nurse_name=hold.nurse.name,
        visit_type=rows.type_values(hold.visit_type),
        start=hold.start,
        end=hold.end,
        minute=to_minute(hold.start),
        version=1,
        created_at=hold.created_at,
        updated_at=hold.created_at,
    )


def _answer(resource: dict[str, Any], reader: rows.Reader) -> Response:
    """Return one appointment in a Bundle, as the profile wants it."""
    site = reader.context.site
    entry = {
        "fullUrl": bundles.full_url(resource, site),
        "resource": resource,
        "search": {"mode": "match"},
    }
    bundle = {"resourceType": "Bundle", "type": "searchset", "total": 1, "entry": [entry]}
    return Response(bundle, HTTPStatus.OK)


def _parameters(body: object) -> list[dict[str, Any]]:
    """
    Return the parameters of an operation.

    Raises:
        FhirFault: 400, the body is no Parameters resource.
    """
    listed = body.get("parameter", []) if isinstance(body, dict) else None
    is_one = isinstance(body, dict) and body.get("resourceType") == "Parameters"
    if not is_one or not isinstance(listed, list) or len(listed) > MOST_PARAMETERS:
        raise FhirFault(400, "Send Parameters.", code="structure", expression="Parameters")
    if not all(isinstance(one, dict) and isinstance(one.get("name"), str) for one in listed):
        raise FhirFault(400, "Each parameter has a name.", code="structure")
    return listed


def _texts(parameters: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for one in parameters:
        reference = one.get("valueReference")
        if isinstance(reference, dict):
            text = reference.get("reference")
        elif one["name"] == "_count":
            text = str(one.get("valueInteger", one.get("valueString")))
        else:
            text = next((one[name] for name in PLAIN_VALUES if name in one), None)
        if not isinstance(text, str) or "," in text:
            raise FhirFault(
                400, "A parameter's value is missing, or of another kind.", code="value"
            )
        yield one["name"], text


def _given(
    parameters: Iterable[Mapping[str, Any]], name: str, reader: rows.Reader
) -> tuple[str, str]:
    """Return type and id of the reference that a parameter holds; both are empty without it."""
    site = reader.context.site
    for one in parameters:
        value = one.get("valueReference")
        if one["name"] == name and isinstance(value, dict):
            found = REFERENCE.fullmatch(str(value.get("reference", "")))
            if found is None or found["base"] not in {None, site.base, site.home}:
                raise FhirFault(400, "Write a reference of ours.", code="value")
            return found["type"] or "", found["id"]
    return "", ""


def _slot(parameters: list[dict[str, Any]], owner: str, reader: rows.Reader) -> SlotId:
    """
    Return the time that `appointment-reference` means: a proposal's, or one that the owner holds.

    Raises:
        FhirFault: 400 without the parameter, 422 if there is no such time.
    """
    kind, text = _given(parameters, "appointment-reference", reader)
    if not text:
        raise FhirFault(400, "Give the appointment-reference.", code="required")
    found = slot_ids.read(text)
    hold_id = uuid_of(text)
    if found is None and hold_id is not None:
        held = SlotHold.objects.filter(pk=hold_id, owner=owner, state=SlotHold.State.LIVE).first()
        if held is not None:
            found = SlotId(held.nurse_id, to_minute(held.start), held.visit_type_id)
    if found is None or kind != "Appointment":
        raise _no_such_time()
    return found


def _wish(parameters: list[dict[str, Any]], owner: str, reader: rows.Reader) -> Wish:
    """
    Return the visit that `$book` asks for.

    Raises:
        FhirFault: 400 or 422.
    """
    resource = next((one.get("resource") for one in parameters
                     if one["name"] == "appointment-resource"), None)  # fmt: skip
    if resource is not None:
        wish = read_appointment(resource, reader.context.site)
        if wish.status not in BOOKABLE:
            raise FhirFault(422, "That is no appointment to be booked.")
        return replace(wish, status="booked")
    slot = _slot(parameters, owner, reader)
    kind, text = _given(parameters, "patient-reference", reader)
    patient_id: UUID | None = uuid_of(text) if kind == "Patient" else None
    return Wish(status="booked", slot=slot, patient_id=patient_id)


def _no_such_time() -> FhirFault:
    return FhirFault(422, "There is no such time.", code="not-found")
