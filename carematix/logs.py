"""
Log lines by allow-list: a constant dotted event and the fields named here, nothing else.

Names, numbers and transcripts stay out because the formatter drops every field that is not listed, never fills in
a message's arguments, and of an exception keeps class and stack, not text (security reference, S53 and S54). What
is left is masked, since libraries write messages of their own and an address may hold a secret.
"""

import json
import logging
import re
import traceback
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from uuid import UUID

call_sid: ContextVar[str] = ContextVar("call_sid", default="")
"""Twilio's id of the phone call that this task works for; set before any task of the call is made."""

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The number of the HTTP request that this task answers, the same as in its `X-Request-ID`."""

FIELDS = (
    "call_sid", "close_code", "code", "count", "duration_ms", "error", "event", "function_call_id",
    "method", "model", "path", "phase", "reason", "request_id", "scenario", "signal", "status",
    "status_code", "tool",
)  # fmt: skip
SID_SHOWN = 6
CHAIN_SHOWN = 5
UNMASKED = {"model", "request_id", "call_sid"}
"""Fields whose values are ours by construction, and would look like a date or a secret."""
SERVER_LINE = "server.request"
SERVER_FIELDS = ("method", "path", "status")
"""What is kept of the lines that the development server writes with named arguments."""

UUID_OR_REST = re.compile(r"\b([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b")
MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"
MASKS = (
    (re.compile(r"\b([A-Z]{2}[0-9A-Za-z]{4})[0-9A-Za-z]{28}\b"), r"\1…"),  # Twilio's SIDs
    (re.compile(r"(?<=/calendars/)[^/?\s]+"), "[secret]"),
    (re.compile(r"(?<=\?)[^\s\"']+"), "[query]"),
    (re.compile(r"(?i)\b(bearer|basic)\s+\S+"), r"\1 [secret]"),
    (
        re.compile(r"(?i)(token|key|secret|password|signature|authorization)([\"']?\s*[=:]\s*)\S+"),
        r"\1\2[secret]",
    ),
    (re.compile(r"\b(?:cmx|sk|pk|ek|whsec)[_-][\w.-]{8,}"), "[secret]"),
    (re.compile(r"\beyJ[\w-]+\.[\w.-]+"), "[secret]"),  # a JSON web token
    (re.compile(r"[\w.+%-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+"), "[mail]"),
    (re.compile(r"[A-Za-z0-9+/_-]{65,}={0,2}"), "[data]"),
    (re.compile(r"\b(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{32,}"), "[secret]"),
    (re.compile(r"\b\d{4}([-/.])\d{1,2}\1\d{1,2}\b"), "[date]"),
    (re.compile(r"\b\d{1,2}([-/.])\d{1,2}\1(?:\d{4}|\d{2})\b"), "[date]"),
    (re.compile(rf"(?i)\b{MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+\d{{4}}\b"), "[date]"),
    (re.compile(rf"(?i)\b\d{{1,2}}\s+{MONTH}\s+\d{{4}}\b"), "[date]"),
    (re.compile(r"(?:\+|%2B|\(|\b)\d[\d\s().-]{7,}\d\b"), "[phone]"),
)
"""What is never written wherever it stands, in this order (S54)."""


class Formatter(logging.Formatter):
    """Format a record as one JSON line, or as one plain line for a person's console."""

    def __init__(self, style_name: str = "json") -> None:
        super().__init__()
        self.style_name = style_name

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, object] = {
            name: getattr(record, name) for name in FIELDS if hasattr(record, name)
        }
        message = _message(record, fields)
        if number := request_id.get():
            fields["request_id"] = number
        if sid := call_sid.get():
            fields["call_sid"] = sid
        for name in fields.keys() - UNMASKED:
            if isinstance(fields[name], str):
                fields[name] = masked(str(fields[name]))
        if "call_sid" in fields:
            fields["call_sid"] = f"{str(fields['call_sid'])[:SID_SHOWN]}…"
        if record.exc_info and record.exc_info[1]:
            chain = list(_chain(record.exc_info[1]))
            fields["exception"] = " from ".join(type(error).__name__ for error in chain)
            fields["stack"] = [
                f"{frame.filename}:{frame.lineno} {frame.name}"
                for frame in traceback.extract_tb(chain[0].__traceback__)
            ]
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


def masked(text: str) -> str:
    """Return the text without numbers, addresses, dates and secrets; ids of our rows stay readable."""
    parts = UUID_OR_REST.split(text)
    parts[::2] = map(_mask, parts[::2])
    return "".join(parts)


def _mask(text: str) -> str:
    for pattern, replacement in MASKS:
        text = pattern.sub(replacement, text)
    return text


def _message(record: logging.LogRecord, fields: dict[str, object]) -> str:
    """
    Return the record's event, or a library's template: its arguments, and lines below the first, may quote a caller.

    Named arguments, which the development server alone uses, are kept as fields if they are harmless.
    """
    template = str(record.msg)
    if isinstance(record.args, Mapping) and "%(" in template:
        fields |= {name: record.args[name] for name in SERVER_FIELDS if name in record.args}
        return SERVER_LINE
    return masked(next(iter(template.splitlines()), ""))


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
