"""What was deleted because its time was over."""

import uuid
from typing import ClassVar

from django.db import models


class PurgeRun(models.Model):
    """
    One pass of the purge over everything that is kept for a time only (security reference, S62).

    `counts` holds how many rows of each category are gone; it grows in the transaction of each batch, so that a run
    that was cut short goes on where it was, with true numbers.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    counts = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-started_at", "id"]

    def __str__(self) -> str:
        return f"Purge of {self.started_at:%Y-%m-%d %H:%M} UTC"
