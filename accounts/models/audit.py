"""The record of who did what, and its seals."""

from typing import Any, ClassVar, NoReturn

from django.db import models

from accounts.audit.append_only import AppendOnly


class RecordIsKept(TypeError):
    """Something tried to change or delete what is only ever added to: a mistake in the program."""

    def __init__(self) -> None:
        super().__init__("The audit record is added to; nothing in it is changed or deleted.")


class KeptRows(models.QuerySet[Any]):
    """Rows that are read and added (security reference, S48); the database itself refuses the rest as well."""

    def update(self, **fields: Any) -> NoReturn:
        raise RecordIsKept

    def delete(self) -> NoReturn:
        raise RecordIsKept

    def bulk_update(self, *args: Any, **options: Any) -> NoReturn:
        raise RecordIsKept


class KeptRow(models.Model):
    """A row that stays as it was written."""

    objects = KeptRows.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **options: Any) -> None:
        """Store a new row; one that is stored already is left alone."""
        if not self._state.adding:
            raise RecordIsKept
        super().save(*args, **options | {"force_insert": True})

    def delete(self, *args: Any, **options: Any) -> NoReturn:
        raise RecordIsKept


class AuditEvent(KeptRow):
    """
    One thing that somebody did (security reference, S47); it names records, it never copies their text.

    `changes` holds for each field of a changed record what it was before and after: as it is where neither identifies
    a person or tells of their health, otherwise as a keyed hash, which shows a change and gives nothing away (S46).
    """

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
    changes = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["seq"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["action", "at"]),
            models.Index(fields=["at"], name="audit_event_at"),
            models.Index(fields=["actor_id", "at"], name="audit_event_actor"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            AppendOnly(name="audit_event_append_only"),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.action} {self.outcome}"


class AuditSeal(KeptRow):
    """
    The seal of one event, in a chain without gaps (security reference, S49).

    It names the event by its `seq` and not by a foreign key: that the event is there is what the seal is to prove.
    """

    number = models.BigIntegerField(primary_key=True)
    seq = models.BigIntegerField(unique=True)
    key_id = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        ordering: ClassVar[list[str]] = ["number"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            AppendOnly(name="audit_seal_append_only"),
        ]

    def __str__(self) -> str:
        return f"{self.number} for {self.seq}"
