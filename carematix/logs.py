"""
Log lines by allow-list: a constant dotted event and the fields named here, nothing else.

Names, numbers and transcripts stay out because the formatter drops every field that is not listed, never fills in
a message's arguments, and of an exception keeps class and stack, not text (security reference, S53 and S54).
"""

import json
import logging
import traceback
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from uuid import UUID

call_sid: ContextVar[str] = ContextVar("call_sid", default="")
"""Twilio's id of the phone call that this task works for; set before any task of the call is made."""

FIELDS = (
    "call_sid", "close_code", "code", "count", "duration_ms", "error", "event", "function_call_id",
    "method", "model", "path", "phase", "reason", "scenario", "signal", "status", "status_code", "tool",
)  # fmt: skip
SID_SHOWN = 6
CHAIN_SHOWN = 5


class Formatter(logging.Formatter):
    """Format a record as one JSON line, or as one plain line for a person's console."""

    def __init__(self, style_name: str = "json") -> None:
        super().__init__()
        self.style_name = style_name

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, object] = {
            name: getattr(record, name) for name in FIELDS if hasattr(record, name)
        }
        if sid := call_sid.get():
            fields["call_sid"] = sid
        if "call_sid" in fields:
            fields["call_sid"] = f"{str(fields['call_sid'])[:SID_SHOWN]}…"
        if record.exc_info and record.exc_info[1]:
            chain = list(_chain(record.exc_info[1]))
            fields["exception"] = " from ".join(type(error).__name__ for error in chain)
            fields["stack"] = [
                f"{frame.filename}:{frame.lineno} {frame.name}"
                for frame in traceback.extract_tb(chain[0].__traceback__)
            ]
        # The template only: a library's arguments, and the lines asyncio adds below, may quote a caller.
        message = next(iter(str(record.msg).splitlines()), "")
        if self.style_name == "console":
            details = " ".join(f"{name}={value}" for name, value in fields.items())
            return f"{record.levelname.lower():7} {message} {details}".rstrip()
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {
            "at": at,
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": message,
        }
        return json.dumps(line | fields, default=_class_name, ensure_ascii=False)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the exception and what it was raised from."""
    for _ in range(CHAIN_SHOWN):
        yield error
        cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if cause is None:
            return
        error = cause


def _class_name(value: object) -> str:
    """Stand in for a value that JSON has no form for: its text could hold anything."""
    return str(value) if isinstance(value, UUID) else type(value).__name__
