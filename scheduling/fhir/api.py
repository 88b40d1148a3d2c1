"""The doors of FHIR: parse, one call, draw. Every answer is a resource, errors too."""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import Any, ClassVar
from urllib.parse import parse_qsl
from uuid import UUID

from django.conf import settings
from django.http import Http404, QueryDict
from django.utils.http import http_date
from rest_framework.parsers import BaseParser, FormParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.access import NotVisible, viewer_of_request
from accounts.api_policy import BoundedJSONParser
from accounts.api_views import ApiView
from accounts.audit.changes import changes
from accounts.models import ApiKey
from accounts.origin import sender_of
from accounts.permissions import Resource, Verb
from accounts.repeats import Answer, answer_once
from accounts.sign_in import clock
from scheduling.clock import clinic_now, clinic_zone
from scheduling.fhir import bundles, errors, free_times, people, rows, slot_ids, writes
from scheduling.fhir.bodies import read_appointment
from scheduling.fhir.capability import capability_statement
from scheduling.fhir.cursors import read_cursor
from scheduling.fhir.filters import Context
from scheduling.fhir.media import FhirParser, FhirRenderer, Negotiation, PlainRenderer
from scheduling.fhir.outcomes import FhirFault
from scheduling.fhir.search import Search, read_search
from scheduling.fhir.site import Site
from scheduling.fhir.table import RESOURCES, ResourceType
from scheduling.models import Appointment
from scheduling.selectors.calendar import clinic_profile
from scheduling.services.transactions import run_atomically

ROOT = "/fhir/R4"
READS = {"GET": Verb.READ, "HEAD": Verb.READ}
KEPT_HEADERS = ("ETag", "Last-Modified", "Location")
ETAG = re.compile(r'W/"(\d{1,9})"')
AUDITED = ("nurse", "start", "end", "status", "cancellation_reason", "attendance_confirmed_at")
NOUNS = {"Patient": "patient", "Appointment": "appointment"}
"""How the audit record calls what shows patients."""


class FhirView(ApiView):
    """What all doors have in common; parameters of searches are judged where they are read."""

    resource = Resource.FHIR
    renderer_classes = (FhirRenderer, PlainRenderer)
    parser_classes: tuple[type[BaseParser], ...] = (FhirParser, BoundedJSONParser)
    content_negotiation_class = Negotiation

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Ask who it is and what they may; unknown parameters are the search's matter."""
        APIView.initial(self, request, *args, **kwargs)

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Response | None]:
        """Return who answers for what goes wrong."""
        return errors.answer

    def reader(self, request: Request) -> rows.Reader:
        """Return who reads, and when; the one look at the clock."""
        now, profile = clinic_now(), clinic_profile()
        context = Context(
            site=site_of(request),
            bookable_from=now + timedelta(minutes=profile.minimum_notice_minutes),
            bookable_until=now + timedelta(days=profile.horizon_days),
        )
        return rows.Reader(viewer=viewer_of_request(request), now=now, context=context)


class Metadata(FhirView):
    """What this server can do, for whoever has a key or a login."""

    verbs = READS

    def resource_of(self, request: Request) -> Resource:
        """Return what everybody has who is known."""
        return Resource.API_KEY if isinstance(request.auth, ApiKey) else Resource.ACCOUNT

    def get(self, request: Request) -> Response:
        """Answer with the CapabilityStatement."""
        return Response(capability_statement(site_of(request), name=settings.CLINIC_NAME))


class Nowhere(FhirView):
    """Every other address below the root."""

    verbs = {
        "GET": Verb.READ, "HEAD": Verb.READ, "POST": Verb.READ, "PUT": Verb.READ,
        "PATCH": Verb.READ, "DELETE": Verb.READ,
    }  # fmt: skip

    def resource_of(self, request: Request) -> Resource:
        """Return what everybody has who is known."""
        return Resource.API_KEY if isinstance(request.auth, ApiKey) else Resource.ACCOUNT

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """
        Let nobody in further.

        Raises:
            Http404: always, once it is known who asks.
        """
        super().initial(request, *args, **kwargs)
        raise Http404

    def get(self, request: Request) -> Response:
        """Never come here; the methods that the address takes are those of `verbs`."""
        raise Http404

    head = post = put = patch = delete = get


class ResourceView(FhirView):
    """A door of one kind of resource, named in the table."""

    kind_name: ClassVar[str] = ""

    @property
    def kind(self) -> ResourceType:
        """Return what the table says of it."""
        return RESOURCES[self.kind_name]


class SearchView(ResourceView):
    """Search by address; whoever sends parameters in a body uses `_search`."""

    verbs = {"GET": Verb.LIST, "HEAD": Verb.LIST}

    def get(self, request: Request) -> Response:
        """Answer with a page of what fits."""
        return self.found(request, list(request.query_params.lists()))

    def found(self, request: Request, sent: Iterable[tuple[str, Sequence[Any]]]) -> Response:
        """Answer a search, once the patients whom it shows are on record (S46)."""
        reader = self.reader(request)
        search = read_search(
            [(name, str(value)) for name, values in sent for value in values],
            self.kind,
            strict="handling=strict" in request.headers.get("Prefer", "").replace(" ", ""),
            zone=clinic_zone(),
            base=reader.context.site.base,
        )
        cursor = read_cursor(self.kind_name, search)
        if self.kind.stored:
            found = rows.search_rows(self.kind_name, search, cursor, reader)
            if self.kind_name in NOUNS:
                self.record(request, found.patient_ids)
            page = found.page
        else:
            page = free_times.search_slots(search, cursor, reader)
        site = reader.context.site
        return Response(bundles.searchset(page, search, kind=self.kind_name, site=site))

    def record(self, request: Request, patient_ids: Iterable[UUID]) -> None:
        """Write the one event of a list."""
        sender = sender_of(request._request, surface="api")
        assert sender is not None  # the policy has let them in
        noun = NOUNS[self.kind_name]
        sender.record(
            action=f"{noun}s.list", object_type=f"{noun}s", patient_ids=sorted(patient_ids)
        )


class PostedSearch(SearchView):
    """Search by a form in the body, so that nothing of it stands in logs of addresses."""

    verbs = {"POST": Verb.LIST}
    parser_classes = (FormParser,)

    def post(self, request: Request) -> Response:
        """Answer with a page of what fits."""
        form = request.data.lists() if isinstance(request.data, QueryDict) else ()
        return self.found(request, [*request.query_params.lists(), *form])


class ReadView(ResourceView):
    """One resource."""

    verbs = READS

    def get(self, request: Request, row_id: Any, version: str = "") -> Response:
        """Answer with the resource; of its versions only the last one is kept."""
        reader = self.reader(request)
        row = self.row(row_id, reader)
        if row is None or version not in {"", str(getattr(row, "version", ""))}:
            raise NotVisible(resource=Resource.FHIR, object_id=row_id, foreign=False)
        if self.kind_name in NOUNS:
            self.record(request, row)
        resource = row if isinstance(row, dict) else rows.drawn(self.kind_name, row, reader)
        return answered(resource, row)

    def row(self, row_id: Any, reader: rows.Reader) -> Any | None:
        """Return the row, or a resource that is computed, or nothing."""
        return rows.one_row(self.kind_name, row_id, reader)

    def record(self, request: Request, row: Any) -> None:
        """Write the event of a read."""
        sender = sender_of(request._request, surface="api")
        assert sender is not None  # the policy has let them in
        noun = NOUNS[self.kind_name]
        patient_id = row.patient_id if isinstance(row, Appointment) else row.pk
        sender.record(
            action=f"{noun}.read", object_type=noun, object_id=row.pk, patient_ids=[patient_id]
        )


class RoleView(ReadView):
    """A nurse in a specialization."""

    def row(self, row_id: Any, reader: rows.Reader) -> Any | None:
        """Return the row that joins the two, or nothing."""
        found = people.read_role_id(row_id)
        return None if found is None else rows.one_role(*found, reader)


class SlotView(ReadView):
    """A time, as it is now."""

    def row(self, row_id: Any, reader: rows.Reader) -> Any | None:
        """Return the resource, or nothing."""
        found = slot_ids.read(row_id)
        return None if found is None else free_times.one_slot(found, reader)


class AppointmentSearch(SearchView):
    """Visits: search, and book."""

    verbs = {"GET": Verb.LIST, "HEAD": Verb.LIST, "POST": Verb.CREATE}

    def post(self, request: Request) -> Response:
        """Book a visit, unless the condition in `If-None-Exist` finds it booked already."""
        reader = self.reader(request)
        condition = request.headers.get("If-None-Exist")

        def work() -> Response:
            row, is_new = writes.book(
                read_appointment(request.data, reader.context.site),
                unless=None if condition is None else self.condition(condition, reader),
                actor=actor_of(request),
                reader=reader,
                record=lambda written: record_write(request, written),
            )
            status = HTTPStatus.CREATED if is_new else HTTPStatus.OK
            response = answered(rows.drawn("Appointment", row, reader), row, status)
            response["Location"] = location(row, reader.context.site)
            return response

        return once(request, work, condition=condition or "")

    def condition(self, text: str, reader: rows.Reader) -> Search:
        """
        Return the search that must find nothing.

        Raises:
            FhirFault: 400, it is none, or would fit everything.
        """
        query = text.rpartition("?")[2]
        search = read_search(
            parse_qsl(query, keep_blank_values=True),
            self.kind,
            strict=True,
            zone=clinic_zone(),
            base=reader.context.site.base,
        )
        if not any(wish.values for wish in search.wishes):
            raise FhirFault(400, "The condition in If-None-Exist is empty.", code="required")
        return search


class AppointmentView(ReadView):
    """One visit: read, and change."""

    verbs = READS | {"PUT": Verb.UPDATE}

    def put(self, request: Request, row_id: UUID) -> Response:
        """Move, confirm, cancel a visit or give it another status, if it is still the version in `If-Match`."""
        reader = self.reader(request)
        wish = read_appointment(request.data, reader.context.site)
        row = writes.change(
            row_id,
            wish,
            version=version_in(request),
            actor=actor_of(request),
            reader=reader,
            record=lambda written: record_write(request, written),
        )
        if row is None:
            raise NotVisible(resource=Resource.FHIR, object_id=row_id, foreign=False)
        response = answered(rows.drawn("Appointment", row, reader), row)
        response["Location"] = location(row, reader.context.site)
        return response


def site_of(request: Request) -> Site:
    """Return where the clinic is."""
    home = settings.PUBLIC_BASE_URL.rstrip("/")
    return Site(base=request.build_absolute_uri(ROOT), home=f"{home}{ROOT}")


def actor_of(request: Request) -> str:
    """Return who acts, as histories call them; also the owner of what they hold."""
    kind = "key" if isinstance(request.auth, ApiKey) else "user"
    return f"{kind}:{request.user.pk}"


def once(request: Request, work: Callable[[], Response], *, condition: str = "") -> Response:
    """
    Do a write; with an `Idempotency-Key` a repetition gets the first answer again (section 7).

    Raises:
        IdempotencyKeyReused, InvalidIdempotencyKey: the key is another request's, or none.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return work()

    def whole() -> Answer:
        response = work()
        headers = {name: response[name] for name in KEPT_HEADERS if name in response}
        return {"status": response.status_code, "body": response.data, "headers": headers}

    found = answer_once(
        scope=f"{actor_of(request)} {request.method} {request.path}",
        key=key,
        body=[request.data, condition],
        now=clock.now(),
        work=whole,
        run=run_atomically,
    )
    headers = found.answer["headers"]
    replayed = {"Idempotency-Replayed": "true"} if found.replayed else {}
    return Response(found.answer["body"], found.answer["status"], headers=headers | replayed)


def version_in(request: Request) -> int:
    """
    Return the version that the client has seen.

    Raises:
        FhirFault: 412, it names none; whoever writes without having read overwrites what others did.
    """
    found = ETAG.fullmatch(request.headers.get("If-Match", "").strip())
    if found is None:
        raise FhirFault(412, 'Send the version that you have read, as If-Match: W/"1".')
    return int(found[1])


def answered(resource: dict[str, Any], row: Any, status: int = HTTPStatus.OK) -> Response:
    """Return a resource with its version and age, if it has them."""
    response = Response(resource, status)
    if isinstance(row, Appointment):
        response["ETag"] = f'W/"{row.version}"'
    if (changed := getattr(row, "updated_at", None)) is not None:
        response["Last-Modified"] = http_date(changed.timestamp())
    return response


def location(row: Appointment, site: Site) -> str:
    """Return the address of the version that was written."""
    return f"{site.base}/Appointment/{row.pk}/_history/{row.version}"


def record_write(request: Request, written: writes.Written) -> None:
    """Write the event of a booking or change; of a visit that was only found, it is a read."""
    sender = sender_of(request._request, surface="api")
    assert sender is not None  # the policy has let them in
    before, after = written.before, written.after
    old = {} if before is None else {name: getattr(before, name) for name in AUDITED}
    new = {name: getattr(after, name) for name in AUDITED}
    differs = {name: value for name, value in new.items() if old.get(name) != value}
    verb = "added" if before is None else "changed" if differs else "read"
    sender.record(
        action=f"appointment.{verb}",
        object_type="appointment",
        object_id=after.pk,
        patient_ids=[after.patient_id],
        changes=changes(Appointment, old, differs),
    )
