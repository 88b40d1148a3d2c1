"""Requests that were answered, so that a repetition gets the same answer and no second effect."""

import uuid
from typing import ClassVar

from django.db import models


class IdempotencyKey(models.Model):
    """
    One request under its `Idempotency-Key`, with its answer (scheduling reference, section 7).

    The row is written first in the transaction of what it stands for: a twin waits for it, a failure takes it along.
    `digest` is the SHA-256 of the request's canonical body, `answer` what is given again:
    text, since a column of JSON would lose the order of names on PostgreSQL.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    scope = models.CharField(max_length=200, help_text="Whose key, and for which act.")
    key = models.CharField(max_length=255)
    digest = models.CharField(max_length=64)
    answer = models.TextField(blank=True, default="", help_text="As JSON.")
    created_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar[list[str]] = ["-created_at", "id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["created_at"], name="request_age"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["scope", "key"], name="request_once"),
        ]

    def __str__(self) -> str:
        return f"Request {self.id}"
