"""What the clinic offers: kinds of visit, and the specializations that they need."""

from scheduling.exceptions import InUse
from scheduling.models import SlotHold, Specialization, VisitType
from scheduling.services.records import delete_unused
from scheduling.services.transactions import run_atomically


def retire_visit_type(visit_type: VisitType) -> None:
    """Delete a kind of visit; one of which there are visits, wishes or held times is not offered any more."""

    def work() -> None:
        try:
            if SlotHold.objects.filter(visit_type=visit_type).exists():
                raise InUse
            delete_unused(visit_type)
        except InUse:
            VisitType.objects.filter(pk=visit_type.pk).update(active=False)

    run_atomically(work)


def delete_specialization(specialization: Specialization) -> None:
    """
    Delete a specialization that no nurse has and no kind of visit needs.

    Raises:
        InUse: some do.
    """

    def work() -> None:
        if specialization.nurses.exists():
            raise InUse("Nurses have this specialization. Take it from them first.")
        delete_unused(specialization)

    run_atomically(work)
