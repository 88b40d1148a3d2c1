"""
The shape of each report. `help_text` is the definition of a figure: what is counted, and of how many.

A rate is a share from 0 to 1, and null where nothing is there to be a share of.
"""

from collections.abc import Iterable
from typing import Any, ClassVar

from rest_framework import serializers

from scheduling.selectors.analytics.visits import COUNTED
from voice.analytics import NO_OUTCOME
from voice.models import CallLog

Shape = type[serializers.Serializer[Any]]
WORDS = {value: str(label) for value, label in (*CallLog.Status.choices, *CallLog.Outcome.choices)}


def number(definition: str) -> serializers.IntegerField:
    """Return a field that counts."""
    return serializers.IntegerField(help_text=definition)


def share(definition: str) -> serializers.FloatField:
    """Return a field for a rate; one of hours can exceed 1."""
    return serializers.FloatField(allow_null=True, help_text=definition)


def measure(definition: str) -> serializers.FloatField:
    """Return a field for a mean or a rank."""
    return serializers.FloatField(allow_null=True, help_text=definition)


def milliseconds(definition: str) -> serializers.IntegerField:
    """Return a field for a time, null where none was measured."""
    return serializers.IntegerField(allow_null=True, help_text=definition)


def dollars(definition: str) -> serializers.DecimalField:
    """Return a field for an amount of US dollars, null where it is unknown."""
    return serializers.DecimalField(
        max_digits=16, decimal_places=6, allow_null=True, help_text=definition
    )


def counts(name: str, words: Iterable[str]) -> Shape:
    """Return the shape of numbers by a closed list of words."""
    fields = {word: number(f"{WORDS.get(word, word.capitalize())}.") for word in words}
    return type(name, (serializers.Serializer,), fields)


CallStatusCounts = counts("CallStatusCounts", CallLog.Status.values)
CallOutcomeCounts = counts("CallOutcomeCounts", (*CallLog.Outcome.values, NO_OUTCOME))
VisitStatusCounts = counts("VisitStatusCounts", map(str, COUNTED))


class CallVolume(serializers.Serializer[Any]):
    """How many calls, and how long."""

    example: ClassVar[dict[str, Any]] = {
        "calls": 55, "answered": 52, "inbound": 51, "outbound": 4,
        "by_status": dict.fromkeys(CallLog.Status.values, 0) | {"completed": 52, "no_answer": 3},
        "duration_s": 5408, "mean_duration_s": 104.0,
    }  # fmt: skip

    calls = number("Calls that came in, or that we made, in the period.")
    answered = number("Calls that the assistant took: somebody could speak with it.")
    inbound = number("Incoming calls.")
    outbound = number("Calls that we made.")
    by_status = CallStatusCounts(help_text="Calls by status; together they are `calls`.")
    duration_s = number("Seconds of all answered calls that are over.")
    mean_duration_s = measure("`duration_s` ÷ answered calls that are over.")


class CallOutcomes(serializers.Serializer[Any]):
    """How calls ended."""

    example: ClassVar[dict[str, Any]] = {
        "calls": 55, "answered": 52,
        "by_outcome": dict.fromkeys((*CallLog.Outcome.values, NO_OUTCOME), 0)
        | {"booked": 25, "info_given": 20, "message_taken": 7, "none": 3},
        "booking_rate": 0.4808, "without_staff_rate": 0.8654,
    }  # fmt: skip

    calls = number("Calls that came in, or that we made, in the period.")
    answered = number("Calls that the assistant took.")
    by_outcome = CallOutcomeCounts(
        help_text="Calls by outcome; `none` are those that go on or were never answered."
    )
    booking_rate = share("Answered calls with the outcome `booked` ÷ answered calls.")
    without_staff_rate = share(
        "Answered calls with an outcome that leaves nothing to staff ÷ answered calls with an outcome. To staff go"
        " `message_taken`, `transferred`, `emergency`, `crisis` and `do_not_call`."
    )


class CallCosts(serializers.Serializer[Any]):
    """What the assistant cost."""

    example: ClassVar[dict[str, Any]] = {
        "calls": 55, "priced": 52, "cost_usd": "11.140000", "cost_per_call_usd": "0.214231",
    }  # fmt: skip

    calls = number("Calls that came in, or that we made, in the period.")
    priced = number("Calls whose cost is known.")
    cost_usd = dollars("Cost of the calls whose cost is known; null if there is none.")
    cost_per_call_usd = dollars("`cost_usd` ÷ `priced`.")


class CallLatency(serializers.Serializer[Any]):
    """How fast the assistant was; of ranks the nearest."""

    example: ClassVar[dict[str, Any]] = {
        "calls": 55, "measured": 52, "greeting_p50_ms": 310, "greeting_p95_ms": 620,
        "answer_p50_ms": 870, "answer_p95_ms": 1640,
    }  # fmt: skip

    calls = number("Calls that came in, or that we made, in the period.")
    measured = number("Calls in which answers were measured.")
    greeting_p50_ms = milliseconds("Half of the calls were greeted within this time.")
    greeting_p95_ms = milliseconds("95 of 100 calls were greeted within this time.")
    answer_p50_ms = milliseconds(
        "Of each call the time within which half of its answers began; half of the calls are not slower than this."
    )
    answer_p95_ms = milliseconds(
        "Of each call the time within which 95 of 100 answers began; 95 of 100 calls are not slower than this."
    )


class Attendance(serializers.Serializer[Any]):
    """How visits went."""

    example: ClassVar[dict[str, Any]] = {
        "visits": 40,
        "by_status": {"booked": 2, "arrived": 1, "fulfilled": 31, "cancelled": 4, "noshow": 2},
        "cancelled_late": 1, "no_show_rate": 0.0588, "cancellation_rate": 0.1,
    }  # fmt: skip

    visits = number("Visits that start in the period; those entered in error count nowhere.")
    by_status = VisitStatusCounts(help_text="Visits by status; together they are `visits`.")
    cancelled_late = number("Cancelled visits whose cancellation was late by the clinic's rule.")
    no_show_rate = share("`noshow` ÷ (`arrived` + `fulfilled` + `noshow`).")
    cancellation_rate = share("`cancelled` ÷ `visits`.")


class Effect(serializers.Serializer[Any]):
    """How visits went that had, or had not, a reminder."""

    visits = number("Visits of this kind whose end is known.")
    kept = number("Those that took place, or go on.")
    noshow = number("Those to which nobody came.")
    cancelled = number("Those cancelled when a reminder could have gone out: from 48 hours ahead.")
    confirmed = number("Those to which the patient said to come.")
    no_show_rate = share("`noshow` ÷ (`kept` + `noshow`).")
    cancellation_rate = share("`cancelled` ÷ `visits`.")
    confirmation_rate = share("`confirmed` ÷ `visits`.")


class ReminderEffect(serializers.Serializer[Any]):
    """Visits with a reminder that arrived, beside those without."""

    example: ClassVar[dict[str, Any]] = {
        "with_reminder": {
            "visits": 30, "kept": 28, "noshow": 1, "cancelled": 1, "confirmed": 20,
            "no_show_rate": 0.0345, "cancellation_rate": 0.0333, "confirmation_rate": 0.6667,
        },
        "without_reminder": {
            "visits": 10, "kept": 7, "noshow": 2, "cancelled": 1, "confirmed": 1,
            "no_show_rate": 0.2222, "cancellation_rate": 0.1, "confirmation_rate": 0.1,
        },
    }  # fmt: skip

    with_reminder = Effect(
        help_text="At least one arrived: a text by the carrier's report, an e-mail once the mail server took it."
    )
    without_reminder = Effect(help_text="None was sent, or none arrived.")


class WaitingTimes(serializers.Serializer[Any]):
    """How far ahead people are seen."""

    example: ClassVar[dict[str, Any]] = {
        "visits": 40, "mean_days": 5.31, "p50_days": 4.02, "p90_days": 12.75,
    }  # fmt: skip

    visits = number("Visits booked in the period; of a series the first alone.")
    mean_days = measure("Mean of start − booking, in days of 24 hours.")
    p50_days = measure("Half of the visits begin within this many days of their booking.")
    p90_days = measure("90 of 100 visits begin within this many days of their booking.")


class FirstOpenings(serializers.Serializer[Any]):
    """How long one waits for an opening, asked now."""

    example: ClassVar[dict[str, Any]] = {
        "nurses": 12, "with_an_opening": 11, "first_days": 0.75, "p50_days": 2.96,
    }  # fmt: skip

    nurses = number("Active nurses who may make such a visit.")
    with_an_opening = number("Those of them who have a free time up to the clinic's horizon.")
    first_days = measure("The earliest of their first free times − now, in days of 24 hours.")
    p50_days = measure("Half of `with_an_opening` have a free time within this many days.")


class Utilisation(serializers.Serializer[Any]):
    """How much of the nurses' time is booked."""

    example: ClassVar[dict[str, Any]] = {
        "booked_minutes": 1830, "worked_minutes": 2400, "utilisation": 0.7625,
    }  # fmt: skip

    booked_minutes = number(
        "Minutes of the visits that start in the period and are not cancelled, without buffers."
    )
    worked_minutes = number(
        "Minutes of the period in which active nurses work: their hours without breaks, holidays and time off."
    )
    utilisation = share(
        "`booked_minutes` ÷ `worked_minutes`; more than 1 where visits lie outside of hours."
    )


class Grouped(serializers.Serializer[Any]):
    """Which group the figures are of."""

    group = serializers.CharField(
        allow_null=True,
        help_text="A date, the Monday of a week, an hour of the week, an id or a code; null for none.",
    )
    name = serializers.CharField(
        allow_null=True,
        help_text="Of a nurse or specialization, for those who may read the calendar; else null.",
    )


def report_of(figures: Shape) -> Shape:
    """Return the shape of a report: the period, its figures, and the figures of each group."""
    example: dict[str, Any] = figures.example  # type: ignore[attr-defined]  # each of ours has one
    row = type(f"{figures.__name__}Group", (Grouped, figures), {"example": None})
    fields = {
        "__doc__": "Figures of a period, and of each group of it.",
        "example": {
            "from": "2026-03-02",
            "to": "2026-03-03",
            "time_zone": "America/New_York",
            "group_by": "day",
            "total": example,
            "results": [{"group": "2026-03-02", "name": None, **example}],
        },
        "from": serializers.DateField(help_text="The first day."),
        "to": serializers.DateField(help_text="The day after the last one."),
        "time_zone": serializers.CharField(help_text="The clinic's, in which days are counted."),
        "group_by": serializers.CharField(
            allow_null=True, help_text="How `results` are parted; null if they are not."
        ),
        "total": figures(help_text="All of the period."),
        "results": row(
            many=True,
            help_text="Each group in order; days and weeks without anything are there too.",
        ),
    }
    return type(f"{figures.__name__}Report", (serializers.Serializer,), fields)
