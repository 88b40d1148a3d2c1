"""
Who is calling: the check of identity, its limits, and the registration of somebody new (security reference, S13–S15).

The answer depends on the number of the try alone. Everything else (unknown, wrong, two matches, inactive, deceased,
locked by any limit) takes the same path, writes the same rows and gives the same bytes.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.db import connection
from django.utils.crypto import salted_hmac

from accounts.models import AuditEvent
from accounts.services import record_event
from scheduling import selectors, services
from scheduling.selectors import PatientIdentity
from voice.assistant import callers
from voice.assistant.answers import Answer
from voice.assistant.desk import SOURCE, Desk
from voice.assistant.gate import Trust
from voice.assistant.phrases import short_name
from voice.models import CallLog, IdentityAttempt

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
PATIENT_ALARM = "identity_of_patient"
ATTEMPT_LOCK = 0x1D_E471  # any constant: PostgreSQL's advisory lock that makes the counts exact
OLDEST_BIRTH = date(1900, 1, 1)


def verify_identity(desk: Desk, values: Mapping[str, Any]) -> Answer:
    """
    Check who the visit is for.

    A new try always forgets the person before it (S18). The proof beside name and birth date is the number on file, if
    the carrier vouches for it, or a zip code, reference number or PIN.
    """
    call, gate = desk.call, desk.gate
    name = str(values.get("full_name", ""))
    person = _person(values)
    acting_as = _acting_as(desk, values, person)
    proved = person is not None and acting_as != "" and _is_proved(desk, values, person, acting_as)
    _lock_attempts()  # after the proof: a PIN's hash takes long, and all other callers wait for the lock
    tries = IdentityAttempt.objects.filter(call=call).count() + 1
    blocked = (
        call.locked
        or gate.trust is Trust.LOCKED
        or tries > settings.LIMIT_IDENTITY_ATTEMPTS_PER_CALL
        or number_is_spent(call, at=desk.at)
        or _failures(since=desk.at - HOUR) >= settings.LIMIT_IDENTITY_ATTEMPTS_PER_HOUR
        or _name_is_spent(name, person, at=desk.at)
    )
    IdentityAttempt.objects.create(
        call=call,
        caller_number=callers.known_number(call.from_number),
        name_digest=name_digest(name),
        patient_id=person.patient_id if person is not None else None,
        succeeded=proved and not blocked,
    )
    if person is not None and proved and not blocked:
        desk.patients.add(str(person.patient_id))
        return _verified(desk, values, person, acting_as)
    gate.forget_person()
    services.release_holds(owner=desk.owner, now=desk.now)
    if blocked or tries >= settings.LIMIT_IDENTITY_ATTEMPTS_PER_CALL or _now_spent(desk, name):
        lock_call(desk)
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


def birth_date(text: str) -> date | None:
    """Return a date of birth written YYYY-MM-DD, or None."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day >= OLDEST_BIRTH else None


def _verified(
    desk: Desk, values: Mapping[str, Any], person: PatientIdentity, acting_as: str
) -> Answer:
    services.release_holds(owner=desk.owner, now=desk.now)
    desk.gate.verify(
        patient_id=str(person.patient_id),
        acting_as=acting_as,
        provisional=bool(person.provisional),
        caller_name=str(values.get("caller_name", ""))[:100] if acting_as != "self" else "",
    )
    desk.gate.attempts += 1
    desk.call.patient_id = person.patient_id
    name = short_name(person.first_name)
    line = "verified_self" if acting_as == "self" else "verified_other"
    return Answer(
        desk.phrases.say(line, name=name),
        data={"verified": True, "first_name": name, "acting_as": acting_as},
    )


def _person(values: Mapping[str, Any]) -> PatientIdentity | None:
    """
    Return the one living, active patient of that name and birth date, or None.

    Somebody may have registered under a patient's name; such a provisional record counts only when there is no
    checked one, so that it cannot keep the real patient out.
    """
    full_name = str(values.get("full_name", ""))
    born = birth_date(str(values.get("date_of_birth", "")))
    if born is None or len(full_name.split()) < 2:
        return None
    found = selectors.patients_matching(full_name=full_name, date_of_birth=born)
    checked = [person for person in found if not person.provisional] or list(found)
    if len(checked) != 1 or not checked[0].active or checked[0].deceased:
        return None
    return checked[0]


def _acting_as(desk: Desk, values: Mapping[str, Any], person: PatientIdentity | None) -> str:
    """Return self, guardian or representative; empty if the record does not allow the caller to act (S18)."""
    if values.get("calling_for", "self") == "self":
        return "self"
    caller_name = str(values.get("caller_name", ""))
    if person is None or not caller_name:
        return ""
    return str(selectors.acting_for(patient_id=person.patient_id, caller_name=caller_name))


def _is_proved(
    desk: Desk, values: Mapping[str, Any], person: PatientIdentity, acting_as: str
) -> bool:
    caller = callers.known_number(desk.call.from_number)
    numbers = tuple(person.phone_numbers)
    if acting_as != "self":
        numbers += tuple(
            selectors.relation_phone_numbers(
                patient_id=person.patient_id, caller_name=str(values["caller_name"])
            )
        )
    if desk.call.caller_attested and any(callers.same_number(caller, number) for number in numbers):
        return True
    given = str(values.get("second_factor", ""))
    if callers.matches_proof(given, (person.postal_code, person.reference_number)):
        return True
    pin = callers.proof(given)
    return bool(pin and person.pin_hash) and check_password(pin, person.pin_hash)


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


def _name_is_spent(full_name: str, person: PatientIdentity | None, *, at: datetime) -> bool:
    """
    Say whether a patient was tried too often in a day, or the alarm about it still waits for a person (A5).

    What is counted is the name that was given: with a wrong birth date nobody else can be meant.
    """
    most = settings.LIMIT_IDENTITY_ATTEMPTS_PER_PATIENT_DAY
    if _failures_with_name(full_name, at=at) >= most:
        return True
    return person is not None and selectors.has_open_alarm(
        patient_id=person.patient_id, topic=PATIENT_ALARM
    )


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
    already = desk.call.locked
    desk.gate.lock()
    desk.call.locked = True
    if not already:
        record_event(
            action="verify_identity",
            outcome="locked",
            surface="call",
            actor_type=AuditEvent.ActorType.CALL,
            actor_id=desk.call.pk,
            object_type="call",
            object_id=desk.call.pk,
            request_id=desk.call.call_sid,
        )


def _lock_attempts() -> None:
    """Let one check of identity run at a time; SQLite's writers wait for each other anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ATTEMPT_LOCK])
