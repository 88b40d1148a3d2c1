"""
Sentences ready to be spoken, in the caller's language (voice-conversation, section 4).

Dates are weekday, month and day in words, with the year only if it is another one; times are words, in the clinic's
zone. No line holds a list, an identifier or a symbol.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Literal, Protocol
from zoneinfo import ZoneInfo

from voice.assistant.phrases import en, es

Language = Literal["en", "es"]

LONGEST_NAME = 60
LONGEST_TEXT = 500
EMERGENCY_NUMBER = "9 1 1"
CRISIS_NUMBER = "9 8 8"


class Offer(Protocol):
    """A free time, as scheduling's selectors give it."""

    @property
    def nurse_name(self) -> str: ...
    @property
    def start(self) -> datetime: ...


class Phrases:
    """The sentences of one language, on one day, in one zone."""

    def __init__(self, language: str, *, today: date, zone: ZoneInfo) -> None:
        self.language: Language = "es" if language == "es" else "en"
        self.today = today
        self.zone = zone

    def say(self, line: str, **values: str) -> str:
        """Return a line; emergency numbers are filled in."""
        texts = en.TEXTS if self.language == "en" else es.TEXTS
        return texts[line].format(emergency=EMERGENCY_NUMBER, crisis=CRISIS_NUMBER, **values)

    def day(self, day: date, *, near: bool = True) -> str:
        """Return "Tuesday, March tenth"; with `near`, today and tomorrow are said so too."""
        if self.language == "en":
            spoken = f"{en.WEEKDAYS[day.weekday()]}, {en.day_and_month(day.month, day.day)}"
            spoken += f", {en.year(day.year)}" if day.year != self.today.year else ""
            words = ("today", "tomorrow")
        else:
            spoken = f"{es.WEEKDAYS[day.weekday()]} {es.day_and_month(day.month, day.day)}"
            spoken += f" de {es.year(day.year)}" if day.year != self.today.year else ""
            words = ("hoy", "mañana")
        ahead = (day - self.today).days
        return f"{words[ahead]}, {spoken}" if near and ahead in (0, 1) else spoken

    def time(self, moment: datetime, *, short: bool = False) -> str:
        """
        Return "ten thirty in the morning"; `short` leaves the part of the day out where it cannot be mistaken.

        The hours from seven to eighteen have different names on the clock's face, so between them none is needed.
        """
        local = moment.astimezone(self.zone)
        words = en if self.language == "en" else es
        spoken: str = words.clock(local.hour, local.minute)
        plain = local.minute == 0 and local.hour in (0, 12)
        if plain or (short and 7 <= local.hour <= 18):
            return spoken
        return f"{spoken} {words.part_of_day(local.hour)}"

    def moment(self, moment: datetime, *, near: bool = False) -> str:
        """Return day and time: "Tuesday, March tenth, at ten thirty in the morning"."""
        day = self.day(moment.astimezone(self.zone).date(), near=near)
        return f"{day}, {self._at(self.time(moment))}"

    def on(self, moment: datetime) -> str:
        """Return "on Tuesday, March tenth, at …", or "tomorrow, Friday, March sixth, at …"."""
        day = moment.astimezone(self.zone).date()
        return f"{self._preposition(day)}{self.moment(moment, near=True)}"

    def until(self, moment: datetime) -> str:
        """Return the moment as it follows "by"."""
        return self.moment(moment, near=True) if self.language == "en" else self.on(moment)

    def birth_date(self, day: date) -> str:
        """Return a birth date as it is read back, always with its year."""
        if self.language == "en":
            return f"{en.day_and_month(day.month, day.day)}, {en.year(day.year)}"
        return f"{es.day_and_month(day.month, day.day)} de {es.year(day.year)}"

    def visit_type(self, code: str) -> str:
        names = en.VISIT_TYPES if self.language == "en" else es.VISIT_TYPES
        return names.get(code, code.replace("_", " "))

    def number(self, value: int) -> str:
        """Return 0 to 99 in words, other numbers as digits."""
        if not 0 <= value < 100:
            return str(value)
        return en.number(value) if self.language == "en" else es.number(value)

    def digits(self, phone: str) -> str:
        """Return a phone number digit by digit in groups, without its country code when that is ours."""
        plain = "".join(character for character in phone if character.isdigit())
        if phone.startswith("+1") and len(plain) == 11:
            plain = plain[1:]
        groups = (
            [plain[:3], plain[3:6], plain[6:]]
            if len(plain) == 10
            else [plain[at : at + 3] for at in range(0, len(plain), 3)]
        )
        return ", ".join(" ".join(group) for group in groups)

    def offers(self, slots: Sequence[Offer]) -> str:
        """Return up to three offers grouped by nurse and day, ending in one question."""
        parts: list[str] = []
        said: set[tuple[int, int]] = set()
        for nurse in dict.fromkeys(slot.nurse_name for slot in slots):
            starts = sorted(slot.start for slot in slots if slot.nurse_name == nurse)
            line = "offer_another_nurse" if parts else "offer_nurse"
            parts.append(
                self.say(line, nurse=short_name(nurse), times=self._times(starts, said=said))
            )
        return self.say(
            "offer" if len(slots) > 1 else "offer_one", offers=self._listed(parts, ", ")
        )

    def visits(self, visits: Sequence[Mapping[str, Any]]) -> str:
        """Return booked visits, each with `visit_type`, `nurse` and `start`, in one sentence."""
        parts = [
            self.say(
                "visit_more" if at else "visit_first",
                visit_type=self.visit_type(visit["visit_type"]),
                nurse=short_name(visit["nurse"]),
                when=self.on(visit["start"]),
            )
            for at, visit in enumerate(visits)
        ]
        joined = ", and ".join(parts) if self.language == "en" else ", y ".join(parts)
        return self.say("appointments", visits=joined)

    def _times(self, starts: Sequence[datetime], *, said: set[tuple[int, int]]) -> str:
        days: dict[date, list[datetime]] = {}
        for start in starts:
            days.setdefault(start.astimezone(self.zone).date(), []).append(start)
        parts = []
        for day, moments in days.items():
            times = self._listed([self.time(m, short=True) for m in moments], " ")
            spoken = self._same_month_day(day) if (day.year, day.month) in said else self.day(day)
            said.add((day.year, day.month))
            article = "" if self.language == "en" else self._preposition(day)
            parts.append(f"{article}{spoken}, {self._at(times)}")
        return self._listed(parts, ", ")

    def _preposition(self, day: date) -> str:
        if (day - self.today).days in (0, 1):
            return ""
        return "on " if self.language == "en" else "el "

    def _same_month_day(self, day: date) -> str:
        """Return a day whose month was just said; "today" and "tomorrow" are then clear too."""
        if day - self.today <= timedelta(days=1):
            return self.day(day)
        if self.language == "en":
            return f"{en.WEEKDAYS[day.weekday()]} the {en.ordinal(day.day)}"
        return f"{es.WEEKDAYS[day.weekday()]} {es.number(day.day) if day.day > 1 else 'primero'}"

    def _at(self, times: str) -> str:
        if self.language == "en":
            return f"at {times}"
        return f"a {times}" if not times.startswith("mediodía") else f"al {times}"

    def _listed(self, parts: Sequence[str], comma: str) -> str:
        """Return "a", "a or b", "a, b, or c" ("a o b")."""
        if len(parts) <= 1:
            return "".join(parts)
        conjunction = "or" if self.language == "en" else "o"
        if self.language == "es" and parts[-1].startswith(("o", "ho")):
            conjunction = "u"
        glue = comma if comma.startswith(",") or len(parts) == 2 else ", "
        return ", ".join(parts[:-1]) + f"{glue}{conjunction} {parts[-1]}"


def weekday_words(moment: datetime, zone: ZoneInfo) -> tuple[str, ...]:
    """Return the weekday in every language; one of them must be heard in a read-back."""
    weekday = moment.astimezone(zone).weekday()
    return (en.WEEKDAYS[weekday], es.WEEKDAYS[weekday])


def compact(moment: datetime, zone: ZoneInfo) -> str:
    """Return "Tue Mar 10, 10:30 AM", the form of `when` in tool answers."""
    local = moment.astimezone(zone)
    return (
        f"{en.WEEKDAYS[local.weekday()][:3]} {en.MONTHS[local.month - 1][:3]} {local.day}, "
        f"{(local.hour - 1) % 12 + 1}:{local.minute:02} {'AM' if local.hour < 12 else 'PM'}"
    )


def short_name(name: str) -> str:
    """Return stored text that is a name, on one line, cut, without what is not speech (S24, A15)."""
    plain = "".join(c if c.isalpha() or c in " '’-." else " " for c in name)
    return " ".join(plain.split())[:LONGEST_NAME].strip() or "—"


def quoted(text: str) -> str:
    """Return other stored text on one line, at most 500 characters (S24)."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return (
        plain if len(plain) <= LONGEST_TEXT else plain[: LONGEST_TEXT - 1].rsplit(" ", 1)[0] + "…"
    )
