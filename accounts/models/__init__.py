"""Who logs in, and the record of who did what."""

from accounts.models.audit import AuditEvent
from accounts.models.user import User

__all__ = ["AuditEvent", "User"]
