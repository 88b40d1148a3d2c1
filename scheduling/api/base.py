"""What the views of scheduling's resources have in common: who sees which rows, and how a write runs."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from rest_framework import serializers

from accounts.permissions import Reach, Verb
from accounts.rest.views import ResourceView
from scheduling.clock import clinic_now
from scheduling.models import VisitType
from scheduling.selectors.sight import PATHS, seen
from scheduling.services.transactions import run_atomically

UNKNOWN = "There is no such record."


class SchedulingView(ResourceView):
    """Rows are seen by the policy; writes are tried again after a deadlock."""

    def visible(self, rows: QuerySet[Any], verb: Verb) -> QuerySet[Any]:
        """
        Return those rows with which the sender may do something.

        Raises:
            PermissionDenied: it is for own rows only, and rows of this kind are nobody's own.
        """
        reach = self.viewer.reach(verb, self.resource_of(self.request))
        if reach is Reach.OWN and rows.model._meta.label_lower not in PATHS:
            raise PermissionDenied
        return seen(rows, viewer=self.viewer, verb=verb, resource=self.resource_of(self.request))

    def run(self, work: Callable[[], Any]) -> Any:
        """Run a write in its transaction."""
        return run_atomically(work)

    @property
    def now(self) -> datetime:
        """Return the clinic's now."""
        return clinic_now()


def known(rows: QuerySet[Any], pk: UUID, field: str) -> Any:
    """
    Return the row that a field of a body names.

    Raises:
        ValidationError: there is none that the sender may name.
    """
    found: Model | None = rows.filter(pk=pk).first()
    if found is None:
        raise serializers.ValidationError({field: [UNKNOWN]})
    return found


class VisitTypeField(serializers.CharField):
    """A kind of visit: shown as its code, given as its code or its id (contract, section 8, "Requests")."""

    def to_internal_value(self, data: Any) -> str:
        """Return the code."""
        text = super().to_internal_value(data)
        return code_of_visit_type(text)

    def to_representation(self, value: Any) -> str:
        """Return the code of a stored kind of visit, or the code that it already is."""
        return str(value.code if isinstance(value, VisitType) else value)


def code_of_visit_type(text: str) -> str:
    """
    Return the code of a kind of visit that a code or an id names.

    Raises:
        ValidationError: there is none.
    """
    rows = VisitType.objects.all()
    try:
        rows = rows.filter(pk=UUID(text))
    except ValueError:
        rows = rows.filter(code=text)
    code = rows.values_list("code", flat=True).first()
    if code is None:
        raise serializers.ValidationError("There is no such kind of visit.")
    return code
