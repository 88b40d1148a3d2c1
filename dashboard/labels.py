"""How states, outcomes and tools are called on a page, with the icon and the look that goes with each."""

from dataclasses import dataclass

from voice.models import CallLog


@dataclass(frozen=True, slots=True)
class Label:
    """Words, the name of an icon, and the variant of the component that shows them."""

    words: str
    icon: str
    look: str = ""


_Status = CallLog.Status
_Outcome = CallLog.Outcome

CALL_STATUS = {
    _Status.QUEUED: Label("Queued", "clock"),
    _Status.INITIATED: Label("Dialling", "phone-volume", "ringing"),
    _Status.RINGING: Label("Ringing", "phone-volume", "ringing"),
    _Status.IN_PROGRESS: Label("Live", "phone-volume", "live"),
    _Status.COMPLETED: Label("Completed", "check", "completed"),
    _Status.BUSY: Label("Busy", "phone-slash", "busy"),
    _Status.FAILED: Label("Failed", "triangle-exclamation", "failed"),
    _Status.NO_ANSWER: Label("No answer", "phone-slash", "no-answer"),
    _Status.CANCELED: Label("Canceled", "xmark", "canceled"),
    _Status.OVERFLOW: Label("Lines full", "triangle-exclamation", "busy"),
}

OUTCOME = {
    _Outcome.BOOKED: Label("Visit booked", "calendar-check", "good"),
    _Outcome.RESCHEDULED: Label("Visit moved", "calendar-day", "good"),
    _Outcome.CANCELLED: Label("Visit cancelled", "calendar-xmark"),
    _Outcome.ATTENDANCE_CONFIRMED: Label("Visit confirmed", "thumbs-up", "good"),
    _Outcome.WAITLISTED: Label("On the waitlist", "list-ol"),
    _Outcome.REGISTERED: Label("New patient", "user-plus", "good"),
    _Outcome.MESSAGE_TAKEN: Label("Message for staff", "envelope", "todo"),
    _Outcome.TRANSFERRED: Label("Passed to staff", "headset"),
    _Outcome.INFO_GIVEN: Label("Question answered", "circle-info"),
    _Outcome.EMERGENCY: Label("Emergency", "truck-medical", "bad"),
    _Outcome.CRISIS: Label("Crisis", "heart-crack", "bad"),
    _Outcome.WRONG_NUMBER: Label("Wrong number", "phone-slash"),
    _Outcome.DO_NOT_CALL: Label("Wants no more calls", "ban", "todo"),
    _Outcome.NOT_VERIFIED: Label("Could not verify", "user-lock"),
    _Outcome.ABUSIVE: Label("Abusive caller", "hand"),
    _Outcome.SILENT: Label("Nobody spoke", "microphone-slash"),
    _Outcome.SPAM: Label("Spam", "ban"),
    _Outcome.VOICEMAIL_LEFT: Label("Voicemail left", "voicemail"),
    _Outcome.CALLER_LEFT: Label("Caller hung up", "phone-slash"),
    _Outcome.FAILED: Label("Call failed", "triangle-exclamation", "bad"),
}
NO_OUTCOME = Label("None", "minus")
STILL_TALKING = Label("Still talking", "comment-dots")

TOOL = {
    "clinic_info": Label("Looked up clinic information", "circle-info"),
    "verify_identity": Label("Checked who is calling", "user-check"),
    "propose_registration": Label("Prepared a registration", "user-plus"),
    "find_slots": Label("Looked up free times", "calendar-days"),
    "list_appointments": Label("Looked up the patient’s visits", "list"),
    "propose_booking": Label("Held a time and read it back", "calendar-plus"),
    "propose_reschedule": Label("Prepared to move a visit", "calendar-day"),
    "propose_cancellation": Label("Prepared to cancel a visit", "calendar-xmark"),
    "confirm_proposal": Label("Carried out what was read back", "calendar-check"),
    "confirm_attendance": Label("Confirmed a visit", "thumbs-up"),
    "join_waitlist": Label("Put the patient on the waitlist", "list-ol"),
    "leave_message": Label("Took a message for staff", "envelope"),
    "transfer_to_staff": Label("Asked to pass the call to staff", "headset"),
    "report_emergency": Label("Reported an emergency", "truck-medical"),
    "set_language": Label("Changed the language", "language"),
    "record_choice": Label("Stored the caller’s choice", "clipboard-check"),
    "wait_for_caller": Label("Waited for the caller", "hourglass-half"),
    "end_call": Label("Ended the call", "phone-slash"),
}

ENDED = {
    "ended": "The assistant, after saying goodbye",
    "transfer": "The assistant, to pass the call to staff",
    "silent": "The assistant: nobody spoke",
    "call_limit": "The assistant: the call was as long as calls may be",
    "model_lost": "Connection to the assistant lost",
    "model_unavailable": "The assistant could not be reached",
    "session_rejected": "The assistant could not be started",
    "media_malformed": "The phone line sent damaged data",
    "frame_too_large": "The phone line sent too much data",
    "flood": "The phone line sent too much data",
    "crashed": "A fault of the server",
    "server_stopped": "The server was stopped",
    "overflow": "All lines were in use",
    "caller_left": "The caller",
}

APPOINTMENT_STATUS = {
    "booked": Label("Booked", "calendar-check", "booked"),
    "arrived": Label("Arrived", "door-open", "booked"),
    "fulfilled": Label("Took place", "check", "fulfilled"),
    "cancelled": Label("Cancelled", "xmark", "cancelled"),
    "noshow": Label("Did not come", "user-slash", "noshow"),
    "entered-in-error": Label("Entered in error", "eraser", "cancelled"),
}

SOURCE = {
    "voice": "Assistant",
    "keypad": "Phone menu",
    "sms": "Text message",
    "dashboard": "Staff",
    "admin": "Staff",
    "api": "Another system",
    "fhir": "Another system",
}


def call_outcome(call: CallLog) -> Label:
    """Return what the call led to; a call that goes on has led to nothing yet."""
    if call.outcome:
        return OUTCOME[_Outcome(call.outcome)]
    going_on = {_Status.QUEUED, _Status.INITIATED, _Status.RINGING, _Status.IN_PROGRESS}
    return STILL_TALKING if call.status in going_on else NO_OUTCOME


def tool(name: str) -> Label:
    """Return what the assistant did; a tool that nobody named here keeps its own name."""
    return TOOL.get(name) or Label(name.replace("_", " ").capitalize(), "gear")


def ended_by(reason: str) -> str:
    """Return who or what ended a call, from its stored reason."""
    return ENDED.get(reason) or reason.replace("_", " ").capitalize() or "Not recorded"
