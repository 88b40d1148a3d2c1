"""What goes in and out as files: imports of CSV, and the nurses' calendar feeds."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q


class CalendarFeed(models.Model):
    """
    The secret address of one nurse's calendar; only the token's SHA-256 is kept (scheduling reference, section 14).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    nurse = models.ForeignKey(
        "scheduling.Nurse", on_delete=models.CASCADE, related_name="calendar_feeds"
    )
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-created_at", "id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["nurse"], condition=Q(revoked_at__isnull=True), name="feed_one_in_use"
            ),
        ]

    def __str__(self) -> str:
        return f"Calendar feed of nurse {self.nurse_id}"


class DataImport(models.Model):
    """
    One CSV file on its way into the records: checked first, then applied whole or not at all (S68).

    `problems` lists `{"row": 3, "column": "date_of_birth", "code": "…", "detail": "…"}`, without the value. `rows_done`
    counts the rows that have been checked; what is applied is stored all at once. `summary` says how many rows are
    `new`, `changed` and `unchanged`.
    """

    class Kind(models.TextChoices):
        PATIENTS = "patients", "Patients"
        NURSES = "nurses", "Nurses"
        AVAILABILITY = "availability", "Availability"
        APPOINTMENTS = "appointments", "Appointments"

    class Status(models.TextChoices):
        UPLOADED = "uploaded", "Waiting to be checked"
        CHECKING = "checking", "Being checked"
        CHECKED = "checked", "Checked: can be applied"
        REFUSED = "refused", "Has problems"
        ACCEPTED = "accepted", "Waiting to be applied"
        APPLYING = "applying", "Being applied"
        DONE = "done", "Done"
        FAILED = "failed", "Failed: nothing was stored"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    content = models.BinaryField(editable=False, help_text="The file; emptied when it is done.")
    digest = models.CharField(max_length=64, editable=False, help_text="SHA-256 of the file.")
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.UPLOADED)
    rows_total = models.PositiveIntegerField(default=0)
    rows_done = models.PositiveIntegerField(default=0)
    problems = models.JSONField(default=list, blank=True)
    summary = models.JSONField(default=dict, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    accepted_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-created_at", "id"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.get_status_display()}"
