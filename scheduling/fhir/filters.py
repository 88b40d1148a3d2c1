"""What each search parameter means for the rows: one condition for one value."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from scheduling.fhir import statuses
from scheduling.fhir.identifiers import row_id
from scheduling.fhir.people import read_role_id
from scheduling.fhir.search import Target, Token, When, Wish
from scheduling.fhir.site import URI, Site
from scheduling.models import Nurse, VisitType
from scheduling.names import name_key

NOBODY = Q(pk__in=())
URN = "urn:uuid:"


@dataclass(frozen=True, slots=True)
class Context:
    """What a condition may depend on besides the value."""

    site: Site
    bookable_from: datetime
    bookable_until: datetime


Filter = Callable[[Any, Context], Q]


def condition(wish: Wish, filters: Mapping[str, Filter], context: Context) -> Q:
    """Return the condition of a parameter: one of its values."""
    found = NOBODY
    for value in wish.values:
        found |= filters[wish.name](value, context)
    return found


def uuid_of(text: str) -> UUID | None:
    """Return the id that a text is, or nothing."""
    try:
        return UUID(text)
    except ValueError:
        return None


def moment(field: str, value: When, context: Context) -> Q:
    """Compare an instant."""
    return _compared(field, value.prefix, value.span.start, value.span.end)


def day(field: str, value: When, context: Context) -> Q:
    """Compare a date."""
    return _compared(field, value.prefix, value.span.first, value.span.after)


def _compared(field: str, prefix: str, low: Any, high: Any) -> Q:
    """Compare a point with [low, high)."""
    match prefix:
        case "eq":
            return Q(**{f"{field}__gte": low, f"{field}__lt": high})
        case "ne":
            return Q(**{f"{field}__lt": low}) | Q(**{f"{field}__gte": high})
        case "lt" | "eb":
            return Q(**{f"{field}__lt": low})
        case "le":
            return Q(**{f"{field}__lt": high})
        case "gt" | "sa":
            return Q(**{f"{field}__gte": high})
        case _:
            return Q(**{f"{field}__gte": low})


def planned(value: When, context: Context) -> Q:
    """Compare the time in which calendars can be booked, which is one for all of them."""
    low, high = value.span.start, value.span.end
    begin, end = context.bookable_from, context.bookable_until
    fits = {
        "eq": low <= begin and end <= high,
        "ne": not (low <= begin and end <= high),
        "lt": begin < low,
        "le": begin < high,
        "gt": end > high,
        "ge": end > low,
        "sa": begin >= high,
        "eb": end <= low,
    }[value.prefix]
    # A calendar that can be booked on the day is what is asked for without a prefix.
    if value.prefix == "eq":
        fits = begin < high and low < end
    return ~NOBODY if fits else NOBODY


def own_id(field: str, value: Token, context: Context) -> Q:
    """Compare a logical id; it has no system."""
    found = uuid_of(value.code)
    return NOBODY if value.system or found is None else Q(**{field: found})


def flag(field: str, value: Token, context: Context) -> Q:
    """Compare a boolean."""
    known = {"true": True, "false": False}
    if value.system or value.code not in known:
        return NOBODY
    return Q(**{field: known[value.code]})


def any_name(field: str, value: str, context: Context) -> Q:
    """Find the beginnings of names, whatever their case, accents and order."""
    words = name_key(value).split()
    found = Q() if words else NOBODY
    for word in words:
        found &= Q(**{f"{field}__startswith": word}) | Q(**{f"{field}__contains": f" {word}"})
    return found


def beginning(field: str, value: str, context: Context) -> Q:
    """Find what begins so, whatever the case."""
    return Q(**{f"{field}__istartswith": value})


def phone(value: Token, context: Context) -> Q:
    """Find a whole number, with or without its plus."""
    digits = "".join(char for char in value.code if char.isascii() and char.isdecimal())
    if value.system or not digits:
        return NOBODY
    return Q(phone=f"+{digits}") | Q(second_phone=f"+{digits}")


def patient_identifier(value: Token, context: Context) -> Q:
    """Find the reference number, or the id as an identifier."""
    found = _urn(value)
    if value.system in {None, context.site.patient_references}:
        found |= Q(reference_number=value.code) & ~Q(reference_number="")
    return found


def nurse_identifier(value: Token, context: Context) -> Q:
    """Find the number of a license, or the id as an identifier."""
    found = _urn(value)
    if value.system is None:
        return found | Q(license_number=value.code)
    before = context.site.licenses("")
    if value.system.startswith(before):
        state = value.system.removeprefix(before)
        found |= Q(license_state=state, license_number=value.code)
    return found


def visit_identifier(value: Token, context: Context) -> Q:
    """Find the visit that was given that name, whose id follows from it, or the id as an identifier."""
    return _urn(value) | Q(pk=row_id(value.system or "", value.code))


def _urn(value: Token) -> Q:
    found = uuid_of(value.code.removeprefix(URN)) if value.code.startswith(URN) else None
    return NOBODY if value.system not in {None, URI} or found is None else Q(pk=found)


def code(field: str, system: str, value: Token, context: Context) -> Q:
    """Compare a code; `system` is the name of the site's own one."""
    ours = getattr(context.site, system)
    if value.system is not None and value.system != ours:
        return NOBODY
    return Q(**{field: value.code}) if value.code else ~NOBODY


def makes_visits(value: Token, context: Context) -> Q:
    """Find nurses who can make a kind of visit."""
    kinds = VisitType.objects.filter(code("code", "visit_types", value, context), active=True)
    skills = Nurse.specializations.through.objects.filter(nurse_id=OuterRef(OuterRef("pk")))
    skilled = Q(specialization=None) | Q(specialization__in=skills.values("specialization_id"))
    return Q(Exists(kinds.filter(skilled)))


def trained(value: Token, context: Context) -> Q:
    """Find nurses with a specialization."""
    rows = Nurse.specializations.through.objects.filter(
        code("specialization__code", "specializations", value, context), nurse_id=OuterRef("pk")
    )
    return Q(Exists(rows))


def leads_to(kinds: Mapping[str, str], value: Target, context: Context) -> Q:
    """Follow a reference; `kinds` names the column for each type that it may lead to."""
    found = NOBODY
    for kind, field in kinds.items():
        if value.type in {"", kind}:
            found |= _reference(kind, field, value.id)
    return found


def _reference(kind: str, field: str, text: str) -> Q:
    if kind == "PractitionerRole":
        role = read_role_id(text)
        if role is None:
            return NOBODY
        nurse_id, specialization_id = role
        holders = Nurse.objects.filter(pk=nurse_id, specializations=specialization_id)
        return Q(**{f"{field}__in": holders.order_by().values("pk")})
    found = uuid_of(text)
    return NOBODY if found is None else Q(**{field: found})


def visit_status(value: Token, context: Context) -> Q:
    """Compare a status; ours are FHIR's words."""
    is_ours = not value.system or value.system == "http://hl7.org/fhir/appointmentstatus"
    known = value.code in statuses.APPOINTMENT_STATUSES
    return Q(status=value.code) if is_ours and known else NOBODY


def _table(**filters: Filter) -> Mapping[str, Filter]:
    return MappingProxyType({name.replace("__", "-"): one for name, one in filters.items()})


FILTERS: Mapping[str, Mapping[str, Filter]] = MappingProxyType(
    {
        "Patient": _table(
            _id=partial(own_id, "pk"),
            identifier=patient_identifier,
            name=partial(any_name, "name_key"),
            family=partial(beginning, "last_name"),
            given=partial(beginning, "first_name"),
            birthdate=partial(day, "date_of_birth"),
            phone=phone,
            _lastUpdated=partial(moment, "updated_at"),
        ),
        "Practitioner": _table(
            _id=partial(own_id, "pk"),
            identifier=nurse_identifier,
            name=partial(any_name, "name_key"),
            active=partial(flag, "active"),
            _lastUpdated=partial(moment, "updated_at"),
        ),
        "PractitionerRole": _table(
            practitioner=partial(leads_to, {"Practitioner": "nurse_id"}),
            specialty=partial(code, "specialization__code", "specializations"),
            active=partial(flag, "nurse__active"),
            _lastUpdated=partial(moment, "nurse__updated_at"),
        ),
        "Schedule": _table(
            _id=partial(own_id, "pk"),
            actor=partial(leads_to, {"Practitioner": "pk", "PractitionerRole": "pk"}),
            date=planned,
            active=partial(flag, "active"),
            service__type=makes_visits,
            specialty=trained,
            _lastUpdated=partial(moment, "updated_at"),
        ),
        "Appointment": _table(
            _id=partial(own_id, "pk"),
            patient=partial(leads_to, {"Patient": "patient_id"}),
            practitioner=partial(leads_to, {"Practitioner": "nurse_id"}),
            actor=partial(
                leads_to,
                {
                    "Patient": "patient_id",
                    "Practitioner": "nurse_id",
                    "PractitionerRole": "nurse_id",
                },
            ),
            date=partial(moment, "start"),
            status=visit_status,
            service__type=partial(code, "visit_type__code", "visit_types"),
            identifier=visit_identifier,
            _lastUpdated=partial(moment, "updated_at"),
        ),
    }
)
"""By resource and parameter; two underscores in a keyword stand for a hyphen."""
