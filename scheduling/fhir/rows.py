"""
Reads of rows as resources: one page of a search, or one resource, in a number of queries that does not grow.

Pages are cut by primary key, so that a row which changes while somebody turns pages is neither shown twice nor lost.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from django.db.models import Prefetch, Q, QuerySet

from accounts.access import Viewer
from accounts.permissions import Resource, Verb
from scheduling.fhir import calendars, people, statuses, visits
from scheduling.fhir.bundles import Page
from scheduling.fhir.cursors import Cursor
from scheduling.fhir.filters import FILTERS, Context, condition
from scheduling.fhir.search import Search
from scheduling.fhir.times_off import times_off
from scheduling.models import (
    Appointment,
    AppointmentChange,
    Availability,
    CareAssignment,
    Nurse,
    Patient,
    VisitType,
)
from scheduling.selectors.nurse_calendars import minute_of_day
from scheduling.selectors.sight import seen
from scheduling.slots import to_minute

Drawn = dict[str, Any]
Role: Any = Nurse.specializations.through
"""The rows that join nurses and specializations; Django makes their class."""
INCLUDED = {
    "Appointment:patient": ("Patient", "patient_id"),
    "Appointment:practitioner": ("Practitioner", "nurse_id"),
}


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads, when, and what of the clinic bears on what is drawn."""

    viewer: Viewer
    now: datetime
    context: Context


@dataclass(frozen=True, slots=True)
class Found:
    """A page as resources, and the patients whom it shows."""

    page: Page
    patient_ids: frozenset[UUID]


Rows = Sequence[Any]
Draw = Callable[[Rows, Reader], list[Drawn]]


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of resource is read: the rows in sight, how they are drawn, and whose they are."""

    rows: Callable[[Reader, Verb], QuerySet[Any]]
    draw: Draw
    patient_of: Callable[[Any], UUID | None]


def search_rows(name: str, search: Search, cursor: Cursor, reader: Reader) -> Found:
    """Return the page of a search at a cursor."""
    kind = KINDS[name]
    rows = kind.rows(reader, Verb.LIST)
    for wish in search.wishes:
        rows = rows.filter(condition(wish, FILTERS[name], reader.context))
    total = rows.order_by().count()
    if not search.count:
        return Found(Page((), total), frozenset())
    shown, before, after = _cut(rows, cursor, search.count)
    included, patients = _included(search.includes, shown, reader)
    page = Page(
        matches=kind.draw(shown, reader), total=total, included=included, before=before, after=after
    )
    own = {one for row in shown if (one := kind.patient_of(row)) is not None}
    return Found(page, frozenset(own | patients))


def one_row(name: str, row_id: object, reader: Reader, *, verb: Verb = Verb.READ) -> Any | None:
    """Return a row as it was read for drawing, or nothing."""
    return KINDS[name].rows(reader, verb).filter(pk=row_id).first()


def one_role(nurse_id: UUID, specialization_id: UUID, reader: Reader) -> Any | None:
    """Return a nurse's row in a specialization, or nothing."""
    rows = KINDS["PractitionerRole"].rows(reader, Verb.READ)
    return rows.filter(nurse_id=nurse_id, specialization_id=specialization_id).first()


def drawn(name: str, row: Any, reader: Reader) -> Drawn:
    """Return one row as a resource."""
    return KINDS[name].draw([row], reader)[0]


def some(name: str, ids: Iterable[UUID], reader: Reader) -> list[Drawn]:
    """Return rows as resources, in the order of their ids; missing ones are left out."""
    kind = KINDS[name]
    return kind.draw(
        list(kind.rows(reader, Verb.LIST).filter(pk__in=set(ids)).order_by("pk")), reader
    )


def matching_visits(search: Search, reader: Reader, *, verb: Verb) -> list[Any]:
    """Return at most two visits that fit, for who only asks whether there are none, one or more."""
    rows = KINDS["Appointment"].rows(reader, verb)
    for wish in search.wishes:
        rows = rows.filter(condition(wish, FILTERS["Appointment"], reader.context))
    return list(rows.order_by("pk")[:2])


def _cut(rows: QuerySet[Any], cursor: Cursor, count: int) -> tuple[list[Any], str, str]:
    """Return the rows of a page in order, and the cursors of the pages before and after it."""
    if cursor.backward:
        found = list(rows.filter(pk__lt=cursor.key).order_by("-pk")[: count + 1])
        more, shown = len(found) > count, found[:count][::-1]
        has_before, has_after = more, True
    else:
        if cursor.key:
            rows = rows.filter(pk__gt=cursor.key)
        found = list(rows.order_by("pk")[: count + 1])
        shown = found[:count]
        has_before, has_after = bool(cursor.key), len(found) > count
    if not shown:
        return [], "", ""
    before = cursor.to(shown[0].pk, backward=True) if has_before else ""
    after = cursor.to(shown[-1].pk, backward=False) if has_after else ""
    return shown, before, after


def _included(
    wished: Collection[str], shown: Rows, reader: Reader
) -> tuple[list[Drawn], frozenset[UUID]]:
    resources: list[Drawn] = []
    patients: frozenset[UUID] = frozenset()
    for include in wished:
        name, field = INCLUDED[include]
        ids = {getattr(row, field) for row in shown}
        resources += some(name, ids, reader)
        if name == "Patient":
            patients |= ids
    return resources, patients


# ---- Patients and nurses ----------------------------------------------------------------------


def _patients(reader: Reader, verb: Verb) -> QuerySet[Patient]:
    primary = CareAssignment.objects.filter(primary=True, nurse__active=True)
    rows = Patient.objects.prefetch_related(
        Prefetch("assignments", queryset=primary, to_attr="primary_assignments")
    )
    return seen(rows, viewer=reader.viewer, verb=verb, resource=Resource.FHIR)


def _draw_patients(rows: Sequence[Any], reader: Reader) -> list[Drawn]:
    return [
        people.patient(
            people.PatientValues(
                id=row.pk,
                first_name=row.first_name,
                last_name=row.last_name,
                date_of_birth=row.date_of_birth,
                phones=(row.phone, row.second_phone),
                email=row.email,
                reference_number=row.reference_number,
                language=row.preferred_language,
                active=row.active,
                primary_nurse=next((one.nurse_id for one in row.primary_assignments), None),
                updated_at=row.updated_at,
            ),
            reader.context.site,
        )
        for row in rows
    ]


def _nurses(reader: Reader, verb: Verb) -> QuerySet[Nurse]:
    return seen(Nurse.objects.all(), viewer=reader.viewer, verb=verb, resource=Resource.FHIR)


def _nurse_values(row: Nurse) -> people.NurseValues:
    return people.NurseValues(
        id=row.pk,
        first_name=row.first_name,
        last_name=row.last_name,
        phone=row.phone,
        email=row.email,
        license_number=row.license_number,
        license_state=row.license_state,
        license_expires_on=row.license_expires_on,
        languages=tuple(row.languages),
        time_zone=row.time_zone,
        active=row.active,
        updated_at=row.updated_at,
    )


def _draw_nurses(rows: Sequence[Any], reader: Reader) -> list[Drawn]:
    return [people.practitioner(_nurse_values(row), reader.context.site) for row in rows]


def _roles(reader: Reader, verb: Verb) -> QuerySet[Any]:
    rows = Role.objects.select_related("nurse", "specialization")
    found: QuerySet[Any] = seen(rows, viewer=reader.viewer, verb=verb, resource=Resource.FHIR)
    return found


def _draw_roles(rows: Sequence[Any], reader: Reader) -> list[Drawn]:
    nurses = {row.nurse_id: row.nurse for row in rows}
    windows = _windows(nurses, reader.now.date())
    away = times_off(nurses.values(), now=reader.now)
    return [
        people.practitioner_role(
            people.RoleValues(
                nurse=_nurse_values(row.nurse),
                specialization_id=row.specialization_id,
                specialization_code=row.specialization.code,
                specialization_name=row.specialization.name,
                windows=tuple(windows.get(row.nurse_id, ())),
                times_off=tuple(away.get(row.nurse_id, ())),
            ),
            reader.context.site,
        )
        for row in rows
    ]


def _windows(nurse_ids: Iterable[UUID], day: date) -> dict[UUID, list[people.Window]]:
    """Return the weekly windows that hold on a day, by nurse."""
    rows = Availability.objects.filter(
        Q(valid_from=None) | Q(valid_from__lte=day),
        Q(valid_until=None) | Q(valid_until__gte=day),
        nurse_id__in=list(nurse_ids),
    )
    found: dict[UUID, list[people.Window]] = {}
    for row in rows.order_by("nurse_id", "weekday", "start", "id"):
        window = people.Window(
            weekday=row.weekday,
            start=minute_of_day(row.start),
            end=minute_of_day(row.end),
            is_break=row.kind == Availability.Kind.BREAK,
        )
        found.setdefault(row.nurse_id, []).append(window)
    return found


# ---- Calendars --------------------------------------------------------------------------------


def _calendars(reader: Reader, verb: Verb) -> QuerySet[Nurse]:
    return _nurses(reader, verb).prefetch_related("specializations")


def _draw_calendars(rows: Sequence[Any], reader: Reader) -> list[Drawn]:
    kinds = [
        (row.specialization_id, type_values(row))
        for row in VisitType.objects.filter(active=True).order_by("code")
    ]
    context = reader.context
    resources = []
    for row in rows:
        skills = [(one.pk, one.code, one.name) for one in row.specializations.all()]
        has = {None, *(skill[0] for skill in skills)}
        values = calendars.ScheduleValues(
            nurse_id=row.pk,
            nurse_name=row.name,
            specializations=skills,
            visit_types=[kind for needed, kind in kinds if needed in has],
            active=row.active,
            bookable_from=context.bookable_from,
            bookable_until=context.bookable_until,
            updated_at=row.updated_at,
        )
        resources.append(calendars.schedule(values, context.site))
    return resources


def type_values(row: VisitType) -> calendars.TypeValues:
    """Return a kind of visit as it is drawn."""
    return calendars.TypeValues(row.pk, row.code, row.name)


# ---- Visits -----------------------------------------------------------------------------------


def _visits(reader: Reader, verb: Verb) -> QuerySet[Appointment]:
    booked = AppointmentChange.objects.filter(kind=AppointmentChange.Kind.BOOKED)
    rows = Appointment.objects.select_related("patient", "nurse", "visit_type").prefetch_related(
        Prefetch("changes", queryset=booked, to_attr="bookings")
    )
    return seen(rows, viewer=reader.viewer, verb=verb, resource=Resource.FHIR)


def _draw_visits(rows: Sequence[Any], reader: Reader) -> list[Drawn]:
    return [visits.appointment(visit_values(row), reader.context.site) for row in rows]


def visit_values(row: Any) -> visits.VisitValues:
    """Return a visit, as `_visits` reads it, as it is drawn."""
    confirmed = row.attendance_confirmed_at is not None
    return visits.VisitValues(
        id=row.pk,
        state=statuses.State(row.status, confirmed and row.status == Appointment.Status.BOOKED),
        patient_id=row.patient_id,
        patient_name=row.patient.name,
        nurse_id=row.nurse_id,
        nurse_name=row.nurse.name,
        visit_type=type_values(row.visit_type),
        start=row.start,
        end=row.end,
        minute=to_minute(row.start),
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
        reason=row.reason,
        cancellation_reason=row.cancellation_reason,
        cancellation_note=row.cancellation_note,
        identifier=_identifier(row.bookings),
    )


def _identifier(bookings: Sequence[AppointmentChange]) -> visits.Identifier | None:
    """Return the name that another system gave the visit when it booked it, from the visit's history."""
    named = next((one.new["identifier"] for one in bookings if "identifier" in one.new), None)
    if named is None:
        return None
    system, _, value = str(named).partition("|")
    return visits.Identifier(system, value)


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "Patient": Kind(_patients, _draw_patients, lambda row: row.pk),
        "Practitioner": Kind(_nurses, _draw_nurses, lambda row: None),
        "PractitionerRole": Kind(_roles, _draw_roles, lambda row: None),
        "Schedule": Kind(_calendars, _draw_calendars, lambda row: None),
        "Appointment": Kind(_visits, _draw_visits, lambda row: row.patient_id),
    }
)
