"""How what happened is called on the page of the audit record."""

from accounts.models import AuditEvent
from dashboard import labels

VERBS = {
    "read": "Viewed",
    "list": "Viewed",
    "history": "Viewed the history",
    "week": "Viewed the week",
    "added": "Added",
    "created": "Created",
    "changed": "Changed",
    "deleted": "Deleted",
    "exported": "Exported",
    "opened": "Opened",
    "ended": "Ended",
    "closed": "Closed",
    "received": "Received",
    "erased": "Erased",
    "relinked": "Linked anew",
    "placed": "Placed a legal hold on",
    "lifted": "Lifted a legal hold from",
    "purged": "Deleted what was over its time",
    "finished": "Finished",
}
DONE = {
    "access.denied": "Tried to open",
    "call.anomaly": "Noticed odd data",
    "call.stream_opened": "Answered",
    "login": "Signed in",
    "login.failed": "Failed to sign in",
    "login.locked_out": "Failed to sign in",
    "login.reauthenticated": "Signed in again",
    "login.unlocked": "Unlocked",
    "logout": "Signed out",
    "mfa.enrolled": "Set up two-step sign-in",
    "mfa.failed": "Gave a wrong code",
    "mfa.locked_out": "Gave wrong codes",
    "mfa.recovery_codes_made": "Made recovery codes",
    "mfa.reset": "Reset two-step sign-in",
    "password.changed": "Changed the password",
    "password.reset_asked": "Asked for a new password",
    "session.ended": "Ended a session",
    "session.expired": "Was signed out, idle",
    "user.role_changed": "Changed the role",
}
"""Whole acts; others are named by their verb."""
ACCOUNT = ("login", "logout", "mfa", "password", "session")
RECORDS = {
    "appointment": "Visit",
    "appointments": "Visits",
    "audit": "Audit record",
    "call": "Call",
    "calls": "Calls",
    "careassignment": "Assignment of a nurse",
    "consent": "Consent",
    "emergency_access": "Emergency access",
    "medicalcondition": "Condition",
    "nurse": "Nurse",
    "patient": "Patient",
    "purge_run": "Purge",
    "stafftask": "Task for staff",
    "user": "User",
    "users": "Users",
}
OUTCOMES = {
    "foreign": "Refused",
    "forbidden": "Refused",
    "identity_required": "Refused",
    "locked": "Locked",
    "not_found": "Not found",
    "refused": "Refused",
}
QUIET = frozenset({"ok", ""})
SHOWN_OF_ID = 8


def what(event: AuditEvent) -> str:
    """Return what was done, "Viewed"; what nobody named here keeps its own words."""
    if event.surface == "call" and "." not in event.action:
        return labels.tool(event.action).words
    if event.action in DONE:
        return DONE[event.action]
    verb = event.action.rpartition(".")[2]
    return VERBS.get(verb) or event.action.replace(".", " ").replace("_", " ").capitalize()


def which(event: AuditEvent) -> str:
    """Return the record, "Call 3f2a91c0", or the kind of records of a list."""
    noun = event.object_type or event.action.partition(".")[0]
    if noun in ACCOUNT:
        return "Account"
    words = RECORDS.get(noun) or noun.replace("_", " ").replace(":", " ").capitalize()
    return f"{words} {event.object_id[:SHOWN_OF_ID]}".strip()


def patients(event: AuditEvent) -> str:
    """Return how many patients an event is about, "2 patients", or nothing."""
    count = len(event.patient_ids)
    return "" if not count else "1 patient" if count == 1 else f"{count} patients"


def result(event: AuditEvent) -> str:
    """Return what came of it in a word, or nothing when it simply went well."""
    if event.outcome in QUIET:
        return ""
    return OUTCOMES.get(event.outcome) or event.outcome.replace("_", " ").capitalize()


def is_refusal(event: AuditEvent) -> bool:
    """Tell whether somebody should look: what was refused or locked."""
    return OUTCOMES.get(event.outcome) in {"Refused", "Locked"}
