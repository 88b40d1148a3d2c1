"""Files to be imported, and their rows."""

from scheduling.exchange.csv_text import line

PATIENT = {"reference_number": "R1", "first_name": "Ana", "date_of_birth": "1970-01-02"}
WINDOW = {
    "license_state": "NY",
    "license_number": "RN1",
    "weekday": "monday",
    "start": "09:00",
    "end": "17:00",
}


def file_of(*rows: dict[str, str]) -> bytes:
    return "".join([line(rows[0]), *(line(row.values()) for row in rows)]).encode()
