"""Work for the clinic's people that the software cannot do."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from scheduling.models.appointments import Source


class StaffTask(models.Model):
    """A call-back, a possible duplicate, an alarm, a visit to decide on, or a message that did not arrive."""

    class Kind(models.TextChoices):
        MESSAGE = "message", "Call back"
        DUPLICATE = "duplicate", "Possible duplicate"
        ALARM = "alarm", "Alarm"
        OUTCOME = "outcome", "Visit without outcome"
        ORPHANED = "orphaned", "Visit outside the nurse's hours"
        UNDELIVERED = "undelivered", "Message not delivered"

    class Urgency(models.TextChoices):
        ROUTINE = "routine", "Routine"
        TODAY = "today", "Today"
        NOW = "now", "Now"

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        DONE = "done", "Done"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    topic = models.CharField(max_length=24, blank=True)
    text = models.TextField(blank=True)
    callback_number = models.CharField(max_length=64, blank=True)
    urgency = models.CharField(max_length=8, choices=Urgency.choices, default=Urgency.ROUTINE)
    patient = models.ForeignKey(
        "scheduling.Patient",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="tasks",
    )
    appointment = models.ForeignKey(
        "scheduling.Appointment",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="tasks",
    )
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.OPEN)
    due_at = models.DateTimeField()
    source = models.CharField(max_length=16, choices=Source.choices)
    actor = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering: ClassVar[list[str]] = ["status", "due_at", "id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["status", "due_at"], name="task_due"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(status="open", done_at__isnull=True)
                | Q(status="done", done_at__isnull=False),
                name="task_done_with_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.get_status_display()}"
