"""Log lines carry listed fields only (S53, S54)."""

import io
import json
import logging
import logging.config
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings

from carematix.logs import Formatter, call_sid, masked, request_id

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

    def test_s54_names_the_request_by_the_number_that_its_answer_carries(self) -> None:
        token = request_id.set("0123456789abcdef01234567")
        try:
            line = line_of("carematix.health.not_ready")
        finally:
            request_id.reset(token)

        assert json.loads(line)["request_id"] == "0123456789abcdef01234567"

    def test_s54_fills_in_what_the_development_server_says_and_leaves_out_who_asked(self) -> None:
        details = {
            "method": "GET",
            "path": "/calendars/kQ7vZr0VtYw3.ics?name=Maria",
            "status": 200,
            "time_taken": 0.1,
            "client": "203.0.113.7:4711",
            "size": 10,
        }
        line = line_of(
            "HTTP %(method)s %(path)s %(status)s [%(time_taken).2f, %(client)s]",
            details,
            name="django.channels.server",
        )

        fields = json.loads(line)
        assert (fields["message"], fields["method"], fields["status"]) == (
            "server.request",
            "GET",
            200,
        )
        for secret in ("203.0.113.7", "kQ7vZr0VtYw3", "Maria", "%("):
            assert secret not in line


SAMPLES = [
    "+12025550142",
    "(202) 555-0142",
    "202-555-0142",
    "202.555.0142",
    "%2B12025550142",
    "maria.lopez+clinic@example.org",
    "maria%40example.org",
    "1958-03-14",
    "03/14/1958",
    "14.3.1958",
    "March 14, 1958",
    "14 March 1958",
    "cmx_5f9d3c1a2b4e6f708192",
    "sk-proj-0123456789abcdef",
    "Bearer abcdef123",
    "token=abcdef",
    "password: hunter2hunter2",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
    "AC0123456789abcdef0123456789abcdef",
    "CA0123456789abcdef0123456789abcdef",
    "A" * 65,
    "f39/" * 40 + "==",
    "0123456789abcdef0123456789abcdef",
]


class TestMasking:
    @pytest.mark.parametrize("sample", SAMPLES)
    def test_s54_leaves_no_value_in_a_field_or_in_a_librarys_own_message(self, sample: str) -> None:
        in_field = line_of("voice.stream.failed", reason=f"before {sample} after")
        in_message = line_of(f"before {sample} after", name="some.library")

        for line in (in_field, in_message):
            assert sample not in line
            assert "before " in line

    def test_s54_shows_six_characters_of_a_sid(self) -> None:
        assert masked("of CA0123456789abcdef0123456789abcdef") == "of CA0123…"

    @pytest.mark.parametrize(
        "plain",
        [
            "/dashboard/calls/0b5c8a52-5ad4-4c3c-9a53-4ff0d4b3a1c2/",
            "voice.tool.finished",
            "Internal Server Error: /dashboard/",
            "12 of 50 in 1200 ms",
            "carematix.worker.step_failed",
        ],
    )
    def test_keeps_what_is_harmless(self, plain: str) -> None:
        assert masked(plain) == plain


class TestEveryLogger:
    def test_s54_writes_through_the_formatter_and_mails_nothing(self) -> None:
        """Django's own handlers would print, and mail, messages with their values filled in."""
        stream = io.StringIO()
        before = dict(logging.root.manager.loggerDict)
        logging.config.dictConfig(settings.LOGGING)
        mine = logging.root.handlers[-1]
        assert isinstance(mine, logging.StreamHandler)
        mine.setStream(stream)
        try:
            for name in [*before, "django", "django.request", "django.server", "some.library"]:
                assert logging.getLogger(name).handlers in ([], [mine]) or not name.startswith(
                    "django"
                )
                logging.getLogger(name).error("called by %s", SECRET)
        finally:
            logging.root.removeHandler(mine)

        assert SECRET not in stream.getvalue()
        assert "called by %s" in stream.getvalue()
