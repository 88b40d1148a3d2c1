"""What must not be deleted for now."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q


class LegalHold(models.Model):
    """
    Keeps one patient's or one call's records from purge and erasure until it is lifted (security reference, S62).

    This app knows neither patients nor calls, so it names the record by kind and id. Several may rest on one record,
    each for a reason of its own; all have to be lifted.
    """

    class Kind(models.TextChoices):
        PATIENT = "patient", "Patient"
        CALL = "call", "Call"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    record_id = models.UUIDField()
    reason = models.CharField(max_length=200)
    placed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="placed_holds"
    )
    placed_at = models.DateTimeField()
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="lifted_holds",
    )
    lifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-placed_at", "id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["kind", "record_id"],
                condition=Q(lifted_at__isnull=True),
                name="hold_in_force",
            ),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=~Q(reason=""), name="legal_hold_has_reason"),
            models.CheckConstraint(
                condition=Q(lifted_at__isnull=True, lifted_by__isnull=True)
                | Q(lifted_at__isnull=False, lifted_by__isnull=False),
                name="legal_hold_lifted_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"Legal hold {self.id}"
