"""The four kinds of files: their columns, which of them a file needs, and what an empty cell means."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scheduling.exchange import csv_values as values
from scheduling.exchange.csv_text import FileRefused, Problem, rows_of
from scheduling.exchange.csv_values import BadCell, Reader


@dataclass(frozen=True, slots=True)
class Column:
    """
    One column. A file must have it, with something in every cell, if it is `needed`.

    `empty` is what an empty cell means. A column that a file leaves out changes nothing in stored records.
    """

    name: str
    read: Reader
    needed: bool = False
    empty: Any = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A row with its values; columns that the file leaves out are missing."""

    number: int
    values: Mapping[str, Any]


PATIENTS = (
    Column("reference_number", values.trimmed(36), needed=True),
    Column("first_name", values.text(100), needed=True),
    Column("last_name", values.text(100)),
    Column("date_of_birth", values.day, needed=True),
    Column("phone", values.phone),
    Column("second_phone", values.phone),
    Column("email", values.email),
    Column("postal_code", values.text(12)),
    Column("state", values.state),
    Column("preferred_language", values.choice("en", "es"), empty="en"),
    Column("time_zone", values.zone),
    Column("message_channel", values.choice("sms", "email"), empty="sms"),
    Column("remind_48h", values.flag, empty=True),
    Column("remind_2h", values.flag, empty=True),
    Column("active", values.flag, empty=True),
    Column("deceased", values.flag, empty=False),
    Column("provisional", values.flag, empty=False),
)
NURSES = (
    Column("license_state", values.state, needed=True),
    Column("license_number", values.trimmed(32), needed=True),
    Column("first_name", values.text(100), needed=True),
    Column("last_name", values.text(100), needed=True),
    Column("license_expires_on", values.day, needed=True),
    Column("phone", values.phone),
    Column("email", values.email),
    Column("notice_channel", values.choice("sms", "email")),
    Column("specializations", values.codes, empty=()),
    Column("languages", values.languages, empty=("en",)),
    Column("time_zone", values.zone, empty="America/New_York"),
    Column("buffer_before_minutes", values.number(0, 240), empty=0),
    Column("buffer_after_minutes", values.number(0, 240), empty=0),
    Column("slot_step_minutes", values.number(5, 240), empty=None),
    Column("slot_offset_minutes", values.number(0, 1439), empty=0),
    Column("daily_cap", values.number(1, 100), empty=None),
    Column("active", values.flag, empty=True),
)
AVAILABILITY = (
    Column("license_state", values.state, needed=True),
    Column("license_number", values.trimmed(32), needed=True),
    Column("kind", values.choice("work", "break"), empty="work"),
    Column("weekday", values.weekday, needed=True),
    Column("start", values.clock, needed=True),
    Column("end", values.clock, needed=True),
    Column("valid_from", values.day, empty=None),
    Column("valid_until", values.day, empty=None),
)
APPOINTMENTS = (
    Column("patient_reference_number", values.trimmed(36), needed=True),
    Column("nurse_license_state", values.state, needed=True),
    Column("nurse_license_number", values.trimmed(32), needed=True),
    Column("visit_type", values.code, needed=True),
    Column("start", values.minute, needed=True),
    Column("end", values.minute, empty=None),
    Column(
        "status",
        values.choice("booked", "arrived", "fulfilled", "noshow", "cancelled"),
        needed=True,
    ),
    Column("reason", values.text(500)),
    Column("cancelled_at", values.instant, empty=None),
    Column(
        "cancellation_reason", values.choice("patient", "nurse", "clinic", "duplicate", "other")
    ),
)
COLUMNS: Mapping[str, Sequence[Column]] = {
    "patients": PATIENTS,
    "nurses": NURSES,
    "availability": AVAILABILITY,
    "appointments": APPOINTMENTS,
}


def names_of(kind: str) -> list[str]:
    """Return the names of a kind's columns, in the order of our own files."""
    return [column.name for column in COLUMNS[kind]]


def read_file(kind: str, content: bytes, *, most_bytes: int, most_rows: int) -> list[Row]:
    """
    Return the rows of a file with their values.

    Raises:
        FileRefused: the file or a cell cannot be read; all bad cells are named.
    """
    columns = {column.name: column for column in COLUMNS[kind]}
    raw = rows_of(
        content,
        known=list(columns),
        needed={column.name for column in columns.values() if column.needed},
        most_bytes=most_bytes,
        most_rows=most_rows,
    )
    problems: list[Problem] = []
    rows = []
    for one in raw:
        found: dict[str, Any] = {}
        for name, cell in one.cells.items():
            try:
                found[name] = _value(columns[name], cell)
            except BadCell as error:
                problems.append(Problem(one.number, name, "bad_value", error.detail))
        rows.append(Row(one.number, found))
    if problems:
        raise FileRefused(problems)
    return rows


def _value(column: Column, cell: str) -> Any:
    if cell.strip():
        return column.read(cell)
    if column.needed:
        raise BadCell("The cell is empty.")
    return list(column.empty) if isinstance(column.empty, tuple) else column.empty
