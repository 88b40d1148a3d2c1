"""What is typed on the pages of privacy; names are searched for, never part of an address (S53)."""

from typing import Any

from django import forms

from accounts.exceptions import HoldNeedsReason
from accounts.legal_holds import LONGEST_REASON, SHORTEST_REASON
from scheduling.models import Consent, Patient


class ReasonForm(forms.Form):
    """Why something is kept, erased or corrected."""

    reason = forms.CharField(
        label="Reason",
        min_length=SHORTEST_REASON,
        max_length=LONGEST_REASON,
        error_messages={"min_length": HoldNeedsReason.detail, "required": HoldNeedsReason.detail},
    )


class RelinkForm(ReasonForm):
    """Whose call it was; empty: nobody's that we know."""

    patient = forms.ModelChoiceField(
        Patient.objects.all(),
        label="Patient",
        required=False,
        widget=forms.TextInput,
        error_messages={"invalid_choice": "There is no patient with this id."},
    )


class CallPermissionForm(forms.Form):
    """What a patient said about calls from us, and in which words or on which paper."""

    granted = forms.TypedChoiceField(
        label="Calls",
        choices=[("no", "Do not call"), ("yes", "May be called")],
        coerce=lambda value: value == "yes",
    )
    wording = forms.CharField(
        label="In which words",
        max_length=500,
        error_messages={"required": "Write down what was said, or which form was signed."},
    )


def permission_words(answer: Consent | None) -> dict[str, Any]:
    """Return how an answer about calls is told."""
    if answer is None:
        return {"words": "No permission for this number: no calls from us", "tone": "unconfirmed"}
    if answer.granted:
        return {"words": "May be called", "tone": "booked"}
    return {"words": "Do not call", "tone": "cancelled"}
