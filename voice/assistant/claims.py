"""
What a caller claims about an identity, compared with the record (security reference, S13 and S15).

The work is the same whoever is meant: where there is no such person, the same queries and the same hash run for
nobody. It is done before the transaction of the tool: a PIN's hash takes a third of a second, and on SQLite all
writers would wait for it. Whether the claim counts is decided afterwards, with the attempt counted (`identity`).
"""

import re
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password

from scheduling import selectors
from scheduling.selectors import PatientIdentity
from voice.assistant import callers
from voice.models import CallLog, IdentityAttempt

OLDEST_BIRTH = date(1900, 1, 1)
NOBODY = PatientIdentity(
    patient_id=UUID(int=0),
    first_name="",
    full_name="",
    phone_numbers=(),
    postal_code="",
    reference_number="",
    pin_hash="",
    preferred_language="",
    active=False,
    deceased=False,
    provisional=False,
)
_hashing = threading.Lock()  # one hash at a time: the cores belong to the audio of the other calls


@dataclass(frozen=True, slots=True)
class Claim:
    """
    A claim and what it is worth.

    `person` is the one living, active patient of that name and birth date, or NOBODY. `acting_as` is self, guardian or
    representative, or empty if the record does not allow the caller to act (S18).
    """

    person: PatientIdentity
    acting_as: str
    proved: bool

    @property
    def patient_id(self) -> UUID | None:
        """The patient who is meant, if there is one."""
        return None if self.person is NOBODY else self.person.patient_id


NO_CLAIM = Claim(NOBODY, "", proved=False)


def examine(call: CallLog, values: Mapping[str, Any]) -> Claim:
    """
    Compare the arguments of `verify_identity` with the record.

    The proof beside name and birth date is the number on file, if the carrier vouches for it, or a zip code, reference
    number or PIN. A PIN is compared for as long as the call may try, so that its hash is no way to keep us busy.
    """
    person = _person(values)
    numbers = person.phone_numbers
    acting_as = "self"
    if values.get("calling_for", "self") != "self":
        caller_name = str(values.get("caller_name", ""))
        acting_as = selectors.acting_for(patient_id=person.patient_id, caller_name=caller_name)
        numbers += selectors.relation_phone_numbers(
            patient_id=person.patient_id, caller_name=caller_name
        )
    given = str(values.get("second_factor", ""))
    tries = IdentityAttempt.objects.filter(call=call).count()
    may_try = tries < settings.LIMIT_IDENTITY_ATTEMPTS_PER_CALL
    caller = callers.known_number(call.from_number)
    proofs = (
        call.caller_attested and any(callers.same_number(caller, number) for number in numbers),
        callers.matches_proof(given, (person.postal_code, person.reference_number)),
        may_try and _is_pin(given, person),
    )
    return Claim(person, acting_as, proved=person is not NOBODY and acting_as != "" and any(proofs))


def birth_date(text: str) -> date | None:
    """Return a date of birth written YYYY-MM-DD, or None."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day >= OLDEST_BIRTH else None


def _person(values: Mapping[str, Any]) -> PatientIdentity:
    """
    Return the one living, active patient of that name and birth date, or NOBODY.

    Somebody may have registered under a patient's name; such a provisional record counts only when there is no
    checked one, so that it cannot keep the real patient out.
    """
    full_name = str(values.get("full_name", ""))
    born = birth_date(str(values.get("date_of_birth", "")))
    found = selectors.patients_matching(full_name=full_name, date_of_birth=born or date.min)
    checked = [person for person in found if not person.provisional] or list(found)
    if born is None or len(full_name.split()) < 2 or len(checked) != 1:
        return NOBODY
    (person,) = checked
    return person if person.active and not person.deceased else NOBODY


def _is_pin(given: str, person: PatientIdentity) -> bool:
    """Say whether a person's PIN was given; without a PIN on record the hash is made all the same."""
    pin = callers.proof(given)
    if not pin:
        return False
    with _hashing:
        nobodys = _hash_of_nobodys_pin()
        matches = check_password(pin, person.pin_hash or nobodys)
    return matches and person.pin_hash != ""


@cache
def _hash_of_nobodys_pin() -> str:
    """Return the hash that is compared where there is none, made like a real one."""
    return make_password(secrets.token_hex())
