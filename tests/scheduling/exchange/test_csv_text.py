"""CSV in and out: strict, bounded, and harmless in a spreadsheet."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.exchange.csv_text import FileRefused, line, neutralised, restored, rows_of

KNOWN = ["name", "phone"]
DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
ATTACKS = [
    "<img src=x onerror=alert(1)>",
    '=HYPERLINK("https://evil.example","x")',
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "'=1",
    "''=1",
    "'",
    "O'Brien",
    'a "quoted" word',
    "two\r\nlines",
    "one\rline",
    "a,b",
    "' or 1=1; --",
]
CELLS = st.one_of(
    st.sampled_from(ATTACKS),
    st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    st.text(alphabet="'=+-@\t\r\n\",;a "),
)


def read(
    content: bytes, *, most_bytes: int = 10_000, most_rows: int = 100
) -> list[tuple[int, dict[str, str]]]:
    rows = rows_of(
        content, known=KNOWN, needed={"name"}, most_bytes=most_bytes, most_rows=most_rows
    )
    return [(row.number, row.cells) for row in rows]


def problems_of(content: bytes, **limits: int) -> list[tuple[int, str, str]]:
    with pytest.raises(FileRefused) as refused:
        read(content, **limits)
    assert all("secret" not in problem.detail.lower() for problem in refused.value.problems)
    assert all("secret" not in problem.column.lower() for problem in refused.value.problems)
    return [(problem.row, problem.column, problem.code) for problem in refused.value.problems]


class TestACell:
    @given(CELLS)
    def test_comes_back_exactly_as_it_was(self, text: str) -> None:
        assert restored(neutralised(text)) == text

    @given(CELLS)
    def test_never_leaves_with_the_beginning_of_a_formula(self, text: str) -> None:
        assert not neutralised(text).startswith(DANGEROUS)

    @pytest.mark.parametrize("text", ["O'Brien", "'t Hooft", "", "Ann-Marie", "a=b"])
    def test_that_is_harmless_is_left_alone(self, text: str) -> None:
        assert neutralised(text) == text


class TestAFile:
    @given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=5))
    def test_comes_back_as_it_was(self, rows: list[tuple[str, str]]) -> None:
        content = "".join([line(KNOWN), *(line(row) for row in rows)]).encode()

        found = read(content)

        assert [(cells["name"], cells["phone"]) for _, cells in found] == rows

    @given(st.lists(CELLS, min_size=2, max_size=5))
    def test_is_read_by_other_programs(self, cells: list[str]) -> None:
        found = next(csv.reader(io.StringIO(line(cells), newline=""), strict=True))

        assert found == [neutralised(cell) for cell in cells]

    def test_may_begin_with_a_byte_order_mark(self) -> None:
        assert read(b"\xef\xbb\xbfname,phone\r\nAna,1\r\n") == [(2, {"name": "Ana", "phone": "1"})]

    def test_counts_rows_as_a_spreadsheet_does(self) -> None:
        found = read(b'name,phone\n"two\nlines",1\n\nBo,2\n')

        assert [number for number, _ in found] == [2, 4]

    def test_may_have_its_columns_in_any_order_and_leave_some_out(self) -> None:
        assert read(b"name\nAna\n") == [(2, {"name": "Ana"})]
        assert read(b"phone,name\n1,Ana\n") == [(2, {"phone": "1", "name": "Ana"})]

    def test_of_exactly_the_allowed_size_is_read(self) -> None:
        content = b"name\nAna\n"

        assert read(content, most_bytes=len(content))
        assert problems_of(content, most_bytes=len(content) - 1) == [(0, "", "too_big")]

    def test_of_exactly_the_allowed_rows_is_read(self) -> None:
        content = b"name\nAna\nBo\n"

        assert len(read(content, most_rows=2)) == 2
        assert problems_of(content, most_rows=1) == [(0, "", "too_many_rows")]

    @pytest.mark.parametrize(
        ("content", "expected"),
        [
            (b"", [(1, "", "no_header")]),
            (b"secret,Secret\n", [(1, "", "no_header")]),  # data in the place of the header
            (b"name,phone\n", [(0, "", "empty")]),
            (b"phone\n1\n", [(1, "name", "missing_column")]),
            (b"name,color\nAna,1\n", [(1, "color", "unknown_column")]),
            (b"name,Secret Person\nAna,1\n", [(1, "column 2", "unknown_column")]),
            (b"name,phone,name\nAna,1,2\n", [(1, "name", "duplicate_column")]),
            (b"name,phone\nsecret\nAna,1\n", [(2, "", "wrong_length")]),
            (b"name,phone\nAna,1,secret\n", [(2, "", "wrong_length")]),
            (b'name,phone\nAna,"secret\n', [(2, "", "not_csv")]),
            (b'name,phone\nAna,1\nBo,"secret"s\n', [(3, "", "not_csv")]),
            (b"name,phone\nAna\xff,1\n", [(0, "", "not_utf8")]),
            (b"name,phone\nA\0na,1\n", [(0, "", "not_text")]),
            (b"PK\x03\x04\x14\x00\x06\x00\x08\x00\xd5", [(0, "", "not_utf8")]),  # zip and xlsx
            (b"\x80\x04\x95\x0b\x00", [(0, "", "not_utf8")]),  # a pickle
            (b"name: !!python/object\n", [(1, "", "no_header")]),  # YAML
            (b"name;phone\nAna;1\n", [(1, "", "no_header")]),
        ],
    )
    def test_with_a_fault_is_refused_with_its_place_and_without_its_text(
        self, content: bytes, expected: list[tuple[int, str, str]]
    ) -> None:
        assert problems_of(content) == expected

    def test_with_a_cell_beyond_all_measure_is_refused(self) -> None:
        content = b"name\n" + b"a" * 200_000 + b"\n"

        assert problems_of(content, most_bytes=1_000_000) == [(2, "", "not_csv")]
