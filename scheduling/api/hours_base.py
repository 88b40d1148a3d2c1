"""What the views have in common that change when nurses work (scheduling reference, section 11)."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter
from rest_framework.response import Response

from accounts.rest.views import CreatingListView, DeletingObjectView, Done
from scheduling.api.base import SchedulingView
from scheduling.exceptions import Stale
from scheduling.models import Source
from scheduling.services import HoursPreview, save_hours
from scheduling.services.records import store_hours
from scheduling.services.transactions import lock_nurses

TOKEN = "token"
TOKEN_PARAMETER = OpenApiParameter(
    TOKEN,
    str,
    description="From a 409 `stale`: you have seen what this leaves outside the hours, and want it.",
)


def left_outside(preview: HoursPreview) -> dict[str, Any]:
    """Return what a change would leave outside, with the token that says it was seen."""
    return {
        TOKEN: preview.token,
        "orphaned": [
            {
                "id": str(one.appointment_id),
                "start": one.start.isoformat(),
                "end": one.end.isoformat(),
                "reason": one.reason,
            }
            for one in preview.orphaned
        ],
        "lost_holds": [
            {"nurse": str(hold.nurse_id), "start": hold.start.isoformat()}
            for hold in preview.lost_holds
        ],
    }


class HoursView(SchedulingView):
    """A change that would leave visits outside the hours is refused with their list, and takes its token."""

    def once(self, work: Callable[[], Done]) -> Response:
        """
        Do a write, as everywhere.

        Raises:
            Stale: it would leave something outside that the sender has not seen; the answer says what.
        """
        try:
            return super().once(work)
        except Stale as stale:
            stale.facts = left_outside(stale.preview)  # type: ignore[attr-defined]  # what the map of errors shows
            raise

    @property
    def doer(self) -> dict[str, Any]:
        """Return what every service of hours is told of the sender."""
        return {"source": Source.API, "actor": self.actor, "now": self.now}

    def save(self, row: Any, values: Mapping[str, Any]) -> Any:
        """Store a row of hours; the token is among the values."""
        rest = {name: value for name, value in values.items() if name != TOKEN}
        return store_hours(row, rest, token=values.get(TOKEN, ""), **self.doer)


class HoursListView(HoursView, CreatingListView):
    """A list of rows of hours that takes new ones."""

    def create(self, values: dict[str, Any]) -> Any:
        """Store a new one."""
        return self.save(self.rows().model(), values)


class HoursObjectView(HoursView, DeletingObjectView):
    """One row of hours."""

    schema_parameters: ClassVar[Mapping[str, Any]] = {"DELETE": [TOKEN_PARAMETER]}

    @property
    def parameters(self) -> Collection[str]:  # type: ignore[override]  # another for each method
        """Return the parameters that the address may have."""
        return {TOKEN} if self.request.method == "DELETE" else {"fields"}

    @property
    def token(self) -> str:
        """Return the token in the address, which a deletion brings along."""
        return str(self.request.query_params.get(TOKEN, ""))

    def nurses_of(self, pk: UUID) -> list[UUID]:
        """Return the nurses whose hours the row bears on."""
        found = self.rows().filter(pk=pk).order_by()
        return list(found.values_list("nurse_id", flat=True))

    def lock(self, pk: UUID) -> None:
        """Lock nurses before the row, as the services do."""
        lock_nurses(self.nurses_of(pk))
        super().lock(pk)

    def change(self, row: Any, values: dict[str, Any]) -> Any:
        """Store the change."""
        return self.save(row, values)

    def remove(self, row: Any) -> None:
        """Delete the row."""
        save_hours(deleted=[row], token=self.token, **self.doer)
