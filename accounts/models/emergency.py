"""A record that is open for a while to somebody who may not usually see it."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q


class EmergencyAccess(models.Model):
    """An administrator opened one patient's record to a member of staff (security reference, S30)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="emergency_accesses"
    )
    patient_id = models.UUIDField()  # scheduling's patient; this app knows no patients
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="opened_accesses"
    )
    reason = models.CharField(max_length=200)
    opened_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-opened_at", "id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["user", "expires_at"], name="emergency_of_user"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=~Q(reason=""), name="emergency_has_reason"),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("opened_at")), name="emergency_ends_after_it_begins"
            ),
        ]

    def __str__(self) -> str:
        return f"Emergency access {self.id}"
