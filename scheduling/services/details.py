"""When a visit is, told to the patient once more because staff want it: fixed words again, never their own (S55)."""

from datetime import datetime
from uuid import UUID

from scheduling.exceptions import InvalidTransition, LimitReached, NotReachable
from scheduling.models import Appointment, Message
from scheduling.selectors.messages import own_words
from scheduling.services.drafts import draft, patient_as_recipient
from scheduling.services.outbox import notice_due
from scheduling.services.transactions import run_atomically
from scheduling.services.transitions import locked_appointment

KIND = Message.Kind.DETAILS


def send_details(*, appointment_id: UUID, channel: str = "", now: datetime) -> Message:
    """
    Write to a patient when a visit is, by `channel` or by the way that is preferred; at night it waits for the morning.

    Once for each way and each state of the visit: after a move it can be sent again, and what tells of an earlier state
    is dropped.

    Raises:
        NotFound: there is no such visit.
        InvalidTransition: it is not booked any more, or it has begun.
        NotReachable: there is no way that the patient has agreed to, or not that one.
        LimitReached: it was sent already.
        Busy: the database was too busy.
    """

    def work() -> Message:
        visit = locked_appointment(appointment_id)
        if visit.status != Appointment.Status.BOOKED or visit.start <= now:
            raise InvalidTransition("Only of a visit that is ahead can the patient be told.")
        recipient = patient_as_recipient(visit.patient, channel=channel)
        if recipient is None:
            raise NotReachable
        message = draft(
            kind=KIND,
            recipient=recipient,
            own=own_words(kinds=[KIND]),
            start=visit.start,
            due_at=notice_due(recipient, [visit.start], now, by_patient=False),
            expires_at=visit.start,
            appointment=visit,
        )
        sent = Message.objects.filter(
            appointment=visit,
            kind=KIND,
            channel=recipient.channel,
            appointment_sequence=visit.sequence,
            to=recipient.to,
        )
        if sent.exists():
            raise LimitReached("The patient was told already.")
        message.save()
        return message

    return run_atomically(work)
