"""Who cares for whom: assignments of nurses to patients, one of them the primary nurse."""

from uuid import UUID

from django.core.exceptions import ValidationError

from scheduling.exceptions import AlreadyAssigned, NotFound, NurseUnknown
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


def create_assignment(
    *, patient_id: UUID, nurse_id: UUID, primary: bool = False, closed: bool = False
) -> CareAssignment:
    """
    Assign a nurse to a patient, or close the nurse to the patient.

    Raises:
        NotFound, NurseUnknown: there is no such patient, or no such active nurse.
        AlreadyAssigned: there is such an assignment, or the nurse is closed to the patient.
        ValidationError: the primary nurse would be closed to the patient.
    """

    def work() -> CareAssignment:
        _lock(patient_id, nurse_id)
        if CareAssignment.objects.filter(patient_id=patient_id, nurse_id=nurse_id).exists():
            raise AlreadyAssigned
        row = CareAssignment(patient_id=patient_id, nurse_id=nurse_id)
        return _settle(row, primary=primary, closed=closed)

    return run_atomically(work)


def change_assignment(
    *, assignment_id: UUID, primary: bool | None = None, closed: bool | None = None
) -> CareAssignment:
    """
    Make a nurse the primary one or not, or close the nurse to the patient or not; what is not told stays.

    Who is made primary is closed no more, and who is closed is primary no more.

    Raises:
        NotFound: there is no such assignment.
        ValidationError: the primary nurse would be closed to the patient.
    """

    def work() -> CareAssignment:
        row = locked_assignment(assignment_id)
        is_primary = (row.primary and not closed) if primary is None else primary
        is_closed = (row.closed and not primary) if closed is None else closed
        return _settle(row, primary=is_primary, closed=is_closed)

    return run_atomically(work)


def delete_assignment(*, assignment_id: UUID) -> None:
    """
    End an assignment, or open a closed nurse to the patient again; visits that are booked stay.

    Raises:
        NotFound: there is no such assignment.
    """
    run_atomically(lambda: locked_assignment(assignment_id).delete())


def locked_assignment(assignment_id: UUID) -> CareAssignment:
    """
    Return an assignment, its patient locked.

    Raises:
        NotFound: there is no such assignment.
    """
    rows = CareAssignment.objects.filter(pk=assignment_id)
    found = rows.first()
    if found is not None:
        lock_patient(found.patient_id)
        found = rows.first()
    if found is None:
        raise NotFound("There is no such assignment.")
    return found


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


def _settle(row: CareAssignment, *, primary: bool, closed: bool) -> CareAssignment:
    """Store an assignment of a locked patient; who was the primary nurse before stays assigned."""
    if primary and closed:
        raise ValidationError({"primary": "The primary nurse is not closed to the patient."})
    if primary:
        others = CareAssignment.objects.filter(patient_id=row.patient_id, primary=True)
        others.exclude(pk=row.pk).update(primary=False)
    row.primary, row.closed = primary, closed
    row.save()
    return row
