"""
When a message goes out (scheduling reference, section 13); no Django, no clock.

Leads are elapsed time. Quiet hours, 21:00 to 08:00, are read on the patient's clock, whatever the nurse's and the
clinic's clocks show.
"""

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from scheduling.slots.zones import edge_to_minute, to_instant

QUIET_FROM, QUIET_UNTIL = time(21), time(8)
EVENING_MARGIN = timedelta(
    minutes=30
)  # so that what is due in the evening is sent before it is quiet
LAST_MOMENT = timedelta(hours=1)  # before the visit: later a reminder helps nobody
MORNING_MARGIN = timedelta(hours=2)
"""Who has a visit within this time after the night must know of a change before she or he gets ready."""
LEADS = {"reminder_48h": timedelta(hours=48), "reminder_2h": timedelta(hours=2)}
NOON = 12
MINUTE = timedelta(minutes=1)
LONGEST_QUIET_DAYS = 3  # a zone that skips a whole date is quiet over three of them


def is_quiet(moment: datetime, *, zone: ZoneInfo) -> bool:
    """Tell whether a clock in `zone` shows 21:00 or later, or earlier than 08:00."""
    clock = moment.astimezone(zone).time()
    return clock >= QUIET_FROM or clock < QUIET_UNTIL


def quiet_until(moment: datetime, *, zone: ZoneInfo) -> datetime:
    """Return when the quiet hours around `moment` end, in UTC; `moment` itself if it is not quiet."""
    if not is_quiet(moment, zone=zone):
        return moment.astimezone(UTC)
    today = moment.astimezone(zone).date()
    ends = (
        _first_instant(zone, today + timedelta(days=ahead), QUIET_UNTIL)
        for ahead in range(LONGEST_QUIET_DAYS)
    )
    return next(end for end in ends if end > moment and not is_quiet(end, zone=zone))


def quiet_since(moment: datetime, *, zone: ZoneInfo) -> datetime:
    """Return when the quiet hours around a quiet `moment` began, in UTC."""
    today = moment.astimezone(zone).date()
    begins = (
        _first_instant(zone, today - timedelta(days=back), QUIET_FROM)
        for back in range(LONGEST_QUIET_DAYS)
    )
    return next(
        begin for begin in begins if begin <= moment and not is_quiet(begin - MINUTE, zone=zone)
    )


def reminder_time(
    *, start: datetime, lead: timedelta, zone: ZoneInfo, now: datetime
) -> datetime | None:
    """
    Return when to remind of a visit that begins at `start`, in UTC; None if there is no good moment after `now`.

    What falls into quiet hours goes out on the evening before for a morning visit, else when the quiet hours end; the
    other of the two if the first has passed or would be later than an hour before the visit.
    """
    wanted = (start - lead).astimezone(UTC)
    if wanted <= now:
        return None
    if not is_quiet(wanted, zone=zone):
        return wanted
    evening = quiet_since(wanted, zone=zone) - EVENING_MARGIN
    morning = quiet_until(wanted, zone=zone)
    early = start.astimezone(zone).hour < NOON
    for moment in (evening, morning) if early else (morning, evening):
        if now < moment <= start - LAST_MOMENT:
            return moment
    return None


def notice_time(
    *, by_patient: bool, starts: Collection[datetime], zone: ZoneInfo, now: datetime
) -> datetime:
    """
    Return when to tell a patient of a change of a visit by text, in UTC.

    What the patient did (`by_patient`: by phone, keypad or text) is answered at once: she or he is awake. What others
    did in the patient's quiet hours waits until these end, unless a visit is too near for that: `starts` are all the
    starts that the change is about, of a move the old one as well, and the earliest counts. A visit that begins two
    hours after the night, to the minute, can wait.
    """
    if by_patient or not is_quiet(now, zone=zone):
        return now.astimezone(UTC)
    morning = quiet_until(now, zone=zone)
    near = min(starts) < morning + MORNING_MARGIN
    return now.astimezone(UTC) if near else morning


def _first_instant(zone: ZoneInfo, day: date, clock: time) -> datetime:
    return to_instant(edge_to_minute(zone, day, clock.hour * 60 + clock.minute, is_end=False))
