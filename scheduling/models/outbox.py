"""What waits to be sent: messages to patients, and events to other systems."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q

from scheduling.models.appointments import Appointment
from scheduling.models.people import MessageChannel


class Message(models.Model):
    """
    One message to a patient or a nurse, written in the transaction of the fact that it tells.

    `due_at` is when it is wanted, `next_attempt_at` when it is tried next, `lease_until` how long the worker that has
    it may keep it. A text found `sending` after its lease is `unresolved`: whether it went out nobody knows, and it is
    never sent again (security reference, R10).
    """

    Channel = MessageChannel

    class Kind(models.TextChoices):
        CONFIRMATION = "confirmation", "Visit booked"
        RESCHEDULED = "rescheduled", "Visit moved"
        CANCELLATION = "cancellation", "Visit cancelled"
        NURSE_CHANGED = "nurse_changed", "Another nurse"
        SERIES_BOOKED = "series_booked", "Series booked"
        SERIES_RESCHEDULED = "series_rescheduled", "Series moved"
        SERIES_CANCELLED = "series_cancelled", "Series cancelled"
        REMINDER_48H = "reminder_48h", "Reminder, two days before"
        REMINDER_2H = "reminder_2h", "Reminder, two hours before"
        DETAILS = "details", "When the visit is, sent by staff"
        WAITLIST_OFFER = "waitlist_offer", "Offer from the waitlist"
        REPLY = "reply", "Answer to a text"
        NURSE_BOOKED = "nurse_booked", "To the nurse: visit booked"
        NURSE_RESCHEDULED = "nurse_rescheduled", "To the nurse: visit moved"
        NURSE_CANCELLED = "nurse_cancelled", "To the nurse: visit cancelled"

    class Status(models.TextChoices):
        PENDING = "pending", "Pending"
        SENDING = "sending", "Being sent"
        SENT = "sent", "Sent"
        DELIVERED = "delivered", "Delivered"
        FAILED = "failed", "Failed"
        UNRESOLVED = "unresolved", "Not known whether sent"
        DROPPED = "dropped", "No longer needed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    channel = models.CharField(max_length=8, choices=MessageChannel.choices)
    kind = models.CharField(max_length=24, choices=Kind.choices)
    patient = models.ForeignKey(
        "scheduling.Patient",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="messages",
    )
    nurse = models.ForeignKey(
        "scheduling.Nurse",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="notices",
    )
    appointment = models.ForeignKey(
        Appointment, on_delete=models.CASCADE, null=True, blank=True, related_name="messages"
    )
    appointment_sequence = models.PositiveIntegerField(null=True, blank=True)
    to = models.CharField(max_length=254)
    language = models.CharField(max_length=8, default="en")
    subject = models.CharField(max_length=200, blank=True, help_text="Of an e-mail.")
    body = models.TextField()
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.PENDING)
    due_at = models.DateTimeField()
    expires_at = models.DateTimeField(
        null=True, blank=True, help_text="After this it is worse than nothing, and is dropped."
    )
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    provider_id = models.CharField(max_length=64, blank=True)
    provider_status = models.CharField(max_length=16, blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-created_at", "id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["status", "due_at"], name="message_due"),
            models.Index(
                fields=["provider_id"], condition=~Q(provider_id=""), name="message_provider"
            ),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["appointment", "kind", "channel", "appointment_sequence", "to"],
                name="message_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.get_status_display()}"


class MessageTemplate(models.Model):
    """
    The clinic's own words for a kind of message; without a row the built-in words are used.

    Only the names of `scheduling/messages` may stand in braces: a text never tells who, why or what for (S55).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=24, choices=Message.Kind.choices)
    channel = models.CharField(max_length=8, choices=MessageChannel.choices)
    language = models.CharField(max_length=8, choices=[("en", "English"), ("es", "Spanish")])
    subject = models.CharField(max_length=200, blank=True, help_text="Of an e-mail.")
    body = models.TextField()
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["kind", "channel", "language"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["kind", "channel", "language"], name="template_once"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.get_channel_display()}, {self.language}"


class WebhookEndpoint(models.Model):
    """
    An address of another system that is told of events (scheduling reference, section 15).

    The secrets are sealed (`scheduling/webhooks/sealed_secrets.py`); during a rotation both sign.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100, blank=True)
    description = models.TextField(blank=True)
    url = models.URLField(max_length=2048)
    events = models.JSONField(default=list, blank=True, help_text="Types of events; empty: all.")
    secret = models.CharField(max_length=255, editable=False)
    previous_secret = models.CharField(max_length=255, blank=True, editable=False)
    previous_secret_until = models.DateTimeField(null=True, blank=True, editable=False)
    active = models.BooleanField(default=True)
    last_attempt_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["created_at", "id"]

    def __str__(self) -> str:
        return self.name or f"Endpoint {self.id}"


class EventNumber(models.Model):
    """Rising numbers for events, which the database hands out without one writer waiting for another."""

    number = models.BigAutoField(primary_key=True)

    def __str__(self) -> str:
        return str(self.number)


class WebhookDelivery(models.Model):
    """
    One event on its way to one endpoint; the id of the event is the same on every try.

    Per endpoint the pending row with the lowest `sequence` goes first and the others wait for it. `due_at` is when it
    is tried next, `lease_until` how long the worker that has it may keep it; both are the real clock's.
    """

    class Status(models.TextChoices):
        PENDING = "pending", "Pending"
        DELIVERED = "delivered", "Delivered"
        FAILED = "failed", "Failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    endpoint = models.ForeignKey(
        WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries"
    )
    event_id = models.UUIDField()
    event_type = models.CharField(max_length=64)
    body = models.TextField(help_text="The exact text that is signed and sent.")
    sequence = models.PositiveBigIntegerField(
        default=0, help_text="The number of the event: later events of one thing have higher ones."
    )
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True, blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    response_status = models.PositiveSmallIntegerField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "webhook deliveries"
        ordering: ClassVar[list[str]] = ["-created_at", "id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["status", "due_at"], name="delivery_due"),
            models.Index(
                fields=["endpoint", "sequence", "id"],
                condition=Q(status="pending"),
                name="delivery_queue",
            ),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["endpoint", "event_id"], name="delivery_once"),
        ]

    def __str__(self) -> str:
        return f"{self.event_type}, {self.get_status_display()}"
