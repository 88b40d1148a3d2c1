"""Who cares for whom: assignments of nurses to patients, one of them the primary nurse."""

from uuid import UUID

from scheduling.exceptions import NotFound, NurseUnknown
from scheduling.models import CareAssignment, Nurse
from scheduling.services.transactions import lock_patient, run_atomically


def assign_nurse(*, patient_id: UUID, nurse_id: UUID) -> CareAssignment:
    """
    Assign a nurse to a patient, also one who was closed to the patient; a repetition changes nothing.

    Raises:
        NotFound, NurseUnknown: there is no such patient, or no such active nurse.
    """

    def work() -> CareAssignment:
        _lock(patient_id, nurse_id)
        assignment, _ = CareAssignment.objects.update_or_create(
            patient_id=patient_id, nurse_id=nurse_id, defaults={"closed": False}
        )
        return assignment

    return run_atomically(work)


def make_primary(*, patient_id: UUID, nurse_id: UUID) -> CareAssignment:
    """
    Make a nurse the patient's primary one; who was it before stays assigned.

    Raises:
        NotFound, NurseUnknown: there is no such patient, or no such active nurse.
    """

    def work() -> CareAssignment:
        _lock(patient_id, nurse_id)
        others = CareAssignment.objects.filter(patient_id=patient_id, primary=True)
        others.exclude(nurse_id=nurse_id).update(primary=False)
        assignment, _ = CareAssignment.objects.update_or_create(
            patient_id=patient_id, nurse_id=nurse_id, defaults={"primary": True, "closed": False}
        )
        return assignment

    return run_atomically(work)


def end_assignment(*, patient_id: UUID, nurse_id: UUID) -> None:
    """
    End an assignment; visits that are booked stay.

    Raises:
        NotFound: there is no such patient, or the nurse is not assigned.
    """

    def work() -> None:
        lock_patient(patient_id)
        rows = CareAssignment.objects.filter(patient_id=patient_id, nurse_id=nurse_id, closed=False)
        if not rows.delete()[0]:
            raise NotFound("This nurse is not assigned to the patient.")

    run_atomically(work)


def _lock(patient_id: UUID, nurse_id: UUID) -> None:
    """Lock the patient, at whose row all changes of one patient's assignments meet."""
    if not Nurse.objects.filter(pk=nurse_id, active=True).exists():
        raise NurseUnknown("There is no such nurse.")
    lock_patient(patient_id)
