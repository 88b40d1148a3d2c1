"""
CSV as bytes and back (RFC 4180): limits, strictness, and cells that a spreadsheet would take for a formula.

Nothing here says what a cell means, and no problem quotes one (security reference, S68 and S69).
"""

import csv
import io
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

HEADER_ROW = 1
WHOLE_FILE = 0
MOST_PROBLEMS = 200
FORMULA = re.compile(r"'*[=+\-@\t\r]")
PLAIN_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True, slots=True)
class Problem:
    """
    What is wrong, where: the row as a spreadsheet counts it (the header is row 1; 0 is the whole file), and the column.

    `detail` is for people and never holds a value of the file.
    """

    row: int
    column: str
    code: str
    detail: str


class FileRefused(Exception):
    """The file cannot be used; `problems` says why, row by row."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(f"{len(self.problems)} problem(s)")


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row: its number, and its cells by the name of the column."""

    number: int
    cells: dict[str, str]


def neutralised(text: str) -> str:
    """Return a cell that no spreadsheet runs: what begins like a formula gets an apostrophe in front."""
    return f"'{text}" if FORMULA.match(text) else text


def restored(cell: str) -> str:
    """Return what `neutralised` was given: exactly the apostrophe that it added is taken away."""
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell, 1) else cell


def line(cells: Iterable[str]) -> str:
    """Return one line of a file, with its end."""
    out = io.StringIO(newline="")
    csv.writer(out).writerow([neutralised(cell) for cell in cells])
    return out.getvalue()


def rows_of(
    content: bytes,
    *,
    known: Sequence[str],
    needed: Collection[str],
    most_bytes: int,
    most_rows: int,
) -> list[RawRow]:
    """
    Return the rows below the header; blank lines count as rows of the spreadsheet, and are left out.

    Raises:
        FileRefused: the file is too big, no strict CSV in UTF-8, or its columns are not the known ones.
    """
    if len(content) > most_bytes:
        raise FileRefused([_of_file("too_big", f"The file is larger than {_size(most_bytes)}.")])
    lines = _lines(_decoded(content))
    header = next(lines, [])
    names = _columns(header, known=known, needed=needed)
    rows: list[RawRow] = []
    problems: list[Problem] = []
    for number, cells in enumerate(lines, start=HEADER_ROW + 1):
        if not cells:
            continue
        if len(rows) + len(problems) >= most_rows:
            detail = f"The file has more than {most_rows:,} rows. Divide it."
            raise FileRefused([_of_file("too_many_rows", detail)])
        if len(cells) != len(names):
            detail = f"The row has {len(cells)} cells, the header has {len(names)}."
            problems.append(Problem(number, "", "wrong_length", detail))
            continue
        rows.append(RawRow(number, dict(zip(names, map(restored, cells), strict=True))))
    if problems:
        raise FileRefused(problems)
    if not rows:
        raise FileRefused([_of_file("empty", "The file has no row below the header.")])
    return rows


def _decoded(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        detail = "The file is not text in UTF-8. Save it as “CSV UTF-8”."
        raise FileRefused([_of_file("not_utf8", detail)]) from None
    if "\0" in text:
        raise FileRefused([_of_file("not_text", "The file is not text: it holds zero bytes.")])
    return text


def _lines(text: str) -> Iterator[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    number = HEADER_ROW
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:  # its text may quote the file
            detail = "The row is not valid CSV: a quotation mark is not closed, or not doubled."
            raise FileRefused([Problem(number, "", "not_csv", detail)]) from None
        yield cells
        number += 1


def _columns(header: list[str], *, known: Sequence[str], needed: Collection[str]) -> list[str]:
    """Return the names of the columns, checked; a first row without any of them is data and is not repeated."""
    names = [name.strip() for name in header]
    if not set(names) & set(known):
        detail = f"The first row must name the columns: {', '.join(known)}."
        raise FileRefused([Problem(HEADER_ROW, "", "no_header", detail)])
    problems = []
    for at, name in enumerate(names, start=1):
        shown = name if PLAIN_NAME.fullmatch(name) else f"column {at}"
        if name not in known:
            detail = f"There is no such column; the columns are {', '.join(known)}."
            problems.append(Problem(HEADER_ROW, shown, "unknown_column", detail))
        elif name in names[: at - 1]:
            detail = "The column is there twice."
            problems.append(Problem(HEADER_ROW, shown, "duplicate_column", detail))
    for name in known:
        if name in needed and name not in names:
            detail = "The column is missing."
            problems.append(Problem(HEADER_ROW, name, "missing_column", detail))
    if problems:
        raise FileRefused(problems)
    return names


def _of_file(code: str, detail: str) -> Problem:
    return Problem(WHOLE_FILE, "", code, detail)


def _size(number: int) -> str:
    return f"{number / 1024 / 1024:g} MB"
