"""
What changed in a record, fit for the audit record: it outlives the patient's data, so it must not repeat them.

A value is shown as it is where it neither identifies a person nor tells of their health: choices, switches, numbers,
instants, ids of other records. Everything else becomes a keyed hash: it shows that a value changed, and to what only
to somebody who has the value (security reference, S46, S63).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.utils.crypto import salted_hmac

CLINICAL = frozenset({"scheduling.medicalcondition"})
"""Models of which every value tells of somebody's health."""
HASH_SHOWN = 16
SHOWN_FIELDS = (
    models.BooleanField,
    models.IntegerField,
    models.DateTimeField,
    models.DurationField,
    models.ForeignKey,
    models.UUIDField,
)

Change = list[Any]
"""What a field was before and after."""


def changes(
    model: type[models.Model], before: Mapping[str, Any], after: Mapping[str, Any]
) -> dict[str, Change]:
    """Return the change of every field named in `after`; a missing value before means a new record."""
    return {
        name: [_shown(model, name, before.get(name)), _shown(model, name, value)]
        for name, value in after.items()
    }


def _shown(model: type[models.Model], name: str, value: Any) -> Any:
    if isinstance(value, models.Model):
        value = value.pk
    if value is None or value == "":
        return None
    if isinstance(value, bool | int) and _is_shown(model, name):
        return value
    if isinstance(value, datetime):
        value = value.isoformat()
    text = str(value)
    if _is_shown(model, name):
        return text
    return (
        "hash:" + salted_hmac("accounts.audit", text, algorithm="sha256").hexdigest()[:HASH_SHOWN]
    )


def _is_shown(model: type[models.Model], name: str) -> bool:
    if model._meta.label_lower in CLINICAL:
        return False
    try:
        field = model._meta.get_field(name)
    except FieldDoesNotExist:
        return False
    return isinstance(field, SHOWN_FIELDS) or bool(getattr(field, "choices", None))
