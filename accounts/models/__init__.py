"""Who logs in, and the record of who did what."""

from accounts.models.audit import AuditEvent, AuditSeal
from accounts.models.emergency import EmergencyAccess
from accounts.models.sign_in import SignInCounter
from accounts.models.user import User

__all__ = ["AuditEvent", "AuditSeal", "EmergencyAccess", "SignInCounter", "User"]
