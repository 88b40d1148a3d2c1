"""Patients found by what people say of themselves; never by an address, which would end up in logs (S53)."""

import re
from dataclasses import dataclass
from datetime import date

from django.db.models import Q, QuerySet

from scheduling.models import Patient
from scheduling.names import name_key

ORNAMENTS = re.compile(r"[\s().\-/]")


@dataclass(frozen=True, slots=True)
class Sought:
    """What is known of somebody; what is empty does not matter."""

    name: str = ""
    """First name, last name or both, or beginnings and parts of them, in any spelling and order."""
    date_of_birth: date | None = None
    phone: str = ""
    """The first or the second number, with its country code."""
    email: str = ""
    reference_number: str = ""


def patients_found(rows: QuerySet[Patient], *, sought: Sought) -> QuerySet[Patient]:
    """Return those patients for whom everything that is known is true, in the order they have."""
    for word in name_key(sought.name).split():
        rows = rows.filter(name_key__contains=word)
    if sought.date_of_birth:
        rows = rows.filter(date_of_birth=sought.date_of_birth)
    if sought.phone:
        number = ORNAMENTS.sub("", sought.phone)
        rows = rows.filter(Q(phone=number) | Q(second_phone=number))
    if sought.email:
        rows = rows.filter(email__iexact=sought.email)
    if sought.reference_number:
        rows = rows.filter(reference_number=sought.reference_number)
    return rows
