"""Phone calls: what Twilio said of them, what was said in them, and what the assistant did."""

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone


class PromptVersion(models.Model):
    """The instructions and tools that a call was held with; one row for each different text."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    digest = models.CharField(max_length=64, unique=True)
    instructions = models.TextField()
    tools = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-created_at"]

    def __str__(self) -> str:
        return self.digest[:12]


class CallLog(models.Model):
    """One phone call. `status` follows Twilio and never goes back; `outcome` is computed from what was stored."""

    class Direction(models.TextChoices):
        INBOUND = "inbound", "Incoming"
        OUTBOUND = "outbound", "Made by us"

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        INITIATED = "initiated", "Dialling"
        RINGING = "ringing", "Ringing"
        IN_PROGRESS = "in_progress", "Live"
        COMPLETED = "completed", "Completed"
        BUSY = "busy", "Busy"
        FAILED = "failed", "Failed"
        NO_ANSWER = "no_answer", "No answer"
        CANCELED = "canceled", "Canceled"
        OVERFLOW = "overflow", "Lines full"

    class Outcome(models.TextChoices):
        """In order of precedence, but that an emergency or a crisis always wins (voice-conversation, section 1)."""

        BOOKED = "booked", "Visit booked"
        RESCHEDULED = "rescheduled", "Visit moved"
        CANCELLED = "cancelled", "Visit cancelled"
        ATTENDANCE_CONFIRMED = "attendance_confirmed", "Attendance confirmed"
        WAITLISTED = "waitlisted", "On the waitlist"
        REGISTERED = "registered", "Patient registered"
        MESSAGE_TAKEN = "message_taken", "Message taken"
        TRANSFERRED = "transferred", "Passed to staff"
        INFO_GIVEN = "info_given", "Question answered"
        EMERGENCY = "emergency", "Emergency"
        CRISIS = "crisis", "Crisis"
        WRONG_NUMBER = "wrong_number", "Wrong number"
        DO_NOT_CALL = "do_not_call", "Asked for no more calls"
        NOT_VERIFIED = "not_verified", "Not verified"
        ABUSIVE = "abusive", "Abusive"
        SILENT = "silent", "Nobody spoke"
        SPAM = "spam", "Spam"
        VOICEMAIL_LEFT = "voicemail_left", "Voicemail left"
        CALLER_LEFT = "caller_left", "Caller hung up"
        FAILED = "failed", "Failed"

    class Intent(models.TextChoices):
        """What Twilio shall do once the stream has closed; none means that the stream broke."""

        NONE = "", "None"
        ENDED = "ended", "Hang up"
        TRANSFER = "transfer", "Transfer to staff"

    class Recording(models.TextChoices):
        UNASKED = "unasked", "Not asked"
        IMPLIED = "implied", "Went on after the notice"
        EXPLICIT = "explicit", "Agreed"
        REFUSED = "refused", "Refused"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    call_sid = models.CharField(max_length=64, unique=True)
    account_sid = models.CharField(max_length=64)
    direction = models.CharField(max_length=8, choices=Direction.choices, default=Direction.INBOUND)
    from_number = models.CharField(max_length=64, blank=True)
    to_number = models.CharField(max_length=64, blank=True)
    caller_attested = models.BooleanField(default=False)  # STIR/SHAKEN A: the number is likely real

    status = models.CharField(max_length=16, choices=Status.choices, default=Status.RINGING)
    sequence_number = models.IntegerField(default=-1)
    outcome = models.CharField(max_length=24, choices=Outcome.choices, blank=True)
    ended_reason = models.CharField(max_length=40, blank=True)
    intent = models.CharField(max_length=16, choices=Intent.choices, blank=True)
    language = models.CharField(max_length=8, default="en")
    recording = models.CharField(
        max_length=16, choices=Recording.choices, default=Recording.UNASKED
    )
    locked = models.BooleanField(default=False)

    patient = models.ForeignKey(
        "scheduling.Patient", on_delete=models.PROTECT, null=True, blank=True, related_name="calls"
    )
    appointments = models.ManyToManyField(
        "scheduling.Appointment", blank=True, related_name="calls"
    )
    prompt_version = models.ForeignKey(
        PromptVersion, on_delete=models.PROTECT, null=True, blank=True, related_name="calls"
    )

    # Only the nonce is stored: the token is an HMAC over it (security reference, S6).
    stream_nonce = models.CharField(max_length=64, blank=True)
    stream_token_expires_at = models.DateTimeField(null=True, blank=True)
    stream_token_used_at = models.DateTimeField(null=True, blank=True)
    stream_sid = models.CharField(max_length=64, blank=True)

    created_at = models.DateTimeField(default=timezone.now, editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    duration_s = models.PositiveIntegerField(null=True, blank=True)

    model = models.CharField(max_length=80, blank=True)
    usage = models.JSONField(default=dict, blank=True)
    cost_usd = models.DecimalField(max_digits=10, decimal_places=6, null=True, blank=True)
    greeting_ms = models.PositiveIntegerField(null=True, blank=True)
    answer_p50_ms = models.PositiveIntegerField(null=True, blank=True)
    answer_p95_ms = models.PositiveIntegerField(null=True, blank=True)
    malformed_frames = models.PositiveIntegerField(default=0)

    class Meta:
        ordering: ClassVar[list[str]] = ["-created_at", "id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["status", "heartbeat_at"]),
            models.Index(fields=["from_number", "created_at"]),
            models.Index(fields=["-created_at", "id"]),
        ]

    def __str__(self) -> str:
        return f"{self.get_direction_display()} call {self.id}"


class TranscriptEntry(models.Model):
    """One turn. `text` is what was heard; what an interruption cut off stands in `unheard_text`."""

    class Speaker(models.TextChoices):
        CALLER = "caller", "Caller"
        ASSISTANT = "assistant", "Assistant"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    call = models.ForeignKey(CallLog, on_delete=models.CASCADE, related_name="transcript")
    item_id = models.CharField(max_length=64)
    previous_item_id = models.CharField(max_length=64, blank=True)
    position = models.FloatField()
    speaker = models.CharField(max_length=16, choices=Speaker.choices)
    text = models.TextField(blank=True)
    unheard_text = models.TextField(blank=True)
    language = models.CharField(max_length=8, default="en")
    started_ms = models.PositiveIntegerField()
    ended_ms = models.PositiveIntegerField(null=True, blank=True)
    sent_ms = models.PositiveIntegerField(default=0)
    heard_ms = models.PositiveIntegerField(default=0)
    interrupted = models.BooleanField(default=False)
    transcribed = models.BooleanField(default=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["call", "position", "started_ms", "id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["call", "item_id"], name="transcript_item_once"),
        ]

    def __str__(self) -> str:
        return f"{self.get_speaker_display()} at {self.started_ms} ms"


class ToolCall(models.Model):
    """One call of a tool by the model, with the answer it got; unique by call and function-call id (S22)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    call = models.ForeignKey(CallLog, on_delete=models.CASCADE, related_name="tool_calls")
    # OpenAI's `call_id`; Django has taken that name for the column of `call`.
    function_call_id = models.CharField(max_length=64)
    name = models.CharField(max_length=64)
    arguments = models.JSONField(default=dict, blank=True)
    arguments_digest = models.CharField(max_length=64)
    code = models.CharField(max_length=40)  # "ok", or the stable code of the refusal
    # What this call of the tool made true, as a word of CallLog.Outcome; the call's outcome is computed from these.
    fact = models.CharField(max_length=24, choices=CallLog.Outcome.choices, blank=True)
    result = models.JSONField(default=dict)
    # What a resumed call goes on with: the exact output, its effect, and the gate's state after it; never shown.
    memory = models.JSONField(default=dict, editable=False)
    repeated = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    started_ms = models.PositiveIntegerField(default=0)
    duration_ms = models.PositiveIntegerField(default=0)

    class Meta:
        ordering: ClassVar[list[str]] = ["call", "created_at", "id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["call", "function_call_id"], name="tool_call_once"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.code}"


class IdentityAttempt(models.Model):
    """One try to prove who is calling; the limits of S14 count these rows, so they survive a reconnect."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    call = models.ForeignKey(CallLog, on_delete=models.CASCADE, related_name="identity_attempts")
    caller_number = models.CharField(max_length=64, blank=True)
    # A keyed hash of the name that was given, so that walking through birth dates is seen whoever calls (A5).
    name_digest = models.CharField(max_length=64, blank=True)
    patient = models.ForeignKey(
        "scheduling.Patient", on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    succeeded = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["created_at", "id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["caller_number", "created_at"]),
            models.Index(fields=["name_digest", "created_at"]),
            models.Index(fields=["created_at"]),
        ]

    def __str__(self) -> str:
        return "succeeded" if self.succeeded else "failed"


class WebhookReceipt(models.Model):
    """One event that Twilio told us, so that a repeat has no effect (S5)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    call_sid = models.CharField(max_length=64)
    kind = models.CharField(max_length=24)
    key = models.CharField(max_length=64)
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["received_at", "id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["call_sid", "kind", "key"], name="webhook_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class LiveEvent(models.Model):
    """
    Something that watchers are told: a number that rises, and ids; what it is about is read when it is shown.

    `reference` is the item id of a line, the id of a tool call, or the id of a task, which belongs to no call.
    """

    class Kind(models.TextChoices):
        CALL_STARTED = "call_started", "Call started"
        CALL_UPDATED = "call_updated", "Call changed"
        CALL_ENDED = "call_ended", "Call ended"
        LINE = "line", "Line of a transcript"
        TOOL_CALL = "tool_call", "Tool call"
        TASK_CREATED = "task_created", "Task created"
        TASK_CHANGED = "task_changed", "Task changed"

    seq = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    call = models.ForeignKey(
        CallLog, on_delete=models.CASCADE, null=True, blank=True, related_name="live_events"
    )
    reference = models.CharField(max_length=64, blank=True)
    occurred_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering: ClassVar[list[str]] = ["seq"]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["kind", "reference"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.seq}"
