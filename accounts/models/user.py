"""Who logs in."""

import uuid
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import models

from accounts.permissions import MODELS, django_permission


class User(AbstractUser):
    """A member of staff; the role alone decides what they may do, `is_staff` and `is_superuser` open nothing."""

    class Role(models.TextChoices):
        ADMIN = "admin", "Administrator"
        SCHEDULER = "scheduler", "Scheduler"
        NURSE = "nurse", "Nurse"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.SCHEDULER)

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Answer from the policy, not from groups, grants or flags."""
        return self.is_active and django_permission(self.role, perm)

    def has_module_perms(self, app_label: str) -> bool:
        """Tell whether the person may look at rows of an app's models in the admin site."""
        models_of_app = (name for name in MODELS if name.startswith(f"{app_label}."))
        return any(
            self.has_perm(f"{app_label}.view_{name.split('.')[1]}") for name in models_of_app
        )
