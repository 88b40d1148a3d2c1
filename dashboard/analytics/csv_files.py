"""A report as a file for spreadsheets: a line for each group, or one for the whole; cells that nothing runs (S69)."""

from collections.abc import Iterator, Mapping
from typing import Any

from rest_framework.renderers import BaseRenderer

from scheduling.exchange import csv_text

NESTED = "."  # between the names of what stands within something


class CsvRenderer(BaseRenderer):
    """Writes a report as CSV in UTF-8; figures within figures become columns such as `by_status.completed`."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """Return the file."""
        period = {"from": data["from"], "to": data["to"]}
        rows = data["results"] if data["group_by"] else [data["total"]]
        names = dict(_flat({**period, **data["total"]}))
        if data["group_by"]:
            names = {"from": None, "to": None, "group": None, "name": None, **names}
        lines = [csv_text.line(names)]
        for row in rows:
            cells = dict(_flat({**period, **row}))
            lines.append(csv_text.line(_shown(cells[name]) for name in names))
        return "".join(lines).encode()


def _flat(figures: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in figures.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}{NESTED}")
        else:
            yield f"{before}{name}", value


def _shown(value: Any) -> str:
    return "" if value is None else str(value)
