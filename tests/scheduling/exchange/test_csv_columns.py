"""What the cells of each kind of file may hold."""

from datetime import UTC, datetime, time

import pytest

from scheduling.exchange.csv_columns import COLUMNS, names_of, read_file
from scheduling.exchange.csv_text import FileRefused, line
from scheduling.exchange.csv_values import shown

GOOD = {
    "patients": {
        "reference_number": "R1",
        "first_name": "Ana",
        "date_of_birth": "1970-01-02",
        "phone": "+12025550101",
        "second_phone": "",
        "email": "ana@example.org",
        "state": "ny",
        "preferred_language": "ES",
        "time_zone": "America/New_York",
        "message_channel": "sms",
        "remind_48h": "no",
        "active": "Yes",
    },
    "nurses": {
        "license_state": "NY",
        "license_number": "RN1",
        "first_name": "Nan",
        "last_name": "Cy",
        "license_expires_on": "2030-12-31",
        "notice_channel": "",
        "specializations": "wound-care diabetes",
        "languages": "en es",
        "time_zone": "America/New_York",
        "buffer_before_minutes": "10",
        "slot_step_minutes": "",
        "daily_cap": "8",
    },
    "availability": {
        "license_state": "NY",
        "license_number": "RN1",
        "weekday": "Monday",
        "start": "09:00",
        "end": "17:00",
        "kind": "work",
        "valid_from": "2026-01-01",
    },
    "appointments": {
        "patient_reference_number": "R1",
        "nurse_license_state": "NY",
        "nurse_license_number": "RN1",
        "visit_type": "routine",
        "start": "2026-03-06T09:00:00-05:00",
        "end": "",
        "status": "booked",
        "reason": "",
        "cancelled_at": "2026-03-05T09:00:01Z",
        "cancellation_reason": "",
    },
}
WRONG = [
    ("patients", "reference_number", "R" * 37),
    ("patients", "first_name", "S" * 101),
    ("patients", "date_of_birth", "02/01/1970"),
    ("patients", "date_of_birth", "1970-02-30"),
    ("patients", "date_of_birth", "0001-01-01"),
    ("patients", "phone", "202 555 0101"),
    ("patients", "phone", "+0202555010123456789"),
    ("patients", "email", "secret"),
    ("patients", "state", "New York"),
    ("patients", "preferred_language", "fr"),
    ("patients", "time_zone", "Mars/Olympus"),
    ("patients", "time_zone", "../../etc/passwd"),
    ("patients", "message_channel", "pigeon"),
    ("patients", "active", "true"),
    ("nurses", "license_expires_on", "soon"),
    ("nurses", "specializations", "wound/care"),
    ("nurses", "languages", "english-of-england"),
    ("nurses", "buffer_before_minutes", "241"),
    ("nurses", "buffer_before_minutes", "-1"),
    ("nurses", "buffer_before_minutes", "٣"),
    ("nurses", "slot_step_minutes", "4"),
    ("nurses", "daily_cap", "0"),
    ("nurses", "daily_cap", "99999999999999999999"),
    ("availability", "weekday", "0"),
    ("availability", "start", "9"),
    ("availability", "start", "09:00:30"),
    ("availability", "end", "24:00"),
    ("availability", "kind", "holiday"),
    ("appointments", "start", "2026-03-07T10:15:00"),
    ("appointments", "start", "2026-03-06T09:00:30-05:00"),
    ("appointments", "start", "9999-12-31T23:59:00Z"),
    ("appointments", "start", "tomorrow"),
    ("appointments", "status", "entered-in-error"),
    ("appointments", "visit_type", "routine visit"),
    ("appointments", "cancelled_at", "yesterday"),
    ("appointments", "cancellation_reason", "weather"),
]


def file_of(kind: str, /, **changes: str) -> bytes:
    cells = GOOD[kind] | changes
    return (line(cells) + line(cells.values())).encode()


def read(kind: str, content: bytes) -> dict[str, object]:
    (row,) = read_file(kind, content, most_bytes=10_000, most_rows=10)
    return dict(row.values)


class TestARow:
    @pytest.mark.parametrize("kind", list(COLUMNS))
    def test_is_read(self, kind: str) -> None:
        assert read(kind, file_of(kind)).keys() == GOOD[kind].keys()

    @pytest.mark.parametrize(("kind", "column", "cell"), WRONG)
    def test_with_a_bad_cell_is_refused_without_the_cell(
        self, kind: str, column: str, cell: str
    ) -> None:
        with pytest.raises(FileRefused) as refused:
            read(kind, file_of(kind, **{column: cell}))

        (problem,) = refused.value.problems
        assert (problem.row, problem.column, problem.code) == (2, column, "bad_value")
        assert cell not in problem.detail or len(cell) < 3  # one digit stands in "from 0 to 240"

    @pytest.mark.parametrize("kind", list(COLUMNS))
    def test_must_fill_the_columns_that_are_needed(self, kind: str) -> None:
        needed = [column.name for column in COLUMNS[kind] if column.needed]

        with pytest.raises(FileRefused) as refused:
            read(kind, file_of(kind, **dict.fromkeys(needed, " ")))

        assert {problem.column for problem in refused.value.problems} == set(needed)
        assert {problem.detail for problem in refused.value.problems} == {"The cell is empty."}

    def test_has_values_of_their_types(self) -> None:
        window = read("availability", file_of("availability"))
        visit = read("appointments", file_of("appointments"))

        assert (window["weekday"], window["start"]) == (0, time(9))
        assert visit["start"] == datetime(2026, 3, 6, 14, tzinfo=UTC)
        assert visit["end"] is None

    def test_takes_empty_cells_for_the_default(self) -> None:
        patient = read("patients", file_of("patients", remind_48h="", preferred_language=""))

        assert (patient["remind_48h"], patient["preferred_language"]) == (True, "en")

    @pytest.mark.parametrize("kind", list(COLUMNS))
    def test_that_is_written_again_reads_the_same(self, kind: str) -> None:
        values = read(kind, file_of(kind))
        words = {"weekday": GOOD["availability"]["weekday"].lower()}
        cells = {name: words.get(name, shown(value)) for name, value in values.items()}

        assert read(kind, (line(cells) + line(cells.values())).encode()) == values


class TestAFile:
    def test_names_all_bad_cells(self) -> None:
        cells = GOOD["patients"] | {"phone": "x", "email": "y"}
        content = (line(cells) + line(cells.values()) * 2).encode()

        with pytest.raises(FileRefused) as refused:
            read_file("patients", content, most_bytes=10_000, most_rows=10)

        places = [(problem.row, problem.column) for problem in refused.value.problems]
        assert places == [(2, "phone"), (2, "email"), (3, "phone"), (3, "email")]

    @pytest.mark.parametrize("kind", list(COLUMNS))
    def test_knows_its_columns_once(self, kind: str) -> None:
        assert len(set(names_of(kind))) == len(names_of(kind))
