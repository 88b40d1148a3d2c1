"""
What the pages read: lists that a person may see, narrowed, with a bounded number of queries.

Administrators and schedulers see everything; a nurse sees the patients assigned to her or him and those of her or
his own visits.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from accounts.models import User
from scheduling.models import ACTIVE_STATUSES, Appointment, CareAssignment, Nurse, Patient
from scheduling.names import name_key
from voice.models import CallLog, ToolCall, TranscriptEntry

LEAST_DIGITS = 3
GOING_ON = ("queued", "initiated", "ringing", "in_progress")
FOR_STAFF = ("message_taken", "transferred", "emergency", "crisis", "do_not_call")
NOT_ANSWERED = ("failed", "busy", "no_answer", "overflow")
BY_ASSISTANT = ("voice",)
BY_STAFF = ("dashboard", "admin")


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing in a call, in the order in which it happened: a turn, or something the assistant did."""

    turn: TranscriptEntry | None = None
    tool: ToolCall | None = None


def sees_everything(user: User) -> bool:
    """Tell whether the person's role opens all patients."""
    return user.is_superuser or user.role in {User.Role.ADMIN, User.Role.SCHEDULER}


def visible_calls(*, user: User) -> QuerySet[CallLog]:
    """Return the calls that a person may see, newest first."""
    calls = CallLog.objects.order_by("-created_at", "id")
    return calls if sees_everything(user) else calls.filter(_own_patients(user))


def visible_appointments(*, user: User) -> QuerySet[Appointment]:
    """Return the visits that a person may see, soonest first."""
    visits = Appointment.objects.order_by("start", "id")
    if sees_everything(user):
        return visits
    return visits.filter(Q(nurse__user=user) | Q(patient__in=_assigned(user)))


def listed_calls(
    *,
    user: User,
    now: datetime,
    tab: str = "all",
    status: str = "",
    outcome: str = "",
    days: int = 0,
    search: str = "",
) -> QuerySet[CallLog]:
    """Return calls for the list, newest first, each with its patient and `linked_visits`; `days` 1 is today."""
    calls = visible_calls(user=user)
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
    return calls.select_related("patient").prefetch_related(_linked_visits(user))


def live_count(*, user: User) -> int:
    """Return how many calls go on now."""
    return visible_calls(user=user).filter(status__in=GOING_ON).count()


def call_page(*, user: User, call_id: UUID) -> CallLog | None:
    """Return one call with patient, prompt and `linked_visits`, if the person may see it."""
    calls = visible_calls(user=user).select_related("patient", "prompt_version")
    return calls.prefetch_related(_linked_visits(user)).filter(pk=call_id).first()


def moments(*, call: CallLog) -> list[Moment]:
    """Return what was said in the order of the conversation, with what the assistant did in between, by time."""
    turns = list(TranscriptEntry.objects.filter(call=call).order_by("position", "started_ms", "id"))
    tools = list(ToolCall.objects.filter(call=call).order_by("started_ms", "created_at", "id"))
    return list(_by_time(turns, tools))


def listed_appointments(
    *,
    user: User,
    now: datetime,
    tab: str = "upcoming",
    nurse_id: str = "",
    source: str = "",
    search: str = "",
) -> QuerySet[Appointment]:
    """Return visits for the list with patient, nurse, kind and `linked_calls`; the past is shown latest first."""
    visits = visible_appointments(user=user)
    today = _midnight(now)
    match tab:
        case "today":
            visits = visits.filter(start__gte=today, start__lt=_midnight(now, days=1))
        case "unconfirmed":
            visits = _coming(visits, now).filter(attendance_confirmed_at=None)
        case "past":
            visits = (
                visits.filter(end__lte=now).exclude(status="cancelled").order_by("-start", "id")
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
    calls = visible_calls(user=user).only("id")
    return visits.select_related("patient", "nurse", "visit_type").prefetch_related(
        Prefetch("calls", queryset=calls, to_attr="linked_calls")
    )


def nurse_choices(*, user: User) -> list[tuple[str, str]]:
    """Return the nurses to choose from, by name; a nurse who sees only own visits needs no choice."""
    if not sees_everything(user):
        return []
    nurses = Nurse.objects.filter(active=True).order_by("last_name", "first_name", "id")
    return [(str(nurse.pk), nurse.name) for nurse in nurses.only("first_name", "last_name")]


def has_sample_data() -> bool:
    """Tell whether made-up people are in the database; few nurses make this a cheap question."""
    return Nurse.objects.filter(sample=True).exists()


def _coming(visits: QuerySet[Appointment], now: datetime) -> QuerySet[Appointment]:
    return visits.filter(end__gt=now, status__in=ACTIVE_STATUSES)


def _own_patients(user: User) -> Q:
    visits = Appointment.objects.exclude(status=Appointment.Status.ENTERED_IN_ERROR)
    visited = visits.filter(nurse__user=user, patient=OuterRef("patient"))
    return Q(patient__in=_assigned(user)) | Q(Exists(visited))


def _assigned(user: User) -> QuerySet[CareAssignment, UUID]:
    mine = CareAssignment.objects.filter(nurse__user=user, closed=False)
    return mine.values_list("patient_id", flat=True)


def _linked_visits(user: User) -> "Prefetch[str]":
    visits = visible_appointments(user=user).select_related("nurse", "visit_type")
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
