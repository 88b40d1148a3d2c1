"""How times, numbers, people and states read on a page (design guide, under "Words")."""

import json
import zlib
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import phonenumbers
from django import template
from django.conf import settings

from dashboard import labels
from voice.models import CallLog

register = template.Library()

TONES = 6
MINUTE = 60
SECOND_MS = 1000
CENT = Decimal("0.01")
# What carriers put in place of a number that the caller keeps to themselves.
WITHHELD = {"", "anonymous", "restricted", "unavailable", "unknown", "+266696687", "+86282452253"}


def local(moment: datetime) -> datetime:
    """Return the moment on the clinic's wall."""
    return moment.astimezone(ZoneInfo(settings.CLINIC_TIME_ZONE))


@register.filter
def time_of_day(moment: datetime) -> str:
    """Return "2:30pm"."""
    here = local(moment)
    return f"{here.hour % 12 or 12}:{here.minute:02}{'am' if here.hour < 12 else 'pm'}"


@register.filter
def near_day(moment: datetime, now: datetime) -> str:
    """Return "Today", "Tomorrow", "Yesterday" or "Tue 24 Nov"; another year is named."""
    day, today = local(moment).date(), local(now).date()
    near = {
        today: "Today",
        today + timedelta(days=1): "Tomorrow",
        today - timedelta(days=1): "Yesterday",
    }
    if day in near:
        return near[day]
    return f"{day:%a} {day.day} {day:%b}" + (f" {day.year}" if day.year != today.year else "")


@register.filter
def near_moment(moment: datetime, now: datetime) -> str:
    """Return "Tomorrow, 9:00am" or "Tue 24 Nov, 9:00am"."""
    return f"{near_day(moment, now)}, {time_of_day(moment)}"


@register.filter
def full_moment(moment: datetime) -> str:
    """Return "Tuesday 24 November 2026, 10:31am"."""
    day = local(moment)
    return f"{day:%A} {day.day} {day:%B} {day.year}, {time_of_day(moment)}"


@register.filter
def zone_letters(moment: datetime) -> str:
    """Return the short name of the clinic's zone at that moment, such as "EST"."""
    return f"{local(moment):%Z}"


def zone_name(now: datetime) -> str:
    """Return "New York time (EST)"."""
    place = settings.CLINIC_TIME_ZONE.rpartition("/")[2].replace("_", " ")
    return f"{place} time ({zone_letters(now)})"


@register.filter
def clock(seconds: float) -> str:
    """Return seconds as "1:28", or "1:02:05" from an hour on."""
    minutes, rest = divmod(int(seconds), MINUTE)
    hours, minutes = divmod(minutes, MINUTE)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@register.filter
def clock_ms(ms: int) -> str:
    """Return milliseconds since the start of a call as "1:28"."""
    return clock(ms / SECOND_MS)


@register.filter
def length(seconds: int) -> str:
    """Return seconds as "1 minute 28 seconds"."""
    minutes, rest = divmod(seconds, MINUTE)
    parts = [_many(minutes, "minute")] if minutes else []
    return " ".join([*parts, _many(rest, "second")] if rest or not parts else parts)


@register.filter
def minutes_between(start: datetime, end: datetime) -> str:
    """Return how long something takes, "30 minutes"."""
    return _many(int((end - start).total_seconds()) // MINUTE, "minute")


@register.filter
def speed(ms: int) -> str:
    """Return "143 ms", or "1.4 s" from a second on."""
    return f"{ms} ms" if ms < SECOND_MS else f"{ms / SECOND_MS:.1f} s"


@register.filter
def dollars(cost: Decimal) -> str:
    """Return "$0.21", and tenths of a cent where there is less than one cent."""
    return f"${cost:.2f}" if cost >= CENT or not cost else f"${cost:.3f}"


@register.filter
def phone_number(number: str) -> str:
    """Return a number as people of the clinic's country write it; one of another country keeps its code."""
    if number.lower() in WITHHELD:
        return "Number withheld"
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return number
    at_home = parsed.country_code == clinic_country_code()
    style = phonenumbers.PhoneNumberFormat
    return phonenumbers.format_number(parsed, style.NATIONAL if at_home else style.INTERNATIONAL)


def clinic_country_code() -> int:
    """Return the country code of the clinic's own number; the product's default clinic is in the USA."""
    for number in (settings.CLINIC_PHONE, settings.TWILIO_PHONE_NUMBER):
        if number:
            code = phonenumbers.parse(number, None).country_code
            if code is not None:
                return code
    return 1


@register.filter
def initials(name: str) -> str:
    """Return the first letters of the first and the last name; numbers are no names, unless there is nothing else."""
    names = [word for word in name.split() if word[0].isalpha()] or name.split()
    return "".join(word[0].upper() for word in ([names[0], names[-1]] if len(names) > 1 else names))


@register.filter
def tone(key: object) -> int:
    """Return one of the avatar's tints, always the same one for the same key; it says nothing."""
    return zlib.crc32(str(key).encode()) % TONES + 1


@register.filter
def code(value: Any) -> str:
    """Return data as JSON that people can read."""
    return json.dumps(value, indent=2, ensure_ascii=False)


@register.filter
def call_status(status: str) -> labels.Label:
    return labels.CALL_STATUS[CallLog.Status(status)]


@register.filter
def began_at(call: CallLog) -> datetime:
    """Return when the call was answered, or when it first rang."""
    return call.started_at or call.created_at


@register.filter
def other_number(call: CallLog) -> str:
    """Return the number that is not ours."""
    return call.to_number if call.direction == CallLog.Direction.OUTBOUND else call.from_number


@register.filter
def call_outcome(call: CallLog) -> labels.Label:
    return labels.call_outcome(call)


@register.filter
def tool_label(name: str) -> labels.Label:
    return labels.tool(name)


@register.filter
def ended_by(reason: str) -> str:
    return labels.ended_by(reason)


@register.filter
def appointment_status(status: str) -> labels.Label:
    return labels.APPOINTMENT_STATUS[status]


@register.filter
def source_name(source: str) -> str:
    return labels.SOURCE.get(source, source)


def _many(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
