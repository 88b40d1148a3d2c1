"""The database itself refuses what must never be stored, whoever asks (scheduling reference, section 5)."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, models, transaction

from scheduling.constraints import NoOverlap
from scheduling.models import Appointment, AvailabilityOverride, CareAssignment, Clinic, SlotHold
from tests.factories import (
    TOMORROW_NINE,
    make_appointment,
    make_assignment,
    make_availability,
    make_hold,
    make_nurse,
    make_override,
    make_patient,
)

pytestmark = pytest.mark.django_db

HALF_HOUR = timedelta(minutes=30)
QUARTER = timedelta(minutes=15)


def refusal_of(statement: str, parameters: list[Any]) -> str:
    """Run raw SQL and return the name of the constraint that refuses it."""
    with (
        pytest.raises(IntegrityError) as caught,
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement, parameters)
    diagnosis = getattr(caught.value.__cause__, "diag", None)
    return str(diagnosis.constraint_name) if diagnosis is not None else str(caught.value)


def insert_copy(visit: Appointment, **changes: Any) -> tuple[str, list[Any]]:
    """Return raw SQL that inserts a visit like `visit` but for `changes`."""
    fields = Appointment._meta.concrete_fields
    values = [
        field.get_db_prep_value(
            changes.get(field.attname, getattr(visit, field.attname)), connection
        )
        for field in fields
    ]
    columns = ", ".join(f'"{field.column}"' for field in fields)
    marks = ", ".join(["%s"] * len(fields))
    table = Appointment._meta.db_table
    return f'INSERT INTO "{table}" ({columns}) VALUES ({marks})', values


def update_of(visit: models.Model, **changes: Any) -> tuple[str, list[Any]]:
    """Return raw SQL that changes one row."""
    fields = [visit._meta.get_field(name) for name in changes]
    values = [
        field.get_db_prep_value(value, connection)  # type: ignore[union-attr]  # never a relation
        for field, value in zip(fields, changes.values(), strict=True)
    ]
    key = visit._meta.pk
    assert key is not None
    settings = ", ".join(f'"{field.column}" = %s' for field in fields)  # type: ignore[union-attr]  # as above
    table = visit._meta.db_table
    return f'UPDATE "{table}" SET {settings} WHERE id = %s', [
        *values,
        key.get_db_prep_value(visit.pk, connection),
    ]


class TestNoOverlap:
    def test_a_raw_insert_of_an_overlapping_visit_of_the_nurse_is_refused_by_name(self) -> None:
        """Tricky case 21."""
        visit = make_appointment()
        another = make_patient()

        sql = insert_copy(visit, id=UUID(int=1), patient_id=another.pk)

        assert refusal_of(*sql) == "appointment_nurse_overlap"

    def test_a_raw_insert_of_an_overlapping_visit_of_the_patient_is_refused_by_name(self) -> None:
        """Tricky case 19."""
        visit = make_appointment()
        another = make_nurse()

        sql = insert_copy(visit, id=UUID(int=1), nurse_id=another.pk)

        assert refusal_of(*sql) == "appointment_patient_overlap"

    def test_a_raw_update_onto_a_taken_time_is_refused_by_name(self) -> None:
        """Tricky case 21."""
        first = make_appointment()
        second = make_appointment(nurse=first.nurse, start=first.end)

        sql = update_of(second, blocked_from=first.start + QUARTER)

        assert refusal_of(*sql) == "appointment_nurse_overlap"

    def test_a_cancelled_visit_set_back_by_raw_sql_is_refused(self) -> None:
        """Tricky case 22."""
        cancelled = make_appointment(status=Appointment.Status.CANCELLED)
        make_appointment(nurse=cancelled.nurse, start=cancelled.start)

        sql = update_of(cancelled, status="booked")

        assert refusal_of(*sql) == "appointment_nurse_overlap"

    def test_visits_that_touch_are_stored(self) -> None:
        """Tricky case 12."""
        first = make_appointment()

        second = make_appointment(nurse=first.nurse, patient=first.patient, start=first.end)

        assert second.start == first.end

    def test_a_visit_can_be_moved_over_its_own_time(self) -> None:
        visit = make_appointment()

        moved = Appointment.objects.filter(pk=visit.pk).update(
            start=visit.start + QUARTER,
            end=visit.end + QUARTER,
            blocked_from=visit.blocked_from + QUARTER,
            blocked_until=visit.blocked_until + QUARTER,
        )

        assert moved == 1

    @pytest.mark.parametrize("status", ["fulfilled", "cancelled", "noshow", "entered-in-error"])
    def test_a_visit_that_is_over_frees_the_time(self, status: str) -> None:
        over = make_appointment(status=status)

        visit = make_appointment(nurse=over.nurse, patient=over.patient, start=over.start)

        assert visit.status == "booked"

    def test_an_arrived_visit_keeps_its_time(self) -> None:
        arrived = make_appointment(status="arrived")

        with pytest.raises(IntegrityError), transaction.atomic():
            make_appointment(nurse=arrived.nurse, start=arrived.start)

    def test_buffers_are_part_of_what_the_nurse_cannot_share(self) -> None:
        nurse = make_nurse(buffer_after_minutes=10)
        first = make_appointment(nurse=nurse)

        with pytest.raises(IntegrityError), transaction.atomic():
            make_appointment(nurse=nurse, start=first.end)

    def test_two_live_holds_of_a_nurse_never_overlap(self) -> None:
        hold = make_hold(nurse=make_nurse())

        with pytest.raises(IntegrityError), transaction.atomic():
            make_hold(nurse=hold.nurse, owner="call:another")

    def test_released_holds_are_in_nobodys_way(self) -> None:
        hold = make_hold(nurse=make_nurse(), state=SlotHold.State.RELEASED)

        assert make_hold(nurse=hold.nurse, owner="call:another").state == "live"

    def test_forms_learn_of_an_overlap_before_the_database_does(self) -> None:
        visit = make_appointment()
        rival = Appointment.objects.get(pk=visit.pk)
        rival.pk = None
        rival._state.adding = True

        with pytest.raises(ValidationError) as caught:
            rival.validate_constraints()

        messages = caught.value.messages
        assert "The nurse has another visit then." in messages
        assert "The patient has another visit then." in messages

    def test_every_one_of_them_is_in_the_database(self) -> None:
        names = [
            constraint.name
            for model in (Appointment, SlotHold)
            for constraint in model._meta.constraints
            if isinstance(constraint, NoOverlap)
        ]
        if connection.vendor == "postgresql":
            query = "SELECT conname FROM pg_constraint WHERE contype = 'x'"
        else:
            query = "SELECT replace(name, '_insert', '') FROM sqlite_master WHERE type = 'trigger'"

        with connection.cursor() as cursor:
            cursor.execute(query)
            present = {row[0] for row in cursor.fetchall()}

        assert len(names) == 3
        assert set(names) <= present


class TestTablesRebuilt:
    @pytest.mark.django_db(transaction=True)
    def test_an_added_column_keeps_the_constraint(self) -> None:
        """SQLite rebuilds the table then, and triggers made by hand would vanish without a word."""
        column = models.CharField(max_length=8, default="x")
        column.set_attributes_from_name("extra_column")
        first = make_appointment()
        second = make_appointment(nurse=first.nurse, start=first.end)
        with connection.schema_editor() as editor:
            editor.add_field(Appointment, column)
        try:
            sql = update_of(second, blocked_from=first.start)

            assert refusal_of(*sql) == "appointment_nurse_overlap"
        finally:
            with connection.schema_editor() as editor:
                editor.remove_field(Appointment, column)


class TestCheckConstraints:
    def test_a_visit_ends_after_it_begins(self) -> None:
        visit = make_appointment()

        name = refusal_of(*update_of(visit, end=visit.start))

        assert "appointment_" in name

    @pytest.mark.parametrize("column", ["start", "end", "blocked_from", "blocked_until"])
    def test_a_visit_has_no_seconds(self, column: str) -> None:
        visit = make_appointment(
            blocked_from=TOMORROW_NINE - HALF_HOUR, blocked_until=TOMORROW_NINE + 2 * HALF_HOUR
        )

        sql = update_of(visit, **{column: getattr(visit, column) + timedelta(seconds=1)})

        assert "appointment_whole_minutes" in refusal_of(*sql)

    def test_a_visit_has_no_microseconds(self) -> None:
        visit = make_appointment()

        sql = update_of(visit, blocked_until=visit.blocked_until + timedelta(microseconds=1))

        assert "appointment_whole_minutes" in refusal_of(*sql)

    def test_a_visit_lies_within_what_it_blocks(self) -> None:
        visit = make_appointment()

        sql = update_of(visit, blocked_from=visit.start + QUARTER)

        assert "appointment_blocked_around_visit" in refusal_of(*sql)

    def test_a_status_is_one_of_the_known(self) -> None:
        visit = make_appointment()

        assert "appointment_status_known" in refusal_of(*update_of(visit, status="postponed"))

    def test_a_cancelled_visit_says_when_and_why(self) -> None:
        visit = make_appointment()

        sql = update_of(visit, status="cancelled")

        assert "appointment_cancelled_with_reason" in refusal_of(*sql)

    def test_there_is_one_clinic(self) -> None:
        Clinic.objects.create()

        with pytest.raises(IntegrityError), transaction.atomic():
            Clinic.objects.create()

    def test_a_patient_has_one_primary_nurse(self) -> None:
        assignment = make_assignment(patient=make_patient(), nurse=make_nurse())

        with pytest.raises(IntegrityError), transaction.atomic():
            make_assignment(patient=assignment.patient, nurse=make_nurse())

    def test_a_closed_nurse_is_not_the_primary_one(self) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            CareAssignment.objects.create(
                patient=make_patient(), nurse=make_nurse(), primary=True, closed=True
            )

    def test_weekly_windows_are_whole_minutes(self) -> None:
        nurse = make_nurse(works=False)
        (window,) = make_availability(nurse=nurse, weekdays=[0])

        sql = update_of(window, start=window.start.replace(second=1))

        assert "availability_whole_minutes" in refusal_of(*sql)

    def test_a_range_only_removes_time(self) -> None:
        nurse = make_nurse()
        since = datetime(2026, 3, 9, tzinfo=UTC)

        with pytest.raises(IntegrityError), transaction.atomic():
            make_override(
                nurse=nurse,
                effect=AvailabilityOverride.Effect.ADD,
                starts_at=since,
                ends_at=since + timedelta(days=1),
            )

    def test_an_override_has_a_date_or_a_range(self) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            make_override(nurse=make_nurse())
