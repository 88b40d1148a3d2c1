"""The calendar feed, to the octet."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from scheduling.exchange.feed import FeedVisit, feed

START = datetime(2026, 3, 9, 14, tzinfo=UTC)
CHANGED = datetime(2026, 3, 5, 15, 30, 12, 345678, tzinfo=UTC)


def make_visit(
    *, summary: str = "Routine visit M.G.", sequence: int = 0, cancelled: bool = False
) -> FeedVisit:
    return FeedVisit(
        uid="5a7e@clinic.example",
        start=START,
        end=START + timedelta(minutes=30),
        summary=summary,
        sequence=sequence,
        changed_at=CHANGED,
        cancelled=cancelled,
    )


class TestFeed:
    def test_begins_as_calendars_expect(self) -> None:
        lines = feed(name="Visits, Lakeside", visits=[]).decode().split("\r\n")

        assert lines[0] == "BEGIN:VCALENDAR"
        assert "VERSION:2.0" in lines
        assert "METHOD:PUBLISH" in lines
        assert "REFRESH-INTERVAL;VALUE=DURATION:PT15M" in lines
        assert "X-PUBLISHED-TTL:PT15M" in lines
        assert "X-WR-CALNAME:Visits\\, Lakeside" in lines

    def test_gives_a_visit_in_utc_with_its_sequence_and_last_change(self) -> None:
        lines = feed(name="Visits", visits=[make_visit(sequence=3)]).decode().split("\r\n")

        assert "UID:5a7e@clinic.example" in lines
        assert "DTSTART:20260309T140000Z" in lines
        assert "DTEND:20260309T143000Z" in lines
        assert "DTSTAMP:20260305T153012Z" in lines
        assert "LAST-MODIFIED:20260305T153012Z" in lines
        assert "SEQUENCE:3" in lines
        assert "STATUS:CONFIRMED" in lines
        assert "TRANSP:OPAQUE" in lines
        assert "CLASS:PRIVATE" in lines

    def test_shows_a_cancelled_visit_as_cancelled_and_free(self) -> None:
        lines = feed(name="Visits", visits=[make_visit(cancelled=True)]).decode().split("\r\n")

        assert "STATUS:CANCELLED" in lines
        assert "TRANSP:TRANSPARENT" in lines

    @given(
        st.lists(
            st.builds(
                make_visit,
                summary=st.text(
                    st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1
                ),
                sequence=st.integers(0, 9),
                cancelled=st.booleans(),
            ),
            max_size=3,
        )
    )
    def test_folds_at_75_octets_and_reads_back_as_it_was_meant(
        self, visits: list[FeedVisit]
    ) -> None:
        body = feed(name="Sprechstunde für Jürgen, überall; \\o/", visits=visits)

        for line in body.split(b"\r\n"):
            assert len(line) <= 75
            line.decode()  # no character is split
        events = Calendar.from_ical(body).walk("VEVENT")
        assert [str(event["summary"]) for event in events] == [v.summary for v in visits]
        assert [event["sequence"] for event in events] == [v.sequence for v in visits]
