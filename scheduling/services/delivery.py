"""
Sending what the outbox holds: claim one due message, ask whether it is still wanted, send it, record the end.

`sending` is committed before anything leaves, so a text goes out at most once (security reference, R10): one found
`sending` after its lease is `unresolved` and waits for a person. Two clocks are at work: `now` is the real one, for
leases and retries; `clinic_now` decides what is due, expired or still wanted.
"""

import logging
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.audit.by_itself import Deed, record_deeds
from scheduling.messages import transports
from scheduling.models import Message, Source, StaffTask
from scheduling.selectors.calendar import next_staffed
from scheduling.services.outbox import rests_until, still_wanted
from scheduling.services.people import record_consent

logger = logging.getLogger(__name__)
Status = Message.Status
Channel = Message.Channel

LEASE = timedelta(seconds=60)
"""Longer than any request takes: each of its steps has a timeout of 15 s."""
MOST_ATTEMPTS = 12
FIRST_WAIT_S, LONGEST_WAIT_S = 5.0, 1_800.0
OPTED_OUT = "21610"
ACTOR = "worker"

TRANSPORTS: dict[str, Callable[[transports.Outgoing], transports.Accepted]] = {
    Channel.SMS: transports.send_text,
    Channel.EMAIL: transports.send_mail,
}
# Twilio's words in their order; a later report never takes a message back (twilio reference, section 9).
RANK = {
    "": -1, "accepted": 0, "scheduled": 0, "queued": 1, "sending": 2, "sent": 3,
    "delivered": 4, "undelivered": 4, "failed": 4, "canceled": 4,
}  # fmt: skip
ARRIVED, LOST = "delivered", frozenset({"undelivered", "failed", "canceled"})

UNCERTAIN = "It is not known whether this message went out. Ask before you write again."
CAUSES = {
    "21211": "The number is not a valid one.",
    "21408": "Texts to that country are switched off in the account.",
    "21603": "The sending number is not set up.",
    "21606": "The sending number cannot send texts.",
    "21612": "The number cannot be reached from ours.",
    "21614": "The number is not a mobile phone.",
    "21617": "The text is too long.",
    "21703": "The messaging service has no number to send from.",
    "30003": "The phone was switched off or out of reach.",
    "30004": "The number blocks our texts.",
    "30005": "The number is unknown to the carrier.",
    "30006": "The number is a landline or cannot get texts: call instead.",
    "30007": "The carrier took the text for spam: tell whoever runs the system.",
    "30032": "Our number is not verified: tell whoever runs the system.",
    "30034": "Our number is not registered for texts: tell whoever runs the system.",
    "not_configured": "No account for texts is set up: tell whoever runs the system.",
    "no_connection": "The carrier or the mail server could not be reached for hours.",
}
OTHER_CAUSE = "The carrier or the mail server refused it."


def deliver_next(*, channel: str, now: datetime, clinic_now: datetime) -> bool:
    """Deal with the message of a channel that is due longest; return whether there was one."""
    if not _due(channel, now, clinic_now).exists():  # an idle look takes no lock
        return False
    message = _claim(channel, now, clinic_now)
    if message is None:
        return False
    if message.status == Status.SENDING:
        _send(message, now, clinic_now)
    return True


def resolve_lost(*, now: datetime, clinic_now: datetime) -> int:
    """Give up on messages whose worker died while sending; return how many there were."""
    lost = Message.objects.filter(status=Status.SENDING, lease_until__lt=now)
    if not lost.exists():
        return 0
    with transaction.atomic():
        messages = list(lost.select_for_update(skip_locked=True, no_key=True)[:100])
        for message in messages:
            _give_up(message, Status.UNRESOLVED, "worker_lost", clinic_now)
        record_deeds(_deed("given_up", message) for message in messages)
    return len(messages)


def record_delivery_status(
    *,
    provider_id: str,
    status: str,
    error_code: str,
    now: datetime,
    message_id: UUID | None = None,
) -> bool:
    """
    Take over what the carrier says of a text; return whether it concerned one of ours and was news.

    Reports come late, twice and out of order: rank decides and the first last word stands. `message_id` finds a
    text whose acceptance we never heard of, and resolves it.
    """
    if status not in RANK or not provider_id:
        return False
    with transaction.atomic():
        message = _reported(provider_id, message_id)
        if message is None or RANK[status] <= RANK.get(message.provider_status, -1):
            return False
        message.provider_id = provider_id
        message.provider_status = status
        message.sent_at = message.sent_at or now
        message.lease_until = None
        if status in LOST:
            _give_up(message, Status.FAILED, error_code or status, now)
        else:
            message.status = Status.DELIVERED if status == ARRIVED else Status.SENT
            message.save()
        record_deeds([_deed("reported", message)], surface="sms")
    logger.info("scheduling.message.reported", extra={"status": status, "code": error_code})
    return True


def _reported(provider_id: str, message_id: UUID | None) -> Message | None:
    """Lock the text that a report is about: by the carrier's id, or by ours while the carrier's is not known."""
    asked = Q(provider_id=provider_id)
    if message_id is not None:
        begun = (Status.SENDING, Status.UNRESOLVED)
        asked |= Q(pk=message_id, provider_id="", channel=Channel.SMS, status__in=begun)
    return Message.objects.select_for_update(no_key=True).filter(asked).first()


def _due(channel: str, now: datetime, clinic_now: datetime) -> QuerySet[Message]:
    waiting = Message.objects.filter(channel=channel, status=Status.PENDING, due_at__lte=clinic_now)
    tried = Q(next_attempt_at__isnull=True) | Q(next_attempt_at__lte=now)
    return waiting.filter(tried).order_by("due_at", "created_at", "id")


def _claim(channel: str, now: datetime, clinic_now: datetime) -> Message | None:
    """Take the next message to send it, drop it or let it rest; nobody else can have it then."""
    with transaction.atomic():
        due = _due(channel, now, clinic_now)
        message = due.select_for_update(skip_locked=True, no_key=True).first()
        if message is None:
            return None
        if unwanted := still_wanted(message, clinic_now):
            message.status = Status.DROPPED
            logger.info("scheduling.message.dropped", extra={"reason": unwanted})
        elif rest := rests_until(message, clinic_now):
            message.due_at = rest
        else:
            message.status = Status.SENDING
            message.attempts += 1
            message.lease_until = now + LEASE
        message.save(update_fields=["status", "attempts", "lease_until", "due_at"])
        if message.status != Status.SENDING:  # what is being sent is told of when its end is known
            act = "dropped" if unwanted else "postponed"
            record_deeds([_deed(act, message, reason=unwanted)])
    return message


def _send(message: Message, now: datetime, clinic_now: datetime) -> None:
    """Send a claimed message; only this function lets anything out."""
    expires_at = message.expires_at
    outgoing = transports.Outgoing(
        message_id=message.pk,
        to=message.to,
        subject=message.subject,
        body=message.body,
        validity_s=int((expires_at - clinic_now).total_seconds()) if expires_at else None,
    )
    try:
        accepted = TRANSPORTS[message.channel](outgoing)
    except transports.NotSent as failure:
        _record_not_sent(message, failure.code, now, clinic_now)
    except transports.Refused as failure:
        _record_end(message, Status.FAILED, failure.code, clinic_now)
    except transports.Uncertain as failure:
        _record_end(message, Status.UNRESOLVED, failure.code, clinic_now)
    else:
        _record_accepted(message, accepted, now)


def _record_accepted(message: Message, accepted: transports.Accepted, now: datetime) -> None:
    """Record that the carrier has it, unless a report has already told more."""
    with transaction.atomic():
        stored = Message.objects.select_for_update(no_key=True).get(pk=message.pk)
        stored.sent_at = now
        stored.provider_id = stored.provider_id or accepted.provider_id
        if stored.status in {Status.SENDING, Status.UNRESOLVED}:
            stored.status = Status.SENT
            stored.provider_status = accepted.provider_status
            stored.error_code = ""
        stored.lease_until = None
        stored.save()
        record_deeds([_deed("sent", stored)])
    logger.info("scheduling.message.sent", extra={"reason": message.kind})


def _record_not_sent(message: Message, code: str, now: datetime, clinic_now: datetime) -> None:
    """Put a message that certainly did not leave back into the queue, later and later, then give up."""
    if message.attempts >= MOST_ATTEMPTS:
        _record_end(message, Status.FAILED, code, clinic_now)
        return
    wait_s = min(FIRST_WAIT_S * 3.0 ** (message.attempts - 1), LONGEST_WAIT_S)
    with transaction.atomic():
        waits = Message.objects.filter(pk=message.pk, status=Status.SENDING).update(
            status=Status.PENDING,
            error_code=code,
            lease_until=None,
            next_attempt_at=now + timedelta(seconds=wait_s * random.uniform(0.5, 1.0)),
        )
        if waits:
            message.status = Status.PENDING
            record_deeds([_deed("not_sent", message, reason=code)])
    logger.warning("scheduling.message.not_sent", extra={"code": code, "count": message.attempts})


def _record_end(message: Message, status: str, code: str, clinic_now: datetime) -> None:
    """Record how a request ended that brought no acceptance, unless a report has told more meanwhile."""
    with transaction.atomic():
        stored = Message.objects.select_for_update(no_key=True).get(pk=message.pk)
        if stored.status == Status.SENDING:
            _give_up(stored, status, code, clinic_now)
            record_deeds([_deed("given_up", stored)])


def _deed(act: str, message: Message, *, reason: str = "") -> Deed:
    """Return what was done to a message; the outcome is the state that it is in now."""
    return Deed(
        action=f"message.{act}",
        object_id=message.pk,
        patient_id=message.patient_id,
        outcome=message.status,
        reason=reason or message.error_code,
    )


def _give_up(message: Message, status: str, code: str, clinic_now: datetime) -> None:
    """
    Store the end of a locked message that did not arrive, and tell staff.

    Somebody who opted out at the carrier has chosen so: the choice is stored and nobody is asked to act. What becomes
    known of a message whose end was uncertain is written into the task that it has already.
    """
    was_uncertain = message.status == Status.UNRESOLVED
    message.status = status
    message.error_code = code
    message.lease_until = None
    message.save()
    logger.warning("scheduling.message.given_up", extra={"status": status, "code": code})
    if code == OPTED_OUT:
        record_consent(
            channel="sms",
            purpose="appointments",
            granted=False,
            wording=f"The carrier reports that this number opted out ({OPTED_OUT}).",
            source=Source.SMS,
            phone=message.to,
            now=clinic_now,
        )
        return
    cause = UNCERTAIN if status == Status.UNRESOLVED else CAUSES.get(code, OTHER_CAUSE)
    if was_uncertain:
        _correct_task(message, cause)
        return
    StaffTask.objects.create(
        kind=StaffTask.Kind.UNDELIVERED,
        topic=message.channel,
        text=_task_text(message, cause),
        callback_number=_callback_number(message),
        patient=message.patient,
        appointment=message.appointment,
        due_at=next_staffed(now=clinic_now),
        source=Source.SMS,
        actor=ACTOR,
    )


def _correct_task(message: Message, cause: str) -> None:
    """Write the cause, now known, into the task of an uncertain message; one that staff have done stays done."""
    tasks = StaffTask.objects.select_for_update(no_key=True).filter(
        kind=StaffTask.Kind.UNDELIVERED,
        status=StaffTask.Status.OPEN,
        text=_task_text(message, UNCERTAIN),
        callback_number=_callback_number(message),
        patient=message.patient,
        appointment=message.appointment,
    )
    task = tasks.order_by("created_at", "id").first()
    if task is not None:
        task.text = _task_text(message, cause)
        task.save(update_fields=["text"])


def _task_text(message: Message, cause: str) -> str:
    return f"{message.get_channel_display()}, {message.get_kind_display()}: {cause}"


def _callback_number(message: Message) -> str:
    return message.to if message.channel == Channel.SMS else ""
