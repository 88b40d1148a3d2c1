"""
Figures of calls over a period: how many, how they ended, what they cost and how fast the assistant was.

`rows` are the calls that the asker may see; a call belongs to the day on which it came in. With nurse, specialization
or kind of visit it counts once: with those of its visit, of several with the earliest one's.
"""

from decimal import Decimal
from types import MappingProxyType
from typing import Any

from django.db.models import (
    CharField,
    Count,
    Field,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    UUIDField,
)

from scheduling.selectors.analytics.periods import (
    By,
    Cut,
    Figures,
    Groups,
    Period,
    Rank,
    Report,
    rate,
)
from voice.models import CallLog

Outcome = CallLog.Outcome
FOR_STAFF = (
    Outcome.MESSAGE_TAKEN,
    Outcome.TRANSFERRED,
    Outcome.EMERGENCY,
    Outcome.CRISIS,
    Outcome.DO_NOT_CALL,
)
ANSWERED = Q(started_at__isnull=False)
NO_OUTCOME = "none"
SIX_PLACES = Decimal("0.000001")
LATENCIES = MappingProxyType(
    {
        "greeting_p50_ms": Rank("greeting_ms", 50),
        "greeting_p95_ms": Rank("greeting_ms", 95),
        "answer_p50_ms": Rank("answer_p50_ms", 50),
        "answer_p95_ms": Rank("answer_p95_ms", 95),
    }
)


def _of_visit(column: str, field: "Field[Any, Any]") -> Subquery:
    links = CallLog.appointments.through.objects.filter(calllog=OuterRef("pk"))
    first = links.order_by("appointment__start", "appointment_id")
    return Subquery(first.values(f"appointment__{column}")[:1], output_field=field)


GROUPS: Groups = MappingProxyType(
    {
        By.NURSE: _of_visit("nurse_id", UUIDField()),
        By.SPECIALIZATION: _of_visit("visit_type__specialization_id", UUIDField()),
        By.LANGUAGE: "language",
        By.VISIT_TYPE: _of_visit("visit_type__code", CharField()),
    }
)


def _cut(period: Period, by: By | None) -> Cut:
    return Cut(period, by, "created_at", GROUPS)


def volumes(*, rows: QuerySet[CallLog], period: Period, by: By | None) -> Report:
    """Return how many calls there were, by status, and how long they took, in one query."""
    timed = ANSWERED & Q(duration_s__isnull=False)
    return (
        _cut(period, by)
        .sums(
            rows,
            calls=Count("pk"),
            answered=Count("pk", filter=ANSWERED),
            inbound=Count("pk", filter=Q(direction=CallLog.Direction.INBOUND)),
            timed=Count("pk", filter=timed),
            seconds=Sum("duration_s", filter=timed, default=0),
            **{status: Count("pk", filter=Q(status=status)) for status in _statuses()},
        )
        .shaped(_volume)
    )


def outcomes(*, rows: QuerySet[CallLog], period: Period, by: By | None) -> Report:
    """Return how calls ended, in one query."""
    ended = ANSWERED & ~Q(outcome="")
    return (
        _cut(period, by)
        .sums(
            rows,
            calls=Count("pk"),
            answered=Count("pk", filter=ANSWERED),
            ended=Count("pk", filter=ended),
            without_staff=Count("pk", filter=ended & ~Q(outcome__in=FOR_STAFF)),
            booking=Count("pk", filter=ANSWERED & Q(outcome=Outcome.BOOKED)),
            none=Count("pk", filter=Q(outcome="")),
            **{outcome: Count("pk", filter=Q(outcome=outcome)) for outcome in _outcomes()},
        )
        .shaped(_ending)
    )


def costs(*, rows: QuerySet[CallLog], period: Period, by: By | None) -> Report:
    """Return what calls cost as far as that is known, in one query."""
    return (
        _cut(period, by)
        .sums(
            rows,
            calls=Count("pk"),
            priced=Count("cost_usd"),
            cost=Sum("cost_usd", default=Decimal(0)),
        )
        .shaped(_cost)
    )


def latencies(*, rows: QuerySet[CallLog], period: Period, by: By | None) -> Report:
    """Return how long callers waited for the greeting and for answers, in two queries."""
    cut = _cut(period, by)
    found = cut.sums(rows, calls=Count("pk"), measured=Count("answer_p50_ms"))
    ranks = cut.ranks(rows, **LATENCIES)
    return found.joined(ranks, dict.fromkeys(LATENCIES))


def _statuses() -> list[str]:
    return [str(status) for status in CallLog.Status.values]


def _outcomes() -> list[str]:
    return [str(outcome) for outcome in CallLog.Outcome.values]


def _volume(sums: Figures) -> Figures:
    timed = sums["timed"]
    return {
        "calls": sums["calls"],
        "answered": sums["answered"],
        "inbound": sums["inbound"],
        "outbound": sums["calls"] - sums["inbound"],
        "by_status": {status: sums[status] for status in _statuses()},
        "duration_s": sums["seconds"],
        "mean_duration_s": round(sums["seconds"] / timed, 1) if timed else None,
    }


def _ending(sums: Figures) -> Figures:
    return {
        "calls": sums["calls"],
        "answered": sums["answered"],
        "by_outcome": {name: sums[name] for name in (*_outcomes(), NO_OUTCOME)},
        "booking_rate": rate(sums["booking"], sums["answered"]),
        "without_staff_rate": rate(sums["without_staff"], sums["ended"]),
    }


def _cost(sums: Figures) -> Figures:
    priced, cost = sums["priced"], sums["cost"]
    return {
        "calls": sums["calls"],
        "priced": priced,
        "cost_usd": cost if priced else None,
        "cost_per_call_usd": (cost / priced).quantize(SIX_PLACES) if priced else None,
    }
