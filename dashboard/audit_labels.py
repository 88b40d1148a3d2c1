"""How what happened is called on the page of the audit record."""

from accounts.models import AuditEvent
from dashboard import labels

VERBS = {
    "read": "Viewed",
    "list": "Viewed",
    "history": "Viewed the history",
    "search": "Searched",
    "snapshot": "Viewed",
    "shown": "Viewed",
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
    "accepted": "Accepted",
    "apply": "Applied",
    "arrive_selected": "Marked as arrived",
    "arrived": "Marked as arrived",
    "attendance_confirmed": "Confirmed",
    "book": "Booked",
    "cancel_selected": "Cancelled",
    "cancelled": "Cancelled",
    "completed": "Completed",
    "confirm_selected": "Confirmed",
    "deactivated": "Deactivated",
    "declined": "Declined",
    "dropped": "Dropped",
    "expired": "Saw run out",
    "export": "Exported",
    "export_selected": "Exported",
    "flagged": "Flagged for staff",
    "fulfil_selected": "Marked as fulfilled",
    "fulfilled": "Marked as fulfilled",
    "given_up": "Gave up",
    "hand_over": "Handed over",
    "hand_over_selected": "Handed over",
    "import": "Imported",
    "invited": "Invited",
    "make_new_secret": "Made a new secret for",
    "no_show_selected": "Marked as no-show",
    "noshow": "Marked as no-show",
    "not_sent": "Could not send yet",
    "offered": "Offered",
    "password_change": "Changed the password",
    "postponed": "Put off",
    "reactivated": "Reactivated",
    "refused": "Refused",
    "remove": "Removed",
    "replayed": "Sent again",
    "reported": "Was told the fate of",
    "rescheduled": "Moved",
    "reset_second_factor": "Reset two-step sign-in",
    "revoked": "Revoked",
    "secret_rotated": "Made a new secret for",
    "send_again": "Sent again",
    "send_details_selected": "Told the patient of",
    "send_invitations": "Invited",
    "send_test": "Sent a test to",
    "sent": "Sent",
    "settled": "Took the flag off",
    "switched_off": "Switched off",
    "take_off_the_list": "Took off the list",
    "tested": "Sent a test to",
    "unlock": "Unlocked",
    "upload": "Uploaded",
    "visits": "Changed the visits",
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
    "account": "Account",
    "admin_site": "Administration",
    "analytics": "Figures",
    "api_key": "API key",
    "appointment": "Visit",
    "appointment_import": "Import of visits",
    "appointments": "Visits",
    "appointmentseries": "Series of visits",
    "assignment": "Assignment of a nurse",
    "attendance": "Attendance",
    "audit": "Audit record",
    "auditevent": "Audit event",
    "availability": "Working hours",
    "availabilityoverride": "Change of hours",
    "calendar": "Calendar",
    "calendarfeed": "Calendar link",
    "call": "Call",
    "calls": "Calls",
    "careassignment": "Assignment of a nurse",
    "clinic": "Clinic",
    "clinical": "Clinical record",
    "condition": "Condition",
    "consent": "Consent",
    "dataimport": "Import",
    "emergency": "Emergency access",
    "emergency_access": "Emergency access",
    "fhir": "FHIR interface",
    "freedtime": "Freed time",
    "hold": "Legal hold",
    "holiday": "Holiday",
    "import": "Import",
    "key": "API key",
    "keys": "API keys",
    "legalhold": "Legal hold",
    "live": "Live calls",
    "live_calls": "Live calls",
    "live_feed": "Live calls",
    "live_transcript": "Live transcript",
    "medicalcondition": "Condition",
    "message": "Message",
    "messagetemplate": "Wording of messages",
    "nurse": "Nurse",
    "nurses": "Nurses",
    "openinghours": "Opening hours",
    "outbound_call": "Outbound call",
    "patient": "Patient",
    "patient_import": "Import of patients",
    "patientrelation": "Relation of a patient",
    "patients": "Patients",
    "promptversion": "Version of the prompt",
    "purge_run": "Purge",
    "purgerun": "Purge",
    "recording": "Recording",
    "retention": "Purge",
    "settings": "Settings",
    "slot": "Free time",
    "slothold": "Held time",
    "slots": "Free times",
    "specialization": "Specialization",
    "staff_task": "Task for staff",
    "stafftask": "Task for staff",
    "text": "Text message",
    "toolcall": "Act of the assistant",
    "transcript": "Transcript",
    "user": "User",
    "users": "Users",
    "visittype": "Kind of visit",
    "waitlistentry": "Wish on the waitlist",
    "waitlistoffer": "Offer from the waitlist",
    "webhook": "Webhook",
    "webhookdelivery": "Webhook delivery",
    "webhookendpoint": "Webhook endpoint",
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
    return (
        words_of_action(event.action)
        or event.action.replace(".", " ").replace("_", " ").capitalize()
    )


def words_of_action(action: str) -> str:
    """Return the words for an action, or nothing when nobody has named it."""
    return DONE.get(action) or VERBS.get(action.rpartition(".")[2], "")


def words_of_record(noun: str) -> str:
    """Return the words for a kind of record, or nothing; the API writes `slot_hold`, the admin site `slothold`."""
    return RECORDS.get(noun) or RECORDS.get(noun.replace("_", ""), "")


def which(event: AuditEvent) -> str:
    """Return the record, "Call 3f2a91c0", or the kind of records of a list."""
    noun = event.object_type or event.action.partition(".")[0]
    if noun in ACCOUNT:
        return "Account"
    words = words_of_record(noun) or noun.replace("_", " ").replace(":", " ").capitalize()
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
