"""What a cell means: each reader turns text into one value, or says what is wrong without quoting it."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
EMAIL = re.compile(r"[^\s@]+@[^\s@]+")
PHONE = re.compile(r"\+[1-9]\d{6,14}")
STATE = re.compile(r"[A-Z]{2}")
LANGUAGE = re.compile(r"[A-Za-z][A-Za-z-]{1,7}")
CODE = re.compile(r"[-a-zA-Z0-9_]{1,40}")
DATE = re.compile(r"\d{4}-\d\d-\d\d")
FIRST_YEAR, LAST_YEAR = 1900, 2200
CLOCK = re.compile(r"\d\d:\d\d")

Reader = Callable[[str], Any]


class BadCell(Exception):
    """A cell cannot be read; `detail` says what it should be, never what it is."""

    def __init__(self, detail: str) -> None:
        self.detail = detail
        super().__init__(detail)


def text(longest: int) -> Reader:
    """Return a reader of free text, kept as it is."""

    def read(cell: str) -> str:
        if len(cell) > longest:
            raise BadCell(f"The text is longer than {longest} characters.")
        return cell

    return read


def choice(*words: str) -> Reader:
    """Return a reader of one of some words, in any case."""

    def read(cell: str) -> str:
        word = cell.strip().lower()
        if word not in words:
            raise BadCell(f"Write one of: {', '.join(words)}.")
        return word

    return read


def number(least: int, most: int) -> Reader:
    """Return a reader of a whole number in [least, most]."""

    def read(cell: str) -> int:
        digits = cell.strip()
        if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
            raise BadCell("Write a whole number.")
        if not least <= int(digits) <= most:
            raise BadCell(f"Write a number from {least} to {most}.")
        return int(digits)

    return read


def words(one: re.Pattern[str], detail: str) -> Reader:
    """Return a reader of several words with blanks between them, each once."""

    def read(cell: str) -> list[str]:
        found = cell.split()
        if not all(one.fullmatch(word) for word in found):
            raise BadCell(detail)
        return list(dict.fromkeys(found))

    return read


def matching(
    form: re.Pattern[str], detail: str, *, upper: bool = False, longest: int = 254
) -> Reader:
    """Return a reader of text of a form, without blanks around it."""

    def read(cell: str) -> str:
        found = cell.strip().upper() if upper else cell.strip()
        if len(found) > longest or not form.fullmatch(found):
            raise BadCell(detail)
        return found

    return read


def trimmed(longest: int) -> Reader:
    """Return a reader of an identifying number, without blanks around it."""
    read = text(longest)
    return lambda cell: read(cell.strip())


def flag(cell: str) -> bool:
    """Read yes or no."""
    word: str = choice("yes", "no")(cell)
    return word == "yes"


def day(cell: str) -> date:
    """Read a date."""
    try:
        if DATE.fullmatch(cell.strip()):
            found = date.fromisoformat(cell.strip())
            if found.year >= FIRST_YEAR:
                return found
    except ValueError:
        pass
    raise BadCell("Write a date as YYYY-MM-DD.")


def clock(cell: str) -> time:
    """Read a time of day."""
    try:
        if CLOCK.fullmatch(cell.strip()):
            return time.fromisoformat(cell.strip())
    except ValueError:
        pass
    raise BadCell("Write a time as HH:MM, from 00:00 to 23:59.")


def instant(cell: str) -> datetime:
    """Read an instant with its offset (RFC 3339)."""
    try:
        found = datetime.fromisoformat(cell.strip())
        if found.tzinfo is not None and FIRST_YEAR <= found.year <= LAST_YEAR:
            return found.astimezone(UTC)
    except ValueError:
        pass
    raise BadCell("Write date, time and offset, such as 2026-03-06T09:00:00-05:00.")


def minute(cell: str) -> datetime:
    """Read an instant that is a whole minute."""
    found = instant(cell)
    if found.second or found.microsecond:
        raise BadCell("Write a whole minute, without seconds.")
    return found


def weekday(cell: str) -> int:
    """Read a day of the week; Monday is 0."""
    return WEEKDAYS.index(choice(*WEEKDAYS)(cell))


def zone(cell: str) -> str:
    """Read the name of a time zone."""
    try:
        return ZoneInfo(cell.strip()).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadCell("Write an IANA time zone, such as America/New_York.") from None


email = matching(EMAIL, "Write one e-mail address.")
phone = matching(PHONE, "Write the number with its country code, such as +12025550101.")
state = matching(STATE, "Write the two letters of the state.", upper=True)
code = matching(CODE, "Write a code of letters, digits, hyphens and underscores.")
codes = words(CODE, "Write codes with blanks between them.")
languages = words(LANGUAGE, "Write language codes with blanks between them, such as: en es.")


def shown(value: Any) -> str:
    """Return the cell that reads as `value`; None and nothing are empty."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case time():
            return value.strftime("%H:%M")
        case date():  # instants as well
            return value.isoformat()
        case list() | tuple():
            return " ".join(value)
        case _:
            return str(value)
