"""
Log lines by allow-list: a constant dotted event and the fields named here, nothing else.

Names, numbers and transcripts stay out because the formatter drops every field that is not listed, and of an
exception keeps class and stack, not text (security reference, S53 and S54).
"""

import json
import logging
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime

call_sid: ContextVar[str] = ContextVar("call_sid", default="")
"""Twilio's id of the phone call that this task works for; set before any task of the call is made."""

FIELDS = (
    "call_sid", "close_code", "code", "count", "duration_ms", "error", "event", "function_call_id",
    "method", "model", "path", "phase", "reason", "scenario", "signal", "status", "tool",
)  # fmt: skip
SID_SHOWN = 6


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
        if record.exc_info and record.exc_info[0]:
            fields["exception"] = record.exc_info[0].__name__
            fields["stack"] = [
                f"{frame.filename}:{frame.lineno} {frame.name}"
                for frame in traceback.extract_tb(record.exc_info[2])
            ]
        ours = record.name.partition(".")[0] in {"carematix", "accounts", "scheduling", "voice"}
        message = str(record.msg) if ours else record.getMessage()
        if self.style_name == "console":
            details = " ".join(f"{name}={value}" for name, value in fields.items())
            return f"{record.levelname.lower():7} {message} {details}".rstrip()
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"at": at, "level": record.levelname.lower(), "logger": record.name, "message": message}
        return json.dumps(line | fields, default=str, ensure_ascii=False)
