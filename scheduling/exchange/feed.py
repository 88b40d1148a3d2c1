"""A nurse's visits as an iCalendar feed (scheduling reference, section 14; RFC 5545, RFC 7986)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from icalendar import Calendar, Event, vText

PRODUCT = "-//Carematix//Calendar feed//EN"
REFRESH = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class FeedVisit:
    """
    One visit as a calendar shows it; times are UTC.

    `summary` is the kind of visit with the patient's initials and nothing else of the patient; `changed_at` is the
    last change, so that a feed without changes stays the same to the byte.
    """

    uid: str
    start: datetime
    end: datetime
    summary: str
    sequence: int
    changed_at: datetime
    cancelled: bool = False


def feed(*, name: str, visits: Iterable[FeedVisit]) -> bytes:
    """Return the feed as UTF-8 text: CRLF, lines of at most 75 octets."""
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", vText(name))
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT15M")
    for visit in visits:
        calendar.add_component(_event(visit))
    return bytes(calendar.to_ical(sorted=False))


def _event(visit: FeedVisit) -> Event:
    event = Event()
    event.add("uid", visit.uid)
    event.add("sequence", visit.sequence)
    event.add("dtstamp", _whole(visit.changed_at))
    event.add("last-modified", _whole(visit.changed_at))
    event.add("dtstart", visit.start)
    event.add("dtend", visit.end)
    event.add("status", "CANCELLED" if visit.cancelled else "CONFIRMED")
    event.add("transp", "TRANSPARENT" if visit.cancelled else "OPAQUE")
    event.add("class", "PRIVATE")
    event.add("summary", visit.summary)
    return event


def _whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
