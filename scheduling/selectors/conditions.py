"""Which nurses are trained for a patient's condition."""

from collections.abc import Collection
from uuid import UUID

from scheduling.exceptions import NotFound
from scheduling.models import MedicalCondition, Nurse, Specialization


def nurses_for_condition(
    *, condition_id: UUID, among: Collection[UUID] | None = None
) -> list[UUID] | None:
    """
    Return the nurses trained for a condition, in the order of their ids; None when it needs no training of its own.

    A specialization serves the conditions whose ICD-10-CM code begins with one of its `condition_codes`.

    Raises:
        NotFound: there is no such condition.
    """
    code = MedicalCondition.objects.filter(pk=condition_id).values_list("code", flat=True).first()
    if code is None:
        raise NotFound("There is no such condition.")
    serving = [
        specialization_id
        for specialization_id, beginnings in Specialization.objects.order_by("id").values_list(
            "id", "condition_codes"
        )
        if any(code.startswith(beginning) for beginning in beginnings)
    ]
    if not serving:
        return None
    nurses = Nurse.objects.filter(active=True, specializations__in=serving)
    if among is not None:
        nurses = nurses.filter(pk__in=among)
    return list(nurses.order_by("id").values_list("id", flat=True).distinct())
