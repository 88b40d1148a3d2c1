"""The strict reading of what the model wrote (S16, S20, A15, A21)."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.assistant.arguments import Argument, BadArguments, clean_text, parse
from voice.assistant.tools import TOOLS

FIELDS = {
    "name": Argument("text", "", required=True, longest=20),
    "kind": Argument("choice", "", ("a", "b")),
    "days": Argument("number", ""),
    "again": Argument("flag", ""),
    "slot": Argument("handle", ""),
}
ODD = {
    "not JSON": "hello",
    "cut off": '{"name": "Dana',
    "a list": "[1]",
    "a number": "7",
    "1 MB": '{"name": "' + "a" * 1_000_000 + '"}',
    "10,000 nested lists": '{"name": ' + "[" * 10_000 + "]" * 10_000 + "}",
    "nested within the size": '{"name": ' + "[" * 5_000 + "]" * 5_000 + "}",
    "NaN": '{"name": "Dana", "days": NaN}',
    "Infinity": '{"name": "Dana", "days": Infinity}',
    "a repeated key": '{"name": "Dana", "name": "Ann"}',
}


class TestParse:
    @pytest.mark.parametrize("raw", ODD.values(), ids=ODD.keys())
    def test_a21_refuses_what_is_no_flat_object_within_50_ms(self, raw: str) -> None:
        begun = time.process_time()

        with pytest.raises(BadArguments):
            parse(raw, FIELDS)

        assert time.process_time() - begun <= 0.05

    def test_s16_drops_unknown_keys_and_names_only_the_known_bad_ones(self) -> None:
        raw = {"name": "Dana", "patient_id": 7, "role": "admin", "Maria Lopez 1958": 1}

        arguments = parse(json.dumps(raw), FIELDS)

        assert arguments.values == {"name": "Dana"}
        assert arguments.anomalies == ("other", "patient_id", "role")

    def test_s20_takes_every_type_exactly(self) -> None:
        raw = {"name": "Dana", "kind": "b", "days": 3, "again": True, "slot": "slot_1"}

        assert parse(json.dumps(raw), FIELDS).values == raw

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("name", 7),
            ("name", "x" * 21),
            ("name", "a\x00b"),
            ("name", "a\x1bb"),
            ("name", "\ud800"),
            ("kind", "c"),
            ("kind", ["a"]),
            ("days", "3"),
            ("days", 3.5),
            ("days", True),
            ("days", 10**30),
            ("again", "true"),
            ("slot", ["slot_1"]),
            ("slot", {"a": 1}),
        ],
    )
    def test_s20_refuses_a_value_of_another_type(self, field: str, value: object) -> None:
        with pytest.raises(BadArguments) as refused:
            parse(json.dumps({"name": "Dana", field: value}), FIELDS)

        assert refused.value.field == field

    def test_names_the_required_argument_that_is_missing(self) -> None:
        with pytest.raises(BadArguments) as refused:
            parse('{"kind": "a", "name": "  "}', FIELDS)

        assert refused.value.field == "name"

    def test_s17_lets_a_guessed_handle_of_any_plain_type_through(self) -> None:
        assert parse('{"name": "D", "slot": 12}', FIELDS).values["slot"] == "12"

    def test_reads_no_arguments_at_all_as_an_empty_object(self) -> None:
        assert parse("", {}).values == {}

    @pytest.mark.parametrize("name", TOOLS)
    @given(raw=st.one_of(st.text(max_size=200), st.binary(max_size=50).map(repr)))
    def test_s20_raises_nothing_else_whatever_the_text(self, name: str, raw: str) -> None:
        try:
            parse(raw, TOOLS[name].arguments)
        except BadArguments:
            return

    @given(
        st.dictionaries(
            st.sampled_from([*FIELDS, "patient_id", "other"]),
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
                lambda inner: st.lists(inner, max_size=3),
            ),
        )
    )
    def test_s20_whatever_passes_is_declared_and_of_its_type(self, raw: dict[str, object]) -> None:
        try:
            values = parse(json.dumps(raw), FIELDS).values
        except BadArguments:
            return

        assert set(values) <= set(FIELDS)
        assert isinstance(values["name"], str)
        assert len(values["name"]) <= 20
        assert values.get("kind", "a") in ("a", "b")
        assert type(values.get("days", 1)) is int
        assert type(values.get("again", True)) is bool


class TestCleanText:
    def test_puts_a_text_on_one_line(self) -> None:
        assert clean_text("a\n b\tc ") == "a b c"

    def test_drops_marks_that_turn_the_direction_of_writing(self) -> None:
        assert clean_text("a\u202eb") == "ab"
