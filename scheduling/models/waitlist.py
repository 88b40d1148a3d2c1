"""Who waits for a time, which times became free, and to whom they were offered (scheduling reference, section 12)."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from scheduling.models.appointments import Source


class WaitlistEntry(models.Model):
    """A wish for a time that is not free yet (scheduling reference, section 12)."""

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        OFFERED = "offered", "Offered"
        BOOKED = "booked", "Booked"
        CANCELLED = "cancelled", "Cancelled"
        EXPIRED = "expired", "Expired"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(
        "scheduling.Patient", on_delete=models.CASCADE, related_name="waitlist"
    )
    visit_type = models.ForeignKey(
        "scheduling.VisitType", on_delete=models.PROTECT, related_name="waitlist"
    )
    nurse = models.ForeignKey(
        "scheduling.Nurse",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="waitlist",
        help_text="Empty: any nurse.",
    )
    earliest = models.DateField()
    latest = models.DateField()
    parts_of_day = models.JSONField(
        default=list, blank=True, help_text="Of morning, afternoon, evening; empty: any."
    )
    minimum_warning_minutes = models.PositiveIntegerField(default=120)
    priority = models.SmallIntegerField(default=0, help_text="A higher number goes first.")
    expires_at = models.DateTimeField(
        null=True, blank=True, help_text="Empty: the wish ends with its last day."
    )
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.WAITING)
    source = models.CharField(max_length=16, choices=Source.choices)
    actor = models.CharField(max_length=64)
    waiting_since = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "waitlist entries"
        ordering: ClassVar[list[str]] = ["-priority", "waiting_since", "id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["status", "latest"], name="waitlist_status"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(latest__gte=F("earliest")),
                name="waitlist_dates_in_order",
                violation_error_message="The last day is not before the first.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.earliest}–{self.latest}, {self.get_status_display()}"


class FreedTime(models.Model):
    """
    Time of a nurse that became free, written in the transaction that freed it, until it has been offered.

    `depth` counts how many moves from the waitlist led here: a move frees a time in its turn.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    nurse = models.ForeignKey(
        "scheduling.Nurse", on_delete=models.CASCADE, related_name="freed_times"
    )
    start = models.DateTimeField()
    end = models.DateTimeField()
    depth = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(help_text="When to look for somebody, the next time.")
    done_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["created_at", "id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["due_at"], condition=Q(done_at__isnull=True), name="freed_time_due"
            ),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(end__gt=F("start")), name="freed_time_ends_after_start"
            ),
        ]

    def __str__(self) -> str:
        return f"Freed {self.start:%Y-%m-%d %H:%M} UTC"


class WaitlistOffer(models.Model):
    """
    A time offered to one entry; its hold keeps the time until `expires_at`, so no second offer can exist.

    `moves` is the patient's later visit that a yes would move; without one a yes books a new visit.
    """

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        ACCEPTED = "accepted", "Accepted"
        DECLINED = "declined", "Declined"
        EXPIRED = "expired", "No answer"
        WITHDRAWN = "withdrawn", "Withdrawn"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    entry = models.ForeignKey(WaitlistEntry, on_delete=models.CASCADE, related_name="offers")
    freed_time = models.ForeignKey(FreedTime, on_delete=models.CASCADE, related_name="offers")
    hold = models.OneToOneField(
        "scheduling.SlotHold", on_delete=models.PROTECT, related_name="waitlist_offer"
    )
    nurse = models.ForeignKey("scheduling.Nurse", on_delete=models.CASCADE, related_name="offers")
    start = models.DateTimeField()
    end = models.DateTimeField()
    moves = models.ForeignKey(
        "scheduling.Appointment",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="move_offers",
    )
    appointment = models.ForeignKey(
        "scheduling.Appointment",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="accepted_offers",
        help_text="The visit that a yes booked or moved.",
    )
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.OPEN)
    expires_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-created_at", "id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["status", "expires_at"], name="offer_open"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["entry", "nurse", "start"],
                name="offer_same_time_once",
                violation_error_message="This time was offered to this entry already.",
            ),
            models.UniqueConstraint(
                fields=["entry"], condition=Q(status="open"), name="offer_one_open"
            ),
        ]

    def __str__(self) -> str:
        return f"Offer {self.start:%Y-%m-%d %H:%M} UTC, {self.get_status_display()}"
