"""Who logs in."""

import uuid

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """A member of staff."""

    class Role(models.TextChoices):
        ADMIN = "admin", "Administrator"
        SCHEDULER = "scheduler", "Scheduler"
        NURSE = "nurse", "Nurse"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.SCHEDULER)
