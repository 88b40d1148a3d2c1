"""Visits from files: history as it is, visits ahead by the rules of every booking."""

import json
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from scheduling import services
from scheduling.exchange.csv_text import FileRefused, line
from scheduling.models import (
    Appointment,
    AppointmentChange,
    Message,
    Nurse,
    Patient,
    WebhookDelivery,
    WebhookEndpoint,
)
from tests.factories import (
    NOW,
    make_appointment,
    make_assignment,
    make_consent,
    make_hold,
    make_nurse,
    make_override,
    make_patient,
    make_specialization,
    make_visit_type,
)

pytestmark = pytest.mark.django_db

FRIDAY_NINE = "2026-03-06T09:00:00-05:00"
VISIT = {
    "patient_reference_number": "R1",
    "nurse_license_state": "NY",
    "nurse_license_number": "RN1",
    "visit_type": "routine",
    "start": FRIDAY_NINE,
    "end": "",
    "status": "booked",
}
PAST = {"start": "2026-03-03T09:07:00-05:00", "status": "fulfilled"}


@pytest.fixture(autouse=True)
def _clinic_clock(settings: Any) -> None:
    settings.CAREMATIX_NOW = NOW


@pytest.fixture
def patient() -> Patient:
    return make_patient(reference_number="R1", state="NY")


@pytest.fixture
def nurse() -> Nurse:
    make_visit_type()
    return make_nurse(license_number="RN1")


def file_of(*rows: dict[str, str]) -> bytes:
    columns = {name for row in rows for name in row}
    cells = [[row.get(name, "") for name in sorted(columns)] for row in rows]
    return "".join([line(sorted(columns)), *map(line, cells)]).encode()


def bring(*rows: dict[str, str]) -> tuple[int, int, int]:
    result = services.import_file(
        kind="appointments", content=file_of(*rows), actor="test", now=NOW
    )
    return result.new, result.changed, result.unchanged


def refused(*rows: dict[str, str]) -> list[tuple[int, str, str]]:
    """Return the places and codes of the problems, which are the same whether checked or to be stored."""
    content = file_of(*rows)
    with pytest.raises(FileRefused) as checked:
        services.check_file(kind="appointments", content=content, now=NOW)
    with pytest.raises(FileRefused) as stored:
        bring(*rows)
    assert checked.value.problems == stored.value.problems
    return [(one.row, one.column, one.code) for one in stored.value.problems]


@pytest.mark.usefixtures("patient", "nurse")
class TestAVisitAhead:
    def test_is_booked(self) -> None:
        assert bring(VISIT) == (1, 0, 0)

        visit = Appointment.objects.get()
        assert visit.start.isoformat() == "2026-03-06T14:00:00+00:00"
        assert visit.end - visit.start == timedelta(minutes=30)
        (change,) = AppointmentChange.objects.all()
        assert (change.kind, change.reason, change.actor) == ("booked", "import", "test")

    def test_blocks_the_buffers_of_the_nurse(self, nurse: Nurse) -> None:
        Nurse.objects.update(buffer_before_minutes=10, buffer_after_minutes=20)

        bring(VISIT)

        visit = Appointment.objects.get()
        assert visit.start - visit.blocked_from == timedelta(minutes=10)
        assert visit.blocked_until - visit.end == timedelta(minutes=20)

    @pytest.mark.parametrize(
        ("changes", "problem"),
        [
            ({"start": "2026-03-07T09:00:00-05:00"}, ("start", "not_available")),  # a Saturday
            ({"start": "2026-03-06T09:10:00-05:00"}, ("start", "invalid_time")),  # off the grid
            ({"start": "2026-03-05T10:30:00-05:00"}, ("start", "invalid_time")),  # too soon
            ({"start": "2026-03-02T09:00:00-05:00"}, ("start", "invalid_time")),  # past
            ({"start": "2027-03-05T09:00:00-05:00"}, ("start", "invalid_time")),  # too far ahead
            ({"end": "2026-03-06T10:00:00-05:00"}, ("end", "bad_value")),
            ({"status": "arrived"}, ("status", "bad_value")),
            ({"patient_reference_number": "R2"}, ("patient_reference_number", "not_found")),
            ({"nurse_license_number": "RN2"}, ("nurse_license_number", "not_found")),
            ({"visit_type": "unknown"}, ("visit_type", "not_found")),
        ],
    )
    def test_that_the_rules_do_not_allow_is_refused(
        self, changes: dict[str, str], problem: tuple[str, str]
    ) -> None:
        assert refused(VISIT | changes) == [(2, *problem)]
        assert not Appointment.objects.exists()

    def test_of_a_patient_who_is_not_cared_for_is_refused(self, patient: Patient) -> None:
        Patient.objects.update(active=False)

        assert refused(VISIT) == [(2, "patient_reference_number", "not_available")]

    def test_of_a_nurse_who_never_goes_there_is_refused(
        self, patient: Patient, nurse: Nurse
    ) -> None:
        make_assignment(patient=patient, nurse=nurse, primary=False, closed=True)

        assert refused(VISIT) == [(2, "start", "not_available")]

    def test_of_a_nurse_without_the_license_or_the_skill_is_refused(self, nurse: Nurse) -> None:
        Nurse.objects.update(license_expires_on=date(2026, 3, 5))
        assert refused(VISIT) == [(2, "nurse_license_number", "not_available")]
        Nurse.objects.update(license_expires_on=date(2030, 1, 1))
        make_visit_type(code="wound", specialization=make_specialization())
        assert refused(VISIT | {"visit_type": "wound"}) == [(2, "visit_type", "not_available")]
        make_visit_type(code="home", in_patient_state=True)
        assert bring(VISIT | {"visit_type": "home"}) == (1, 0, 0)
        Patient.objects.update(state="NJ")
        later = {"visit_type": "home", "start": "2026-03-06T10:00:00-05:00"}
        assert refused(VISIT | later) == [(2, "nurse_license_number", "not_available")]

    def test_of_a_kind_or_nurse_out_of_use_is_refused(self, nurse: Nurse) -> None:
        make_visit_type(code="old", active=False)
        assert refused(VISIT | {"visit_type": "old"}) == [(2, "start", "not_available")]
        Nurse.objects.update(active=False)
        assert refused(VISIT) == [(2, "start", "not_available")]

    def test_in_time_off_or_beyond_the_cap_is_refused(self, nurse: Nurse) -> None:
        Nurse.objects.update(daily_cap=1)
        make_patient(reference_number="R2")
        second = {"patient_reference_number": "R2", "start": "2026-03-06T10:00:00-05:00"}
        assert refused(VISIT, VISIT | second) == [(3, "start", "not_available")]
        make_override(nurse=nurse, date=date(2026, 3, 6))
        assert refused(VISIT) == [(2, "start", "not_available")]

    def test_where_somebody_is_busy_is_refused(self, patient: Patient, nurse: Nurse) -> None:
        make_appointment(nurse=nurse)
        assert refused(VISIT) == [(2, "start", "slot_taken")]
        Appointment.objects.all().delete()
        make_appointment(patient=patient)
        assert refused(VISIT) == [(2, "start", "slot_taken")]

    def test_at_a_held_time_is_refused(self, nurse: Nurse) -> None:
        make_hold(nurse=nurse)

        assert refused(VISIT) == [(2, "start", "slot_taken")]

    def test_brings_reminders_but_no_confirmation(self, patient: Patient) -> None:
        make_consent(patient=patient)

        bring(VISIT | {"start": "2026-03-10T09:00:00-04:00"})

        kinds = set(Message.objects.values_list("kind", flat=True))
        assert kinds == {"reminder_48h", "reminder_2h"}

    def test_is_told_to_other_systems(self) -> None:
        WebhookEndpoint.objects.create(url="https://other.example/hook", secret="whsec_x")

        bring(VISIT)

        body = json.loads(WebhookDelivery.objects.get().body)
        assert body["type"] == "appointment.booked"
        assert body["data"]["id"] == str(Appointment.objects.get().pk)


@pytest.mark.usefixtures("patient", "nurse")
class TestVisitsOfOneFile:
    def test_that_meet_at_a_nurse_are_refused_and_the_other_row_and_free_times_are_named(
        self,
    ) -> None:
        make_patient(reference_number="R2")
        name = Nurse.objects.get().name

        rows = (VISIT, VISIT | {"patient_reference_number": "R2"})

        assert refused(*rows) == [(3, "start", "slot_taken")]
        with pytest.raises(FileRefused) as error:
            bring(*rows)
        assert error.value.problems[0].detail == (
            "That time is taken. Row 2 of this file has it. Free near it: "
            f"Fri Mar 6, 2026, 9:30 AM EST with {name}; Fri Mar 6, 2026, 10:00 AM EST with {name}; "
            f"Fri Mar 6, 2026, 10:30 AM EST with {name}."
        )

    def test_that_meet_at_a_patient_are_refused(self) -> None:
        make_nurse(license_number="RN2")

        assert refused(VISIT, VISIT | {"nurse_license_number": "RN2"}) == [
            (3, "start", "slot_taken")
        ]

    def test_that_meet_in_a_buffer_are_refused(self) -> None:
        Nurse.objects.update(buffer_after_minutes=15)
        make_patient(reference_number="R2")
        next_one = {"patient_reference_number": "R2", "start": "2026-03-06T09:30:00-05:00"}

        assert refused(VISIT, VISIT | next_one) == [(3, "start", "slot_taken")]

    def test_that_touch_are_booked(self) -> None:
        assert bring(VISIT, VISIT | {"start": "2026-03-06T09:30:00-05:00"}) == (2, 0, 0)

    def test_that_are_the_same_are_refused(self) -> None:
        assert refused(VISIT, VISIT) == [(3, "start", "repeated")]

    def test_are_stored_all_or_not_at_all(self) -> None:
        bad = VISIT | {"start": "2026-03-07T09:00:00-05:00"}

        assert len(refused(VISIT | PAST, VISIT, bad)) == 1
        assert not Appointment.objects.exists()
        assert not AppointmentChange.objects.exists()


@pytest.mark.usefixtures("patient", "nurse")
class TestHistory:
    @pytest.mark.parametrize("status", ["fulfilled", "noshow", "cancelled"])
    def test_is_stored_as_it_was(self, status: str) -> None:
        row = VISIT | PAST | {"status": status, "end": "2026-03-03T10:00:00-05:00"}

        assert bring(row) == (1, 0, 0)

        visit = Appointment.objects.get()
        assert (visit.status, visit.end - visit.start) == (status, timedelta(minutes=53))
        assert AppointmentChange.objects.get().kind == status
        assert not Message.objects.exists()

    def test_may_overlap_and_needs_no_hours(self) -> None:
        rows = [VISIT | PAST, VISIT | PAST | {"status": "noshow"}]

        assert bring(*rows, VISIT | {"start": "2026-03-01T03:00:00-05:00", "status": "noshow"}) == (
            3,
            0,
            0,
        )

    def test_of_a_cancellation_keeps_when_and_why(self) -> None:
        at = "2026-03-01T12:00:05-05:00"

        bring(VISIT | {"status": "cancelled", "cancelled_at": at, "cancellation_reason": "nurse"})

        visit = Appointment.objects.get()
        assert visit.cancelled_at == datetime.fromisoformat(at)
        assert visit.cancellation_reason == "nurse"

    @pytest.mark.parametrize(
        ("changes", "problem"),
        [
            ({"status": "fulfilled"}, ("status", "too_early")),
            ({"status": "noshow"}, ("status", "too_early")),
            (PAST | {"end": "2026-03-03T09:07:00-05:00"}, ("end", "bad_value")),
            (PAST | {"end": "2026-03-04T09:07:00-05:00"}, ("end", "bad_value")),
        ],
    )
    def test_that_cannot_be_is_refused(
        self, changes: dict[str, str], problem: tuple[str, str]
    ) -> None:
        assert refused(VISIT | changes) == [(2, *problem)]


@pytest.mark.usefixtures("patient", "nurse")
class TestTheSameFileAgain:
    def test_changes_nothing(self) -> None:
        rows = [
            VISIT | PAST | {"status": "cancelled"},
            VISIT | PAST,
            VISIT | {"status": "cancelled"},
            VISIT,
        ]
        assert bring(*rows) == (4, 0, 0)
        before = list(Appointment.objects.order_by("id").values())

        assert bring(*rows) == (0, 0, 4)
        assert list(Appointment.objects.order_by("id").values()) == before
        assert AppointmentChange.objects.count() == 4

    def test_says_so_when_a_visit_has_changed_since(self) -> None:
        bring(VISIT)
        visit = Appointment.objects.get()
        services.cancel_appointment(
            appointment_id=visit.pk, source="admin", actor="user:1", now=NOW
        )

        assert refused(VISIT) == [(2, "status", "stored_otherwise")]


class TestManyVisits:
    def test_cost_a_number_of_queries_that_does_not_grow_with_each(
        self, patient: Patient, nurse: Nurse, django_assert_max_num_queries: Any
    ) -> None:
        rows = [
            VISIT | {"start": f"2026-03-{day:02}T{hour:02}:00:00-04:00"}
            for day in (9, 10, 11, 12, 13)
            for hour in range(9, 17)
        ]

        with django_assert_max_num_queries(30):
            assert bring(*rows) == (40, 0, 0)
