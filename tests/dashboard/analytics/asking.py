"""How a report is asked for, and calls to count."""

import csv
import io
from datetime import datetime
from typing import Any

from scheduling.models import Appointment
from tests.dashboard.rows import make_call
from tests.scheduling.api.keys import Program
from voice.models import CallLog


def report(path: str, *scopes: str) -> Any:
    """Return a report in JSON, asked for by a program."""
    answer = Program(*scopes).get(f"analytics/{path}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def groups(path: str) -> dict[str | None, Any]:
    """Return the groups of a report."""
    return {row["group"]: row for row in report(path)["results"]}


def lines_of(answer: Any) -> list[dict[str, str]]:
    """Return the lines of a file by column."""
    return list(csv.DictReader(io.StringIO(answer.content.decode(), newline="")))


def answered(at: datetime, *visits: Appointment, **fields: Any) -> CallLog:
    """Store a call that the assistant took."""
    return make_call(None, *visits, created_at=at, started_at=at, **fields)
