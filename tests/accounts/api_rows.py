"""Records for the walk over the API: one of each kind that is the nurse's own, and one that is foreign."""

from collections.abc import Callable
from typing import Any

from accounts.models import User
from scheduling.models import Nurse, Patient
from tests.factories import (
    TOMORROW_NINE,
    make_appointment,
    make_assignment,
    make_nurse,
    make_patient,
    make_user,
    make_visit_type,
)

Pair = tuple[Any, Any]


class Rows:
    """A nurse who signs in, a patient of hers, and others; further records are made when they are asked for."""

    def __init__(self) -> None:
        self.login: User = make_user(role="nurse", username="nurse")
        self.nurse: Nurse = make_nurse(user=self.login)
        self.patient: Patient = make_patient()
        self.other_nurse, self.other_patient = make_nurse(), make_patient()
        make_assignment(patient=self.patient, nurse=self.nurse)
        make_visit_type()
        self._made: dict[str, Pair] = {
            "nurse": (self.nurse, self.other_nurse),
            "patient": (self.patient, self.other_patient),
        }

    def pair(self, name: str) -> Pair:
        """Return the nurse's own record of that kind, and a foreign one."""
        if name not in self._made:
            self._made[name] = MAKERS[name](self)
        return self._made[name]

    def filled(self, body: Any) -> Any:
        """Return a body with ids in the places of `$patient` and the like."""
        if isinstance(body, dict):
            return {name: self.filled(value) for name, value in body.items()}
        if isinstance(body, list):
            return [self.filled(value) for value in body]
        if isinstance(body, str) and body.startswith("$"):
            return str(self.pair(body[1:])[0].pk)
        return body


def _appointments(rows: Rows) -> Pair:
    return (
        make_appointment(patient=rows.patient, nurse=rows.nurse, start=TOMORROW_NINE),
        make_appointment(patient=rows.other_patient, nurse=rows.other_nurse, start=TOMORROW_NINE),
    )


MAKERS: dict[str, Callable[[Rows], Pair]] = {
    "appointment": _appointments,
}
