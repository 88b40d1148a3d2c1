"""
What the system changes by itself, with nobody asking: texts go out, offers and holds run out (security reference, S46).

Whoever changes rows writes their deeds in the same transaction (S50); the deeds of a batch are stored by one statement.
The run that they belong to is named by the request id of the logs: the worker gives each run of a step one of its own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import DatabaseError, InterfaceError
from django.utils import timezone

from accounts.exceptions import NotRecorded
from accounts.models import AuditEvent
from carematix.logs import request_id

SURFACE = "worker"
REASON_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Deed:
    """One change of one row; `changes` is what `accounts.audit.changes` returns."""

    action: str
    object_id: UUID
    patient_id: UUID | None
    outcome: str = "ok"
    reason: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def object_type(self) -> str:
        """Return the kind of the row, which an action begins with."""
        return self.action.partition(".")[0]


def record_deeds(deeds: Iterable[Deed], *, surface: str = SURFACE) -> None:
    """
    Write one audit event for each deed in the caller's transaction.

    Raises:
        NotRecorded: they cannot be written; the changes must not happen then.
    """
    now, run = timezone.now(), request_id.get()
    try:
        AuditEvent.objects.bulk_create(
            AuditEvent(
                at=now,
                actor_type=AuditEvent.ActorType.SYSTEM,
                actor_id=SURFACE,
                patient_ids=[str(deed.patient_id)] if deed.patient_id else [],
                action=deed.action,
                object_type=deed.object_type,
                object_id=str(deed.object_id),
                surface=surface,
                request_id=run,
                outcome=deed.outcome,
                reason=deed.reason[:REASON_SHOWN],
                changes=dict(deed.changes),
            )
            for deed in deeds
        )
    except (DatabaseError, InterfaceError) as error:
        raise NotRecorded(*error.args) from error.__cause__
