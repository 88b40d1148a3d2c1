"""What the law lets people ask for, and what time takes away: holds, retention, erasure."""

from scheduling.services.privacy.erasure import ErasedPatient, erase_patient_records
from scheduling.services.privacy.retention import (
    CATEGORIES,
    Batch,
    Category,
    begin_run,
    night_is_due,
    purge_batch,
)

__all__ = [
    "CATEGORIES",
    "Batch",
    "Category",
    "ErasedPatient",
    "begin_run",
    "erase_patient_records",
    "night_is_due",
    "purge_batch",
]
