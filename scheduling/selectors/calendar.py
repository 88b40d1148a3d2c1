"""Reads of the clinic's own rules and hours."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from scheduling.clock import clinic_zone
from scheduling.models import Clinic, Holiday, OpeningHours

DEFAULT_HOURS: dict[int, tuple[tuple[time, time], ...]] = {
    weekday: ((time(8), time(17)),) for weekday in range(5)
}
LONGEST_CLOSURE_DAYS = 60


@dataclass(frozen=True, slots=True)
class ClinicProfile:
    """The clinic's rules and texts, defaults without a `Clinic` row."""

    address: str = ""
    bring_en: str = ""
    bring_es: str = ""
    services_en: str = ""
    services_es: str = ""
    minimum_notice_minutes: int = 120
    horizon_days: int = 180
    late_change_hours: int = 24
    too_late_hours: int = 2
    slot_step_minutes: int = 30

    def bring(self, language: str) -> str:
        """Return what to bring to a visit, in `es` or else in English."""
        return (self.bring_es if language == "es" else "") or self.bring_en

    def services(self, language: str) -> str:
        """Return what the clinic does, in `es` or else in English."""
        return (self.services_es if language == "es" else "") or self.services_en


@dataclass(frozen=True, slots=True)
class Staffed:
    """Whether somebody answers the phone; `closes_at` while open, `opens_at` while closed."""

    open: bool
    closes_at: datetime | None = None
    opens_at: datetime | None = None


def clinic_profile() -> ClinicProfile:
    """Return the clinic's profile."""
    row = Clinic.objects.values(*ClinicProfile.__dataclass_fields__).first()
    return ClinicProfile(**row) if row else ClinicProfile()


def staffed(*, now: datetime) -> Staffed:
    """Return whether the clinic is staffed at `now`, and when that next changes (UTC)."""
    zone = clinic_zone()
    today = now.astimezone(zone).date()
    hours = _hours()
    closed = _holidays(today, today + timedelta(days=LONGEST_CLOSURE_DAYS))
    for ahead in range(LONGEST_CLOSURE_DAYS):
        day = today + timedelta(days=ahead)
        if day in closed:
            continue
        for opens, closes in hours.get(day.weekday(), ()):
            opens_at = datetime.combine(day, opens, zone).astimezone(UTC)
            closes_at = datetime.combine(day, closes, zone).astimezone(UTC)
            if opens_at <= now < closes_at:
                return Staffed(open=True, closes_at=closes_at)
            if now < opens_at:
                return Staffed(open=False, opens_at=opens_at)
    return Staffed(open=False)


def next_staffed(*, now: datetime) -> datetime:
    """Return `now` while staffed, else the next opening; `now` if none is known."""
    state = staffed(now=now)
    return now if state.open or state.opens_at is None else state.opens_at


def is_open_day(*, day: date) -> bool:
    """Tell whether the clinic has hours on a date."""
    return day.weekday() in _hours() and day not in _holidays(day, day)


def next_open_day(*, after: date) -> date:
    """Return the first date after `after` on which the clinic has hours; the next day if none is known."""
    hours = _hours()
    closed = _holidays(after, after + timedelta(days=LONGEST_CLOSURE_DAYS))
    days = (after + timedelta(days=ahead) for ahead in range(1, LONGEST_CLOSURE_DAYS + 1))
    open_days = (day for day in days if day.weekday() in hours and day not in closed)
    return next(open_days, after + timedelta(days=1))


def _hours() -> dict[int, tuple[tuple[time, time], ...]]:
    stored: dict[int, tuple[tuple[time, time], ...]] = {}
    rows = OpeningHours.objects.order_by("weekday", "opens")
    for weekday, opens, closes in rows.values_list("weekday", "opens", "closes"):
        stored[weekday] = (*stored.get(weekday, ()), (opens, closes))
    return stored or DEFAULT_HOURS


def _holidays(first: date, last: date) -> set[date]:
    return set(Holiday.objects.filter(date__range=(first, last)).values_list("date", flat=True))
