"""API keys of integrators, and how often they are used."""

import uuid
from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q


class ApiKey(models.Model):
    """
    A key to the API; the key itself is shown once, what is kept is its SHA-256 (security reference, S42).

    `networks` are written in CIDR notation; an empty list allows every address. A key that an operator made at the
    command line was created by nobody in particular. To the framework a key is who sent the request.
    """

    is_authenticated = True
    is_anonymous = False

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=80)
    public_id = models.CharField(max_length=16, unique=True, editable=False)
    key_hash = models.CharField(max_length=64, editable=False)
    scopes = models.JSONField(default=list)
    networks = models.JSONField(default=list, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="created_keys",
        null=True,
        blank=True,
    )
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-created_at", "id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=~Q(name=""), name="key_has_name"),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("created_at")), name="key_ends_after_it_begins"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def is_usable(self, *, now: datetime) -> bool:
        """Tell whether the key opens anything: it was not revoked and has not expired."""
        return self.revoked_at is None and now < self.expires_at


class RequestBucket(models.Model):
    """What one key, or one address with bad keys, has used of its limit (security reference, S43)."""

    key = models.CharField(primary_key=True, max_length=80)
    used = models.JSONField(default=list)  # when, in seconds since 1970, oldest first
    last_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.key.split(":")[0]
