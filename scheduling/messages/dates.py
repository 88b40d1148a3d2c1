"""How a message writes a moment: the reader's own date and hour, with the zone; no Django."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from scheduling.messages.words import EMAIL, known_language

NOON = 12
SHORT_DAYS = {
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    "es": ("lun", "mar", "mié", "jue", "vie", "sab", "dom"),
}
LONG_DAYS = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "es": ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
}
LONG_MONTHS = {
    "en": (
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
    "es": (
        *("enero", "febrero", "marzo", "abril", "mayo", "junio"),
        *("julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"),
    ),
}


def date_and_time(moment: datetime, *, zone: ZoneInfo, language: str, channel: str) -> str:
    """Return the date with its weekday, the hour and the zone: short in a text, long in an e-mail."""
    language = known_language(language)
    local = moment.astimezone(zone)
    month = LONG_MONTHS[language][local.month - 1]
    clock = f"{clock_time(moment, zone=zone, language=language)} {_zone_name(local)}"
    if channel == EMAIL:
        day = LONG_DAYS[language][local.weekday()]
        if language == "es":
            return f"{day}, {local.day} de {month} de {local.year}, a las {clock}"
        return f"{day}, {month} {local.day}, {local.year}, at {clock}"
    day = SHORT_DAYS[language][local.weekday()]
    if language == "es":
        return f"{day} {local.day} {month[:3]}, {clock}"
    return f"{day} {month[:3]} {local.day}, {clock}"


def clock_time(moment: datetime, *, zone: ZoneInfo, language: str) -> str:
    """Return the hour, such as "9:00 AM" or, in Spanish, "09:00"."""
    local = moment.astimezone(zone)
    if known_language(language) == "es":
        return f"{local:%H:%M}"
    half = "AM" if local.hour < NOON else "PM"  # not %p, which follows the server's locale
    return f"{local.hour % NOON or NOON}:{local.minute:02} {half}"


def phone_number(number: str) -> str:
    """Return a number as it is dialled in the US, and any other with its country code."""
    parts = re.fullmatch(r"\+1(\d{3})(\d{3})(\d{4})", number)
    return "-".join(parts.groups()) if parts else number


def _zone_name(local: datetime) -> str:
    """Return the zone's letters; zones without any are named by their distance from UTC."""
    name = local.tzname() or ""
    if name[:1] not in "+-":
        return name
    hours, minutes = int(name[1:3]), int(name[3:5] or 0)
    return f"UTC{name[0]}{hours}" + (f":{minutes:02}" if minutes else "")
