"""Whether a patient may be called: what was agreed to or refused, and by whom (security reference, S59)."""

from django.db.models import Q, QuerySet

from scheduling.models import Consent, Patient


def call_permission(*, patient: Patient) -> Consent | None:
    """
    Return the latest answer to calls from us; a refusal means: do not call (S59).

    Of two at one time the refusal counts. A refusal of the patient, or of anybody at one of the numbers, ends calls. A
    grant counts for the patient who gave it, and for the number that it was given for; one that names no number is for
    the first on file, and one that names no patient is for everybody at the number.
    """
    return (
        answers_of(patient)
        .filter(channel=Consent.Channel.VOICE, purpose=Consent.Purpose.CALLS)
        .filter(Q(granted=False) | Q(phone__in={"", patient.phone}))
        .filter(Q(granted=False) | Q(patient=patient) | Q(patient=None))
        .order_by("-recorded_at", "granted", "id")
        .first()
    )


def answers_of(patient: Patient) -> QuerySet[Consent]:
    """Return what a patient, or somebody at the patient's numbers, agreed to or refused."""
    numbers = [number for number in (patient.phone, patient.second_phone) if number]
    return Consent.objects.filter(Q(patient=patient) | Q(phone__in=numbers))
