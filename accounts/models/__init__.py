"""Who logs in, with what keys programs come, and the record of who did what."""

from accounts.models.audit import AuditEvent, AuditSeal
from accounts.models.emergency import EmergencyAccess
from accounts.models.holds import LegalHold
from accounts.models.keys import ApiKey, RequestBucket
from accounts.models.requests import IdempotencyKey
from accounts.models.sign_in import SignInCounter
from accounts.models.user import User

__all__ = [
    "ApiKey",
    "AuditEvent",
    "AuditSeal",
    "EmergencyAccess",
    "IdempotencyKey",
    "LegalHold",
    "RequestBucket",
    "SignInCounter",
    "User",
]
