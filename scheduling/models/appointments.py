"""Visits, the series they may belong to, what happened to them, and times held for somebody."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from scheduling.constraints import NoOverlap, WholeMinute

ACTIVE_STATUSES = ("booked", "arrived")  # the visits that occupy their people
MOST_MEMBERS = 52  # of a series


class Source(models.TextChoices):
    """Through which door a change came."""

    VOICE = "voice", "Phone assistant"
    KEYPAD = "keypad", "Phone keypad"
    SMS = "sms", "Text message"
    DASHBOARD = "dashboard", "Dashboard"
    ADMIN = "admin", "Admin"
    API = "api", "API"
    FHIR = "fhir", "FHIR"


class Appointment(models.Model):
    """
    One visit. `blocked_from` to `blocked_until` is the visit with the nurse's buffers at booking time.

    `sequence` rises with each change of time, nurse or status, `version` with each change at all.
    """

    class Status(models.TextChoices):
        BOOKED = "booked", "Booked"
        ARRIVED = "arrived", "Arrived"
        FULFILLED = "fulfilled", "Fulfilled"
        CANCELLED = "cancelled", "Cancelled"
        NOSHOW = "noshow", "No-show"
        ENTERED_IN_ERROR = "entered-in-error", "Entered in error"

    class CancellationReason(models.TextChoices):
        PATIENT = "patient", "Patient"
        NURSE = "nurse", "Nurse"
        CLINIC = "clinic", "Clinic"
        DUPLICATE = "duplicate", "Duplicate"
        OTHER = "other", "Other"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(
        "scheduling.Patient", on_delete=models.PROTECT, related_name="appointments"
    )
    nurse = models.ForeignKey(
        "scheduling.Nurse", on_delete=models.PROTECT, related_name="appointments"
    )
    visit_type = models.ForeignKey(
        "scheduling.VisitType", on_delete=models.PROTECT, related_name="appointments"
    )
    start = models.DateTimeField()
    end = models.DateTimeField()
    blocked_from = models.DateTimeField(editable=False)
    blocked_until = models.DateTimeField(editable=False)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.BOOKED)
    source = models.CharField(max_length=16, choices=Source.choices)
    reason = models.CharField(max_length=500, blank=True)
    attendance_confirmed_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    cancelled_by = models.CharField(max_length=64, blank=True)
    cancellation_reason = models.CharField(
        max_length=16, choices=CancellationReason.choices, blank=True
    )
    cancellation_note = models.CharField(max_length=500, blank=True)
    late = models.BooleanField(default=False)
    series = models.ForeignKey(
        "scheduling.AppointmentSeries",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="appointments",
    )
    series_index = models.PositiveSmallIntegerField(null=True, blank=True, editable=False)
    series_exception = models.BooleanField(
        default=False,
        editable=False,
        help_text="Changed alone: later changes of the whole series leave it as it is.",
    )
    orphaned = models.BooleanField(
        default=False,
        editable=False,
        help_text="No longer inside the nurse's hours; somebody has to decide.",
    )
    sequence = models.PositiveIntegerField(default=0)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-start", "id"]
        indexes: ClassVar[list[models.Index]] = [
            # The bound on the end skips history, so that a search costs the same every year.
            models.Index(fields=["nurse", "blocked_until"], name="appointment_nurse_until"),
            # What a search reads of the visits that take time, without a look at their rows.
            models.Index(
                fields=["nurse", "blocked_until"],
                include=["start", "end", "blocked_from"],
                condition=Q(status__in=ACTIVE_STATUSES),
                name="appointment_taken",
            ),
            models.Index(fields=["patient", "end"], name="appointment_patient_end"),
            models.Index(fields=["start", "id"], name="appointment_start"),
            models.Index(fields=["status", "start"], name="appointment_status_start"),
            # Programs that ask for what is new.
            models.Index(fields=["updated_at", "id"], name="appointment_updated"),
            models.Index(fields=["start"], condition=Q(orphaned=True), name="appointment_orphaned"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            NoOverlap(
                name="appointment_nurse_overlap",
                key="nurse",
                start="blocked_from",
                end="blocked_until",
                statuses=ACTIVE_STATUSES,
                violation_error_message="The nurse has another visit then.",
            ),
            NoOverlap(
                name="appointment_patient_overlap",
                key="patient",
                start="start",
                end="end",
                statuses=ACTIVE_STATUSES,
                violation_error_message="The patient has another visit then.",
            ),
            models.CheckConstraint(
                condition=Q(end__gt=F("start")), name="appointment_ends_after_start"
            ),
            models.CheckConstraint(
                condition=Q(blocked_from__lte=F("start")) & Q(blocked_until__gte=F("end")),
                name="appointment_blocked_around_visit",
            ),
            models.CheckConstraint(
                condition=Q(WholeMinute("start"))
                & Q(WholeMinute("end"))
                & Q(WholeMinute("blocked_from"))
                & Q(WholeMinute("blocked_until")),
                name="appointment_whole_minutes",
            ),
            models.CheckConstraint(
                condition=Q(
                    status__in=(
                        "booked",
                        "arrived",
                        "fulfilled",
                        "cancelled",
                        "noshow",
                        "entered-in-error",
                    )
                ),
                name="appointment_status_known",
            ),
            models.CheckConstraint(
                condition=~Q(status="cancelled")
                | (Q(cancelled_at__isnull=False) & ~Q(cancellation_reason="")),
                name="appointment_cancelled_with_reason",
            ),
            models.UniqueConstraint(
                fields=["series", "series_index"],
                condition=Q(series__isnull=False),
                name="appointment_once_in_series",
            ),
            models.CheckConstraint(
                condition=Q(series__isnull=True, series_index__isnull=True)
                | Q(series__isnull=False, series_index__isnull=False),
                name="appointment_series_with_index",
            ),
        ]

    def __str__(self) -> str:
        return f"Visit {self.start:%Y-%m-%d %H:%M} UTC"


class AppointmentSeries(models.Model):
    """
    The rule by which recurring visits were made (scheduling reference, section 10).

    Its members are ordinary visits. `first_date` and `start_time` are local in `time_zone`, the nurse's when the series
    was made; the hour stays the same over clock changes. It ends after `count` members, or on `until`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(
        "scheduling.Patient", on_delete=models.PROTECT, related_name="series"
    )
    nurse = models.ForeignKey("scheduling.Nurse", on_delete=models.PROTECT, related_name="series")
    visit_type = models.ForeignKey(
        "scheduling.VisitType", on_delete=models.PROTECT, related_name="series"
    )
    first_date = models.DateField()
    start_time = models.TimeField()
    time_zone = models.CharField(max_length=64)
    every_weeks = models.PositiveSmallIntegerField(default=1)
    count = models.PositiveSmallIntegerField(null=True, blank=True)
    until = models.DateField(null=True, blank=True)
    source = models.CharField(max_length=16, choices=Source.choices)
    actor = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "appointment series"
        ordering: ClassVar[list[str]] = ["-created_at", "id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(every_weeks__gte=1, every_weeks__lte=MOST_MEMBERS),
                name="series_interval_bounded",
                violation_error_message=f"A series repeats every 1 to {MOST_MEMBERS} weeks.",
            ),
            models.CheckConstraint(
                condition=Q(count__isnull=False, until__isnull=True)
                | Q(count__isnull=True, until__isnull=False),
                name="series_count_or_until",
                violation_error_message="Give the number of visits, or the last day.",
            ),
            models.CheckConstraint(
                condition=Q(count__isnull=True) | Q(count__gte=1, count__lte=MOST_MEMBERS),
                name="series_count_bounded",
                violation_error_message=f"A series has 1 to {MOST_MEMBERS} visits.",
            ),
            models.CheckConstraint(
                condition=Q(WholeMinute("start_time")), name="series_whole_minutes"
            ),
        ]

    def __str__(self) -> str:
        return f"Series from {self.first_date}, every {self.every_weeks} week(s)"


class AppointmentChange(models.Model):
    """One line of a visit's history: who changed what, when, through which door and why."""

    class Kind(models.TextChoices):
        BOOKED = "booked", "Booked"
        RESCHEDULED = "rescheduled", "Moved"
        ATTENDANCE_CONFIRMED = "attendance_confirmed", "Attendance confirmed"
        ARRIVED = "arrived", "Arrived"
        FULFILLED = "fulfilled", "Fulfilled"
        NOSHOW = "noshow", "No-show"
        CANCELLED = "cancelled", "Cancelled"
        ENTERED_IN_ERROR = "entered-in-error", "Entered in error"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    appointment = models.ForeignKey(Appointment, on_delete=models.CASCADE, related_name="changes")
    version = models.PositiveIntegerField()
    kind = models.CharField(max_length=24, choices=Kind.choices)
    at = models.DateTimeField()
    source = models.CharField(max_length=16, choices=Source.choices)
    actor = models.CharField(max_length=64)
    reason = models.CharField(max_length=500, blank=True)
    old = models.JSONField(default=dict, blank=True)
    new = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["appointment", "version"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["appointment", "version"], name="change_once"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.at:%Y-%m-%d %H:%M} UTC"


class SlotHold(models.Model):
    """
    A time kept for one owner while somebody decides (scheduling reference, section 6).

    A live row past `expires_at` holds nothing any more, but blocks in the index until its state is changed.
    """

    class State(models.TextChoices):
        LIVE = "live", "Live"
        USED = "used", "Used"
        RELEASED = "released", "Released"
        EXPIRED = "expired", "Expired"

    class Purpose(models.TextChoices):
        PROPOSAL = "proposal", "Proposal"
        OFFER = "offer", "First offer of a search"
        WAITLIST = "waitlist", "Offer from the waitlist"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.CharField(max_length=80)
    purpose = models.CharField(max_length=16, choices=Purpose.choices, default=Purpose.PROPOSAL)
    nurse = models.ForeignKey("scheduling.Nurse", on_delete=models.CASCADE, related_name="holds")
    patient = models.ForeignKey(
        "scheduling.Patient",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="holds",
    )
    visit_type = models.ForeignKey(
        "scheduling.VisitType", on_delete=models.CASCADE, related_name="holds"
    )
    start = models.DateTimeField()
    end = models.DateTimeField()
    blocked_from = models.DateTimeField()
    blocked_until = models.DateTimeField()
    state = models.CharField(max_length=16, choices=State.choices, default=State.LIVE)
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-created_at", "id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["nurse", "blocked_until"],
                condition=Q(state="live"),
                name="hold_live_nurse",
            ),
            models.Index(fields=["owner", "state"], name="hold_owner"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            NoOverlap(
                name="hold_nurse_overlap",
                key="nurse",
                start="blocked_from",
                end="blocked_until",
                status="state",
                statuses=("live",),
                violation_error_message="Somebody else holds this time.",
            ),
            models.CheckConstraint(condition=Q(end__gt=F("start")), name="hold_ends_after_start"),
            models.CheckConstraint(
                condition=Q(blocked_from__lte=F("start")) & Q(blocked_until__gte=F("end")),
                name="hold_blocked_around_visit",
            ),
            models.CheckConstraint(
                condition=Q(WholeMinute("start"))
                & Q(WholeMinute("end"))
                & Q(WholeMinute("blocked_from"))
                & Q(WholeMinute("blocked_until")),
                name="hold_whole_minutes",
            ),
            models.CheckConstraint(
                condition=Q(state__in=("live", "used", "released", "expired")),
                name="hold_state_known",
            ),
        ]

    def __str__(self) -> str:
        return f"Hold {self.start:%Y-%m-%d %H:%M} UTC, {self.state}"
