"""
How visits went: kept, missed and cancelled, what reminders change, and how far ahead people are seen.

`rows` are the visits that the asker may see. Visits entered in error count nowhere.
"""

from datetime import timedelta
from types import MappingProxyType

from django.db.models import (
    Count,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Sum,
)

from scheduling.messages.times import LEADS
from scheduling.models import Appointment, Message
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

Status = Appointment.Status
COUNTED = (Status.BOOKED, Status.ARRIVED, Status.FULFILLED, Status.CANCELLED, Status.NOSHOW)
KEPT = (Status.ARRIVED, Status.FULFILLED)
DECIDED = (*KEPT, Status.NOSHOW)
REMINDERS = tuple(LEADS)
FIRST_REMINDER = max(LEADS.values())
NO_TIME = timedelta()
ONE_DAY = timedelta(days=1)
DIGITS = 2  # of days

GROUPS: Groups = MappingProxyType(
    {
        By.NURSE: "nurse_id",
        By.SPECIALIZATION: "visit_type__specialization_id",
        By.LANGUAGE: "patient__preferred_language",
        By.VISIT_TYPE: "visit_type__code",
    }
)


def attendance(*, rows: QuerySet[Appointment], period: Period, by: By | None) -> Report:
    """Return how the visits that start in the period went, in one query."""
    cut = Cut(period, by, "start", GROUPS)
    counted = {str(status): Count("pk", filter=Q(status=status)) for status in COUNTED}
    late = Count("pk", filter=Q(status=Status.CANCELLED, late=True))
    found = cut.sums(rows.filter(status__in=COUNTED), cancelled_late=late, **counted)
    return found.shaped(_attendance)


def reminders(*, rows: QuerySet[Appointment], period: Period, by: By | None) -> Report:
    """
    Return how the visits that start in the period went with and without a reminder that arrived, in two queries.

    Left out are visits of which nobody knows yet how they went, and those cancelled before the first reminder would
    have gone out: none could have changed them. A text has arrived when the carrier says so, an e-mail when the mail
    server took it, which is the last that one hears of it.
    """
    arrived = Q(channel=Message.Channel.SMS, status=Message.Status.DELIVERED) | Q(
        channel=Message.Channel.EMAIL, status__in=(Message.Status.SENT, Message.Status.DELIVERED)
    )
    reminded = Exists(
        Message.objects.filter(arrived, appointment=OuterRef("pk"), kind__in=REMINDERS)
    )
    in_reach = Q(status=Status.CANCELLED, cancelled_at__gt=F("start") - FIRST_REMINDER)
    decided = rows.filter(Q(status__in=DECIDED) | in_reach)
    cut = Cut(period, by, "start", GROUPS)
    with_one, without = (
        cut.sums(
            some,
            visits=Count("pk"),
            kept=Count("pk", filter=Q(status__in=KEPT)),
            noshow=Count("pk", filter=Q(status=Status.NOSHOW)),
            cancelled=Count("pk", filter=Q(status=Status.CANCELLED)),
            confirmed=Count("pk", filter=Q(attendance_confirmed_at__isnull=False)),
        ).shaped(_effect)
        for some in (decided.filter(reminded), decided.exclude(reminded))
    )
    keys = dict.fromkeys([*with_one.groups, *without.groups])
    none = _effect(dict.fromkeys(("visits", "kept", "noshow", "cancelled", "confirmed"), 0))
    return Report(
        {"with_reminder": with_one.total, "without_reminder": without.total},
        {
            key: {
                "with_reminder": with_one.groups.get(key, none),
                "without_reminder": without.groups.get(key, none),
            }
            for key in keys
        },
    )


def waiting_times(*, rows: QuerySet[Appointment], period: Period, by: By | None) -> Report:
    """
    Return how long after its booking a visit booked in the period begins, in two queries.

    Of a series only the first visit counts, for the others nobody waits; so do visits only that were booked before
    they began. A visit that was moved counts with the start that it has now.
    """
    wait = ExpressionWrapper(F("start") - F("created_at"), output_field=DurationField())
    booked = rows.filter(
        Q(series_index=None) | Q(series_index=0), status__in=COUNTED, start__gt=F("created_at")
    ).annotate(wait=wait)
    cut = Cut(period, by, "created_at", GROUPS)
    found = cut.sums(booked, visits=Count("pk"), waited=Sum(wait, default=NO_TIME))
    ranks = cut.ranks(booked, p50=Rank("wait", 50), p90=Rank("wait", 90))
    return found.joined(ranks, {"p50": None, "p90": None}).shaped(_waiting)


def _attendance(sums: Figures) -> Figures:
    kept = sum(sums[status] for status in KEPT)
    by_status = {str(status): sums[status] for status in COUNTED}
    visits = sum(by_status.values())
    return {
        "visits": visits,
        "by_status": by_status,
        "cancelled_late": sums["cancelled_late"],
        "no_show_rate": rate(sums[Status.NOSHOW], kept + sums[Status.NOSHOW]),
        "cancellation_rate": rate(sums[Status.CANCELLED], visits),
    }


def _effect(sums: Figures) -> Figures:
    return {
        **sums,
        "no_show_rate": rate(sums["noshow"], sums["kept"] + sums["noshow"]),
        "cancellation_rate": rate(sums["cancelled"], sums["visits"]),
        "confirmation_rate": rate(sums["confirmed"], sums["visits"]),
    }


def _waiting(sums: Figures) -> Figures:
    visits = sums["visits"]
    return {
        "visits": visits,
        "mean_days": _days(sums["waited"] / visits if visits else None),
        "p50_days": _days(sums["p50"]),
        "p90_days": _days(sums["p90"]),
    }


def _days(time: timedelta | None) -> float | None:
    return None if time is None else round(time / ONE_DAY, DIGITS)
