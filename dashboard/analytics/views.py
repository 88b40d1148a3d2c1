"""
Reports by REST: a period in the clinic's days, one call of a selector, JSON or CSV.

Each counts only the rows that the sender may see, as the lists do: a nurse gets figures over own patients' calls and
visits. None names a patient, so the event of a read names the report alone.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Viewer, viewer_of_request
from accounts.api_views import ApiView
from accounts.origin import sender_of
from accounts.permissions import Resource, Verb
from dashboard.analytics import figures
from dashboard.analytics.csv_files import CsvRenderer
from dashboard.analytics.questions import FROM, TO, Question, group_by
from scheduling.clock import clinic_now, clinic_zone
from scheduling.models import Appointment, Nurse, Specialization
from scheduling.selectors.analytics import openings, utilisation, visits
from scheduling.selectors.analytics.periods import By, Key, Period, Report
from scheduling.selectors.calendar import clinic_profile
from scheduling.selectors.sight import seen
from voice import analytics as calls
from voice.models import CallLog

BY_ALL = (By.DAY, By.WEEK, By.NURSE, By.SPECIALIZATION, By.LANGUAGE, By.VISIT_TYPE)
BY_TIME_OR_LANGUAGE = (By.DAY, By.WEEK, By.LANGUAGE)
BY_WHAT_IS_OFFERED = (By.NURSE, By.SPECIALIZATION, By.LANGUAGE, By.VISIT_TYPE)
BY_TIME_OR_NURSE = (By.DAY, By.WEEK, By.NURSE, By.SPECIALIZATION, By.LANGUAGE)


class ReportView(ApiView):
    """What reports have in common; each names its subject, its shape and where its figures come from."""

    verbs = {"GET": Verb.LIST, "HEAD": Verb.LIST}
    parameters = frozenset({"from", "to", "group_by"})
    renderer_classes = (JSONRenderer, CsvRenderer)
    groupings: ClassVar[Sequence[By]] = BY_ALL
    subject: ClassVar[str]
    operation: ClassVar[str]
    shape: ClassVar[figures.Shape]
    answers: ClassVar[Mapping[str, Any]]
    schema_parameters: ClassVar[Mapping[str, Sequence[OpenApiParameter]]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Tell the schema what a report is asked and answered with."""
        super().__init_subclass__(**kwargs)
        cls.operation = f"report_{cls.subject.replace('-', '_')}"
        days = tuple(one for one in (FROM, TO) if one.name in cls.parameters)
        cls.schema_parameters = {"GET": (*days, group_by(cls.groupings))}
        cls.answers = {"GET": {200: cls.shape, (200, CsvRenderer.media_type): OpenApiTypes.STR}}

    def report(self, viewer: Viewer, period: Period, by: By | None) -> Report:
        """Return the figures."""
        raise NotImplementedError

    def period(self, asked: Mapping[str, Any], today: date) -> Period:
        """Return what the figures are of."""
        return Period(asked["first"], asked["end"], clinic_zone())

    def seen(self, rows: QuerySet[Any], viewer: Viewer) -> QuerySet[Any]:
        """Return the rows that count for this sender."""
        return seen(rows, viewer=viewer, verb=Verb.LIST, resource=self.resource)

    def answer(self, request: Request) -> Response:
        """Answer with the report, on record in the transaction that reads it."""
        today = clinic_now().astimezone(clinic_zone()).date()
        context = {"groupings": self.groupings, "today": today}
        asked = Question(data=request.query_params.dict(), context=context)
        asked.is_valid(raise_exception=True)
        by: By | None = asked.validated_data["by"]
        period = self.period(asked.validated_data, today)
        viewer = viewer_of_request(request)
        origin = sender_of(request, surface="api")
        assert origin is not None
        with transaction.atomic():
            origin.record(action="analytics.read", object_type="analytics", object_id=self.subject)
            report = self.report(viewer, period, by)
            names = _names(report, by) if viewer.may(Verb.LIST, Resource.CALENDAR) else {}
        rows = [
            {"group": key, "name": names.get(key), **group} for key, group in report.groups.items()
        ]
        shown = self.shape(
            {
                "from": period.first,
                "to": period.end,
                "time_zone": period.zone.key,
                "group_by": by,
                "total": report.total,
                "results": rows,
            }
        )
        return Response(shown.data, headers=self._file_name(request, period))

    def _file_name(self, request: Request, period: Period) -> dict[str, str]:
        if request.accepted_renderer.format != CsvRenderer.format:
            return {}
        name = f"{self.subject}-{period.first}-{period.end}.csv"
        return {"Content-Disposition": f'attachment; filename="{name}"'}

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Response:
        """Answer an error in JSON, whatever was asked for."""
        if getattr(response, "exception", False):
            request.accepted_renderer = JSONRenderer()
            request.accepted_media_type = JSONRenderer.media_type
        return super().finalize_response(request, response, *args, **kwargs)


class CallVolumes(ReportView):
    """
    Calls that came in, or that we made, in the period, by their status, and how long they took.

    With nurse, specialization or kind of visit a call counts once, with those of its visit; of several the earliest.
    Of hours those of the week are meant in which somebody called: `1-09` are all Mondays from 9 to 10.
    """

    resource, subject = Resource.CALL, "calls"
    groupings = (*BY_ALL, By.HOUR)
    shape = figures.report_of(figures.CallVolume)

    def report(self, viewer: Viewer, period: Period, by: By | None) -> Report:
        """Count calls."""
        rows = self.seen(CallLog.objects.all(), viewer)
        return calls.volumes(rows=rows, period=period, by=by)

    def get(self, request: Request) -> Response:
        """Count calls, by status, with their duration."""
        return self.answer(request)


class Outcomes(ReportView):
    """How calls ended, and the share of answered calls in which a visit was booked."""

    resource, subject = Resource.CALL, "outcomes"
    shape = figures.report_of(figures.CallOutcomes)

    def report(self, viewer: Viewer, period: Period, by: By | None) -> Report:
        """Count outcomes."""
        rows = self.seen(CallLog.objects.all(), viewer)
        return calls.outcomes(rows=rows, period=period, by=by)

    def get(self, request: Request) -> Response:
        """Count how calls ended, with the rate of bookings."""
        return self.answer(request)


class Costs(ReportView):
    """What the assistant cost; calls whose cost is unknown are left out and not guessed."""

    resource, subject = Resource.CALL, "costs"
    shape = figures.report_of(figures.CallCosts)

    def report(self, viewer: Viewer, period: Period, by: By | None) -> Report:
        """Add costs."""
        rows = self.seen(CallLog.objects.all(), viewer)
        return calls.costs(rows=rows, period=period, by=by)

    def get(self, request: Request) -> Response:
        """Add what calls cost."""
        return self.answer(request)


class Latency(ReportView):
    """How long callers waited for the greeting and for answers; ranks over calls, each by its own figures."""

    resource, subject = Resource.CALL, "latency"
    groupings = BY_TIME_OR_LANGUAGE
    shape = figures.report_of(figures.CallLatency)

    def report(self, viewer: Viewer, period: Period, by: By | None) -> Report:
        """Rank calls."""
        rows = self.seen(CallLog.objects.all(), viewer)
        return calls.latencies(rows=rows, period=period, by=by)

    def get(self, request: Request) -> Response:
        """Show how fast the assistant greeted and answered."""
        return self.answer(request)


class NoShows(ReportView):
    """How the visits went that start in the period; the language is the patient's."""

    resource, subject = Resource.APPOINTMENT, "no-shows"
    shape = figures.report_of(figures.Attendance)

    def report(self, viewer: Viewer, period: Period, by: By | None) -> Report:
        """Count visits."""
        rows = self.seen(Appointment.objects.all(), viewer)
        return visits.attendance(rows=rows, period=period, by=by)

    def get(self, request: Request) -> Response:
        """Count visits kept, missed and cancelled."""
        return self.answer(request)


class Reminders(ReportView):
    """
    What reminders change: how visits went that start in the period, with and without one that arrived.

    Left out are visits of which it is not known yet how they went, and those cancelled more than 48 hours ahead, when
    no reminder had gone out.
    """

    resource, subject = Resource.APPOINTMENT, "reminders"
    shape = figures.report_of(figures.ReminderEffect)

    def report(self, viewer: Viewer, period: Period, by: By | None) -> Report:
        """Compare visits."""
        rows = self.seen(Appointment.objects.all(), viewer)
        return visits.reminders(rows=rows, period=period, by=by)

    def get(self, request: Request) -> Response:
        """Compare visits with and without a reminder."""
        return self.answer(request)


class Waiting(ReportView):
    """
    How long people wait: start − booking of the visits booked in the period that had not begun then.

    Of a series the first visit counts alone. A visit that was moved counts with the start that it has now, a cancelled
    one with the start that it had.
    """

    resource, subject = Resource.APPOINTMENT, "waiting-times"
    shape = figures.report_of(figures.WaitingTimes)

    def report(self, viewer: Viewer, period: Period, by: By | None) -> Report:
        """Measure waits."""
        rows = self.seen(Appointment.objects.all(), viewer)
        return visits.waiting_times(rows=rows, period=period, by=by)

    def get(self, request: Request) -> Response:
        """Show how long people wait for their visits."""
        return self.answer(request)


class FirstOpenings(ReportView):
    """
    How long one waits now for the first opening, over all kinds of visit in use.

    `from` and `to` are the days in which one can book.

    The slot engine finds it as for a patient who asks now. A specialization is the one that a kind of visit needs, a
    language one that the nurse speaks. What was open in the past is not kept; how long people then waited for the
    visit that they booked is in `waiting-times`.
    """

    resource, subject = Resource.APPOINTMENT, "first-openings"
    parameters = frozenset({"group_by"})
    groupings = BY_WHAT_IS_OFFERED
    shape = figures.report_of(figures.FirstOpenings)

    def period(self, asked: Mapping[str, Any], today: date) -> Period:
        """Return the days in which one can book."""
        horizon = timedelta(days=clinic_profile().horizon_days + 1)
        return Period(today, today + horizon, clinic_zone())

    def report(self, viewer: Viewer, period: Period, by: By | None) -> Report:
        """Search first openings."""
        nurses = self.seen(Nurse.objects.all(), viewer)
        return openings.waits_for_an_opening(nurses=nurses, now=clinic_now(), by=by)

    def get(self, request: Request) -> Response:
        """Show how long one waits now for the first opening."""
        return self.answer(request)


class NurseUtilisation(ReportView):
    """
    How much of the time that nurses work is booked.

    A visit counts whole on the day on which it starts, hours minute by minute. With specialization or language a nurse
    counts in each group that she or he belongs to, in the total once. A nurse's login gets its own figures.
    """

    resource, subject = Resource.APPOINTMENT, "utilisation"
    groupings = BY_TIME_OR_NURSE
    shape = figures.report_of(figures.Utilisation)

    def report(self, viewer: Viewer, period: Period, by: By | None) -> Report:
        """Compare visits and hours."""
        nurses = self.seen(Nurse.objects.all(), viewer)
        return utilisation.utilisation(nurses=nurses, period=period, by=by)

    def get(self, request: Request) -> Response:
        """Show how much of the nurses' time is booked."""
        return self.answer(request)


def _names(report: Report, by: By | None) -> Mapping[Key, str]:
    """Return how people call the groups that are rows of the calendar."""
    ids = [key for key in report.groups if isinstance(key, UUID)]
    match by:
        case By.NURSE:
            return {nurse.pk: nurse.name for nurse in Nurse.objects.filter(pk__in=ids)}
        case By.SPECIALIZATION:
            return {one.pk: one.name for one in Specialization.objects.filter(pk__in=ids)}
        case _:
            return {}
