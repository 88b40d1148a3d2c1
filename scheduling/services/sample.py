"""Sample data: the clinic of the test conversations, and other invented people up to the numbers asked."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from scheduling.clock import clinic_zone
from scheduling.exceptions import DatabaseNotEmpty
from scheduling.models import Nurse, Patient
from scheduling.sample import clinic, crowd


@dataclass(frozen=True, slots=True)
class LoadedClinic:
    """How many rows a run added."""

    patients: int
    nurses: int
    appointments: int


@transaction.atomic
def load_clinic(
    *,
    now: datetime,
    patients: int = 0,
    nurses: int = 0,
    appointments: int = 0,
    seed: int = 1,
    reset: bool = False,
) -> LoadedClinic:
    """
    Make the sample clinic, then other people and visits until there are as many as asked.

    A run repeated adds only what is missing. `reset` first removes the visits of the clinic's own nurses and six
    patients, so that they begin anew.

    Raises:
        DatabaseNotEmpty: there are patients or nurses that this did not make.
    """
    if Patient.objects.filter(sample=False).exists() or Nurse.objects.filter(sample=False).exists():
        raise DatabaseNotEmpty
    before = Patient.objects.count(), Nurse.objects.count()
    zone = clinic_zone()
    if reset:
        clinic.reset()
    visits = clinic.load(now=now, zone=zone)
    visits += crowd.load(
        now=now, zone=zone, patients=patients, nurses=nurses, appointments=appointments, seed=seed
    )
    return LoadedClinic(
        patients=Patient.objects.count() - before[0],
        nurses=Nurse.objects.count() - before[1],
        appointments=visits,
    )
