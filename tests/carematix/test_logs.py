"""Log lines carry listed fields only (S53, S54)."""

import json
import logging
from typing import Any
from uuid import UUID

import pytest

from carematix.logs import Formatter, call_sid

SECRET = "Maria Lopez +12025550142"


def line_of(message: str, *arguments: object, name: str = "voice.stream", **extra: Any) -> str:
    """Return the JSON line of one record."""
    return Formatter().format(_record(message, arguments, name, extra))


def _record(
    message: str, arguments: tuple[object, ...], name: str, extra: dict[str, Any]
) -> logging.LogRecord:
    return logging.getLogger(name).makeRecord(
        name,
        logging.INFO,
        __file__,
        1,
        message,
        arguments,
        extra.pop("exc_info", None),
        extra=extra,
    )


class TestFormatter:
    def test_s54_keeps_listed_fields_and_drops_the_rest(self) -> None:
        line = line_of("voice.tool.finished", duration_ms=12, patient=SECRET, transcript=SECRET)

        assert json.loads(line)["duration_ms"] == 12
        assert SECRET not in line

    def test_s54_never_fills_in_arguments(self) -> None:
        assert SECRET not in line_of("called by %s", SECRET, name="some.library")

    def test_s54_keeps_class_and_stack_of_an_exception_but_not_its_text(self) -> None:
        try:
            try:
                raise KeyError(SECRET)
            except KeyError as cause:
                raise ValueError(SECRET) from cause
        except ValueError as error:
            line = line_of("voice.stream.failed", exc_info=(ValueError, error, error.__traceback__))

        fields = json.loads(line)
        assert fields["exception"] == "ValueError from KeyError"
        assert "test_logs.py" in fields["stack"][-1]
        assert SECRET not in line

    def test_s54_drops_what_asyncio_adds_below_its_message(self) -> None:
        line = line_of(f"Task exception was never retrieved\nfuture: {SECRET}", name="asyncio")

        assert json.loads(line)["message"] == "Task exception was never retrieved"
        assert SECRET not in line

    def test_a_field_of_an_unknown_type_is_named_by_its_class(self) -> None:
        class Patient:
            def __str__(self) -> str:
                return SECRET

        line = line_of("voice.tool.finished", reason=Patient(), code=UUID(int=7))

        assert json.loads(line)["reason"] == "Patient"
        assert json.loads(line)["code"] == str(UUID(int=7))

    def test_names_the_call_by_the_beginning_of_its_sid(self) -> None:
        token = call_sid.set("CA0123456789abcdef0123456789abcdef")
        try:
            line = line_of("voice.stream.started")
        finally:
            call_sid.reset(token)

        assert json.loads(line)["call_sid"] == "CA0123…"

    @pytest.mark.parametrize("level", ["INFO", "ERROR"])
    def test_the_console_style_is_one_plain_line(self, level: str) -> None:
        record = _record("voice.tool.finished", (), "voice", {"tool": "find_slots", "text": SECRET})
        record.levelname = level

        line = Formatter("console").format(record)

        assert line == f"{level.lower():7} voice.tool.finished tool=find_slots"
