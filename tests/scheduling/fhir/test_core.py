"""The core of FHIR against whatever may be sent, without a database."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.fhir import calendars, people, statuses, visits
from scheduling.fhir.bodies import KEPT, OURS, read_appointment
from scheduling.fhir.instants import span_of
from scheduling.fhir.outcomes import FhirFault
from scheduling.fhir.search import read_search
from scheduling.fhir.site import Site
from scheduling.fhir.table import RESOURCES
from tests.scheduling.fhir.program import validated

SITE = Site("http://testserver/fhir/R4", "https://clinic.example/fhir/R4")
ZONE = ZoneInfo("America/New_York")
ELEMENTS = sorted(KEPT | OURS)
VALID = {
    "resourceType": "Appointment",
    "status": "booked",
    "start": "2026-03-06T14:00:00Z",
    "participant": [
        {
            "actor": {"reference": "Patient/00000000-0000-0000-0000-000000000001"},
            "status": "accepted",
        }
    ],
}

texts = st.text(st.characters(), max_size=20)  # halves of characters and zeros, too
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["reference", "coding", "code", "system", "value", "actor", "status", "text"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30).filter(
    lambda name: bool(name.strip())
)
instants = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
kinds = st.builds(
    calendars.TypeValues, id=st.uuids(), code=st.sampled_from(["routine", "x"]), name=names
)


def refused(read: Callable[[], object]) -> int:
    """Return the status with which something is refused, zero if it is taken."""
    try:
        read()
    except FhirFault as fault:
        return fault.status
    return 0


class TestABody:
    @given(st.dictionaries(st.sampled_from(ELEMENTS), anything, max_size=4))
    def test_is_read_or_refused_and_nothing_else(self, changed: dict[str, Any]) -> None:
        assert refused(lambda: read_appointment(VALID | changed, SITE)) in {0, 400, 422}

    @given(anything)
    def test_that_is_no_object_is_refused(self, body: Any) -> None:
        with pytest.raises(FhirFault):
            read_appointment(body, SITE)


class TestASearch:
    @given(
        st.sampled_from(sorted(RESOURCES)),
        st.lists(
            st.tuples(
                st.sampled_from(
                    sorted({one.name for kind in RESOURCES.values() for one in kind.parameters})
                )
                | texts,
                texts | st.from_regex(r"(eq|ge|lt)?\d{4}(-\d\d)?(-\d\d)?", fullmatch=True),
            ),
            max_size=4,
        ),
        st.booleans(),
    )
    def test_is_read_or_refused_and_nothing_else(
        self, name: str, sent: list[tuple[str, str]], strict: bool
    ) -> None:
        kind = RESOURCES[name]

        status = refused(lambda: read_search(sent, kind, strict=strict, zone=ZONE, base=SITE.base))

        assert status in {0, 400}

    def test_knows_escaped_commas_and_bars(self) -> None:
        sent = [("name", r"a\,b,c"), ("identifier", r"x\|y|z\$")]

        search = read_search(sent, RESOURCES["Patient"], strict=True, zone=ZONE, base=SITE.base)

        assert search.wishes[0].values == ("a,b", "c")


class TestADate:
    @pytest.mark.parametrize(
        ("text", "start", "length"),
        [
            ("2026-03-08", datetime(2026, 3, 8, 5, tzinfo=UTC), timedelta(hours=23)),
            ("2026-11-01", datetime(2026, 11, 1, 4, tzinfo=UTC), timedelta(hours=25)),
            ("2026-02", datetime(2026, 2, 1, 5, tzinfo=UTC), timedelta(days=28)),
            ("2026-12", datetime(2026, 12, 1, 5, tzinfo=UTC), timedelta(days=31)),
            ("2026-03-06T09:00", datetime(2026, 3, 6, 14, tzinfo=UTC), timedelta(minutes=1)),
            ("2026-03-06T14:00:07Z", datetime(2026, 3, 6, 14, 0, 7, tzinfo=UTC), timedelta(seconds=1)),
        ],
    )  # fmt: skip
    def test_is_the_clinics_and_as_long_as_it_is_vague(
        self, text: str, start: datetime, length: timedelta
    ) -> None:
        span = span_of(text, zone=ZONE)

        assert (span.start, span.end - span.start) == (start, length)


class TestEveryResource:
    @given(
        st.builds(
            people.PatientValues,
            id=st.uuids(),
            first_name=names,
            last_name=names | st.just(""),
            date_of_birth=st.dates(date(1900, 1, 1), date(2030, 1, 1)),
            phones=st.tuples(st.sampled_from(["", "+12025550101"])),
            email=st.sampled_from(["", "a@example.org"]),
            reference_number=st.sampled_from(["", "CM-1"]),
            language=st.sampled_from(["en", "es"]),
            active=st.booleans(),
            primary_nurse=st.none() | st.uuids(),
            updated_at=instants,
        )
    )
    def test_of_a_patient_is_valid(self, values: people.PatientValues) -> None:
        assert validated(people.patient(values, SITE))["id"] == str(values.id)

    @given(
        st.builds(
            visits.VisitValues,
            id=st.uuids(),
            state=st.sampled_from(sorted(statuses.DRAWN, key=str)),
            patient_id=st.none() | st.uuids(),
            patient_name=names | st.just(""),
            nurse_id=st.uuids(),
            nurse_name=names,
            visit_type=kinds,
            start=instants,
            end=instants,
            minute=st.integers(0, 10**8),
            version=st.integers(1, 10**6),
            created_at=instants,
            updated_at=instants,
            reason=names | st.just(""),
            cancellation_reason=st.sampled_from(["", *statuses.CANCELLATION]),
            cancellation_note=names | st.just(""),
            identifier=st.none() | st.builds(visits.Identifier, system=st.just(""), value=names),
        ).map(lambda values: replace(values, end=values.start + timedelta(minutes=30)))
    )
    def test_of_a_visit_is_valid_and_can_be_sent_back(self, values: visits.VisitValues) -> None:
        drawn = validated(visits.appointment(values, SITE))

        assert refused(lambda: read_appointment(drawn, SITE)) == 0
        assert "cancelationReason" not in drawn or drawn["status"] in {"cancelled", "noshow"}

    @given(
        st.lists(
            st.builds(
                people.Window,
                weekday=st.integers(0, 6),
                start=st.integers(0, 1439),
                end=st.integers(0, 1439),
                is_break=st.booleans(),
            ),
            max_size=6,
        )
    )
    def test_of_weekly_windows_holds_the_minutes_of_work_and_no_break(
        self, windows: list[people.Window]
    ) -> None:
        drawn = list(people._available_times(windows))

        assert minutes_of(drawn) == minutes_in(windows, False) - minutes_in(windows, True)


def minutes_in(windows: list[people.Window], is_break: bool) -> set[tuple[int, int]]:
    """Return weekday and minute of all that lies in the windows, counted one by one."""
    found = set()
    for window in windows:
        length = (window.end - window.start) % 1440 or 1440
        if window.is_break is is_break:
            for minute in range(window.start, window.start + length):
                found.add(((window.weekday + minute // 1440) % 7, minute % 1440))
    return found


def minutes_of(drawn: list[dict[str, Any]]) -> set[tuple[int, int]]:
    found = set()
    for one in drawn:
        start, end = (
            minute_of(one.get(name)) for name in ("availableStartTime", "availableEndTime")
        )
        for day in one["daysOfWeek"]:
            weekday = people.DAYS.index(day)
            span = range(1440) if one.get("allDay") else range(start, end)
            found |= {(weekday, minute) for minute in span}
    return found


def minute_of(text: str | None) -> int:
    if text is None or text == people.LAST_SECOND:
        return 1440
    return int(text[:2]) * 60 + int(text[3:5])
