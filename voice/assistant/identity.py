"""
Who is calling: the check of identity, its limits, and the registration of somebody new (security reference, S13–S15).

The answer depends on the number of the try alone. Everything else (unknown, wrong, two matches, inactive, deceased,
locked by any limit) takes the same path, writes the same rows and gives the same bytes.
"""

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.crypto import salted_hmac

from accounts.models import AuditEvent
from accounts.services import record_event
from scheduling import selectors, services
from voice.assistant import callers
from voice.assistant.answers import Answer
from voice.assistant.claims import Claim
from voice.assistant.desk import SOURCE, Desk
from voice.assistant.gate import Trust
from voice.assistant.phrases import short_name
from voice.locks import Counted, lock
from voice.models import CallLog, IdentityAttempt

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
PATIENT_ALARM = "identity_of_patient"


def verify_identity(desk: Desk, values: Mapping[str, Any]) -> Answer:
    """
    Decide on the claim of who the visit is for.

    A new try always forgets the person before it (S18). Every failure runs the same statements, whatever its cause.
    """
    call, gate, claim = desk.call, desk.gate, desk.claim
    name = str(values.get("full_name", ""))
    lock(Counted.IDENTITY_ATTEMPTS)  # two calls at once must not both be the last one allowed
    tries = IdentityAttempt.objects.filter(call=call).count() + 1
    blocked = any(
        (
            call.locked,
            gate.trust is Trust.LOCKED,
            tries > settings.LIMIT_IDENTITY_ATTEMPTS_PER_CALL,
            number_is_spent(call, at=desk.at),
            _failures(since=desk.at - HOUR) >= settings.LIMIT_IDENTITY_ATTEMPTS_PER_HOUR,
            _name_is_spent(name, at=desk.at),
            _alarm_is_open(claim),
        )
    )
    verified = claim.proved and not blocked
    IdentityAttempt.objects.create(
        call=call,
        caller_number=callers.known_number(call.from_number),
        name_digest=name_digest(name),
        patient_id=claim.patient_id,
        succeeded=verified,
    )
    if verified:
        desk.patients.add(str(claim.patient_id))
        return _verified(desk, values, claim)
    gate.forget_person()
    services.release_holds(owner=desk.owner, now=desk.now)
    spent = _now_spent(desk, name)
    _note_failure(
        desk, locks=blocked or spent or tries >= settings.LIMIT_IDENTITY_ATTEMPTS_PER_CALL
    )
    gate.attempts = tries
    return failed_identity(desk, tries)


def failed_identity(desk: Desk, tries: int) -> Answer:
    """Return the answer to the `tries`th failure of a call: it depends on nothing else (contract, section 8)."""
    code = "not_verified" if tries < settings.LIMIT_IDENTITY_ATTEMPTS_PER_CALL else "locked"
    return Answer(desk.phrases.say(code), code=code, data={"verified": False}, exact=True)


def number_is_spent(call: CallLog, *, at: datetime) -> bool:
    """Say whether the caller's number has failed too often in a day; withheld numbers share one count."""
    number = callers.known_number(call.from_number)
    most = (
        settings.LIMIT_IDENTITY_ATTEMPTS_PER_NUMBER_DAY
        if number
        else settings.LIMIT_IDENTITY_ATTEMPTS_WITHHELD_DAY
    )
    return _failures(since=at - DAY, caller_number=number) >= most


def answer_in(elapsed_s: float) -> float:
    """
    Return how many seconds after `elapsed_s` of work the answer is due: at the next multiple of the fixed time.

    It is counted from the start of the attempt, so that the work's own length tells nothing (S15).
    """
    step = settings.LIMIT_IDENTITY_ANSWER_MS / 1000
    return max(math.ceil(elapsed_s / step), 1) * step - elapsed_s if step else 0.0


def _verified(desk: Desk, values: Mapping[str, Any], claim: Claim) -> Answer:
    services.release_holds(owner=desk.owner, now=desk.now)
    acting_as = claim.acting_as
    desk.gate.verify(
        patient_id=str(claim.patient_id),
        acting_as=acting_as,
        provisional=claim.person.provisional,
        caller_name=str(values.get("caller_name", ""))[:100] if acting_as != "self" else "",
    )
    desk.gate.attempts += 1
    desk.call.patient_id = claim.patient_id
    name = short_name(claim.person.first_name)
    line = "verified_self" if acting_as == "self" else "verified_other"
    return Answer(
        desk.phrases.say(line, name=name),
        data={"verified": True, "first_name": name, "acting_as": acting_as},
    )


def _failures(*, since: datetime, **which: Any) -> int:
    return IdentityAttempt.objects.filter(succeeded=False, created_at__gt=since, **which).count()


def name_digest(full_name: str) -> str:
    """Return a keyed hash that is the same for all spellings of a full name; half a name has none."""
    key = selectors.name_key(full_name)
    if len(key.split()) < 2:
        return ""
    return salted_hmac("voice.identity", key, algorithm="sha256").hexdigest()


def _failures_with_name(full_name: str, *, at: datetime) -> int:
    digest = name_digest(full_name)
    return _failures(since=at - DAY, name_digest=digest) if digest else 0


def _name_is_spent(full_name: str, *, at: datetime) -> bool:
    """
    Say whether a patient was tried too often in a day (A5).

    What is counted is the name that was given: with a wrong birth date nobody else can be meant.
    """
    most = settings.LIMIT_IDENTITY_ATTEMPTS_PER_PATIENT_DAY
    return _failures_with_name(full_name, at=at) >= most


def _alarm_is_open(claim: Claim) -> bool:
    """Say whether an alarm about the patient still waits for a person."""
    return selectors.has_open_alarm(patient_id=claim.person.patient_id, topic=PATIENT_ALARM)


def _now_spent(desk: Desk, full_name: str) -> bool:
    """Say whether this failure used up a limit; the limits of a patient and of everybody alarm the staff once."""
    spent = number_is_spent(desk.call, at=desk.at)
    most_hour = settings.LIMIT_IDENTITY_ATTEMPTS_PER_HOUR
    if _failures(since=desk.at - HOUR) == most_hour:
        _alarm(desk, "identity_everywhere", f"{most_hour} failed checks of identity in an hour.")
        spent = True
    most = settings.LIMIT_IDENTITY_ATTEMPTS_PER_PATIENT_DAY
    failures = _failures_with_name(full_name, at=desk.at)
    if failures == most:
        for patient_id in selectors.patients_named(full_name=full_name):
            text = f"{most} failed checks of this patient's identity in a day."
            _alarm(desk, PATIENT_ALARM, text, patient_id=patient_id)
    return spent or failures >= most


def _alarm(desk: Desk, kind: str, text: str, patient_id: UUID | None = None) -> None:
    services.raise_alarm(
        kind=kind,
        text=text,
        callback_number="",
        patient_id=patient_id,
        source=SOURCE,
        actor=desk.actor,
        now=desk.now,
    )


def lock_call(desk: Desk) -> None:
    """Lock the call for good; the row keeps it locked across a reconnect (A29)."""
    if not desk.call.locked:
        _lock(desk)
        _record(desk, "locked")


def _note_failure(desk: Desk, *, locks: bool) -> None:
    """Record a failure, as what locks the call if it is the first to do so; each failure writes one event (S15)."""
    was_locked = desk.call.locked
    if locks:
        _lock(desk)
    _record(desk, "locked" if locks and not was_locked else "attempt_failed")


def _lock(desk: Desk) -> None:
    desk.gate.lock()
    desk.call.locked = True


def _record(desk: Desk, outcome: str) -> None:
    record_event(
        action="verify_identity",
        outcome=outcome,
        surface="call",
        actor_type=AuditEvent.ActorType.CALL,
        actor_id=desk.call.pk,
        object_type="call",
        object_id=desk.call.pk,
        request_id=desk.call.call_sid,
    )
