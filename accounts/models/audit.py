"""The record of who did what."""

from typing import ClassVar

from django.db import models


class AuditEvent(models.Model):
    """One thing that somebody did (security reference, S47); it names records, it never copies their text."""

    class ActorType(models.TextChoices):
        USER = "user", "Member of staff"
        KEY = "key", "API key"
        CALL = "call", "Phone call"
        SYSTEM = "system", "System"

    seq = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    actor_type = models.CharField(max_length=8, choices=ActorType.choices)
    actor_id = models.CharField(max_length=64, blank=True)
    patient_ids = models.JSONField(default=list, blank=True)
    action = models.CharField(max_length=64)
    object_type = models.CharField(max_length=64, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    surface = models.CharField(max_length=16)
    address = models.CharField(max_length=64, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    outcome = models.CharField(max_length=64)
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["seq"]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["action", "at"])]

    def __str__(self) -> str:
        return f"{self.seq} {self.action} {self.outcome}"
