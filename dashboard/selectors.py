"""
What the pages read: lists that a person may see, narrowed, with a bounded number of queries.

Who sees which rows is the policy's matter (`scheduling.selectors.sight`); nothing here knows a role.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Prefetch, Q, QuerySet

from accounts.access import Viewer
from accounts.permissions import Reach, Resource, Verb
from scheduling.models import ACTIVE_STATUSES, Appointment, Nurse, Patient
from scheduling.models.calendar import LONGEST_VISIT_MINUTES
from scheduling.names import name_key
from scheduling.selectors.sight import seen
from voice.analytics import FOR_STAFF
from voice.models import CallLog, ToolCall, TranscriptEntry

LEAST_DIGITS = 3
GOING_ON = ("queued", "initiated", "ringing", "in_progress")
NOT_ANSWERED = ("failed", "busy", "no_answer", "overflow")
BY_ASSISTANT = ("voice",)
BY_STAFF = ("dashboard", "admin")


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing in a call, in the order in which it happened: a turn, or something the assistant did."""

    turn: TranscriptEntry | None = None
    tool: ToolCall | None = None


def visible_calls(*, viewer: Viewer, verb: Verb = Verb.LIST) -> QuerySet[CallLog]:
    """Return the calls that a person may see, newest first."""
    return seen(CallLog.objects.order_by("-created_at", "id"), viewer=viewer, verb=verb)


def visible_appointments(*, viewer: Viewer) -> QuerySet[Appointment]:
    """Return the visits that a person may see, soonest first."""
    return seen(Appointment.objects.order_by("start", "id"), viewer=viewer, verb=Verb.LIST)


def listed_calls(
    *,
    viewer: Viewer,
    now: datetime,
    tab: str = "all",
    status: str = "",
    outcome: str = "",
    days: int = 0,
    search: str = "",
) -> QuerySet[CallLog]:
    """Return calls for the list, newest first, each with its patient and `linked_visits`; `days` 1 is today."""
    calls = visible_calls(viewer=viewer)
    match tab:
        case "live":
            calls = calls.filter(status__in=GOING_ON)
        case "staff":
            calls = calls.filter(outcome__in=FOR_STAFF)
        case "failed":
            calls = calls.filter(Q(status__in=NOT_ANSWERED) | Q(outcome="failed"))
        case _:
            pass
    if status:
        calls = calls.filter(status=status)
    if outcome:
        calls = calls.filter(outcome=outcome)
    if days:
        calls = calls.filter(created_at__gte=_midnight(now) - timedelta(days=days - 1))
    if search:
        digits = _digits(search)
        found = Q(patient__in=_people(search))
        if digits:
            found |= Q(from_number__contains=digits) | Q(to_number__contains=digits)
        calls = calls.filter(found)
    return calls.select_related("patient").prefetch_related(_linked_visits(viewer))


def live_count(*, viewer: Viewer) -> int:
    """Return how many calls go on now."""
    return visible_calls(viewer=viewer).filter(status__in=GOING_ON).count()


def call_page(*, viewer: Viewer, call_id: UUID) -> CallLog | None:
    """Return one call with patient, prompt and `linked_visits`, if the person may see it."""
    calls = visible_calls(viewer=viewer, verb=Verb.READ)
    calls = calls.select_related("patient", "prompt_version")
    return calls.prefetch_related(_linked_visits(viewer)).filter(pk=call_id).first()


def call_exists(*, call_id: UUID) -> bool:
    """Tell whether there is a call of that id at all, for the audit record of who may not see it."""
    return CallLog.objects.filter(pk=call_id).exists()


def moments(*, call: CallLog) -> list[Moment]:
    """Return what was said in the order of the conversation, with what the assistant did in between, by time."""
    turns = list(TranscriptEntry.objects.filter(call=call).order_by("position", "started_ms", "id"))
    tools = list(ToolCall.objects.filter(call=call).order_by("started_ms", "created_at", "id"))
    return list(_by_time(turns, tools))


def listed_appointments(
    *,
    viewer: Viewer,
    now: datetime,
    tab: str = "upcoming",
    nurse_id: str = "",
    source: str = "",
    search: str = "",
) -> QuerySet[Appointment]:
    """Return visits for the list with patient, nurse, kind and `linked_calls`; the past is shown latest first."""
    visits = visible_appointments(viewer=viewer)
    today = _midnight(now)
    match tab:
        case "today":
            visits = visits.filter(start__gte=today, start__lt=_midnight(now, days=1))
        case "unconfirmed":
            visits = _coming(visits, now).filter(attendance_confirmed_at=None)
        case "past":
            visits = (
                # No visit is over before it begins: said twice, for the index of what begins.
                visits.filter(start__lt=now, end__lte=now)
                .exclude(status="cancelled")
                .order_by("-start", "-id")
            )
        case "cancelled":
            visits = visits.filter(status="cancelled").order_by("-start", "id")
        case _:
            visits = _coming(visits, now)
    if nurse_id:
        visits = visits.filter(nurse_id=nurse_id)
    if source:
        visits = visits.filter(source__in=BY_ASSISTANT if source == "assistant" else BY_STAFF)
    if search:
        visits = visits.filter(patient__in=_people(search))
    calls = visible_calls(viewer=viewer).only("id")
    return visits.select_related("patient", "nurse", "visit_type").prefetch_related(
        Prefetch("calls", queryset=calls, to_attr="linked_calls")
    )


def patients_named(*, search: str) -> QuerySet[Patient]:
    """Return the patients that a search finds, by name, whoever cares for them."""
    return Patient.objects.filter(pk__in=_people(search)).order_by("last_name", "first_name", "id")


def nurse_choices(*, viewer: Viewer) -> list[tuple[str, str]]:
    """Return the nurses to choose from, by name; a nurse who sees only own visits needs no choice."""
    if viewer.reach(Verb.LIST, Resource.APPOINTMENT) is not Reach.ANY:
        return []
    nurses = Nurse.objects.filter(active=True).order_by("last_name", "first_name", "id")
    return [(str(nurse.pk), nurse.name) for nurse in nurses.only("first_name", "last_name")]


def has_sample_data() -> bool:
    """Tell whether made-up people are in the database; few nurses make this a cheap question."""
    return Nurse.objects.filter(sample=True).exists()


def _coming(visits: QuerySet[Appointment], now: datetime) -> QuerySet[Appointment]:
    """Keep visits that are not over; the bound on the start lets the index skip all of history."""
    begun = now - timedelta(minutes=LONGEST_VISIT_MINUTES)
    return visits.filter(start__gt=begun, end__gt=now, status__in=ACTIVE_STATUSES)


def _linked_visits(viewer: Viewer) -> "Prefetch[str]":
    visits = visible_appointments(viewer=viewer).select_related("nurse", "visit_type")
    return Prefetch("appointments", queryset=visits, to_attr="linked_visits")


def _people(search: str) -> QuerySet[Patient, UUID]:
    """Return the patients whose name has every word of the search, or whose number has its digits."""
    named = Q()
    words = name_key(search).split()
    for word in words:
        named &= Q(name_key__contains=word)
    if digits := _digits(search):
        named |= Q(phone__contains=digits) | Q(second_phone__contains=digits)
    elif not words:
        return Patient.objects.none().values_list("pk", flat=True)
    return Patient.objects.filter(named).values_list("pk", flat=True)


def _digits(search: str) -> str:
    """Return the digits of what looks like a phone number, otherwise nothing."""
    digits = "".join(char for char in search if char.isdigit())
    return digits if len(digits) >= LEAST_DIGITS and not any(map(str.isalpha, search)) else ""


def _midnight(now: datetime, days: int = 0) -> datetime:
    """Return the beginning of a day on the clinic's wall, counted from today."""
    zone = ZoneInfo(settings.CLINIC_TIME_ZONE)
    day = now.astimezone(zone).date() + timedelta(days=days)
    return datetime.combine(day, time.min, zone)


def _by_time(turns: Sequence[TranscriptEntry], tools: Sequence[ToolCall]) -> Iterator[Moment]:
    waiting = list(reversed(tools))
    for turn in turns:
        while waiting and waiting[-1].started_ms < turn.started_ms:
            yield Moment(tool=waiting.pop())
        yield Moment(turn=turn)
    while waiting:
        yield Moment(tool=waiting.pop())
