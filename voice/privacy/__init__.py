"""Privacy where calls are concerned: holds, retention, export, erasure, and whose call it was."""

from voice.privacy.erasure import erase_patient
from voice.privacy.export import patient_export
from voice.privacy.relinking import relink_call
from voice.privacy.retention import CATEGORIES, purge_all, purge_nightly

__all__ = [
    "CATEGORIES",
    "erase_patient",
    "patient_export",
    "purge_all",
    "purge_nightly",
    "relink_call",
]
