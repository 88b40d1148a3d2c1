"""The sample clinic is the one of the test conversations, and grows to any size (contract, section 8)."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command

from scheduling import selectors, services
from scheduling.exceptions import DatabaseNotEmpty
from scheduling.models import Appointment, Message, Nurse, Patient, SlotHold, VisitType
from scheduling.selectors import may_text
from tests.factories import NEW_YORK, NOW, local, make_nurse, make_patient

pytestmark = pytest.mark.django_db

SIX = {
    ("Maria Lopez", date(1958, 4, 12), "+12025550101"),
    ("James Okafor", date(1984, 11, 3), "+12025550102"),
    ("Lily Okafor", date(2017, 6, 21), "+12025550102"),
    ("Carmen Diaz", date(1990, 1, 30), "+12025550104"),
    ("Robert Chen", date(1942, 9, 17), "+12025550105"),
    ("Maria Lopez", date(1971, 8, 2), "+12025550106"),
}
FREE = [
    ("Ana Reyes", local(2026, 3, 6, 15)),
    ("Ana Reyes", local(2026, 3, 9, 9)),
    ("Tom Blake", local(2026, 3, 10, 8)),
    ("Ana Reyes", local(2026, 3, 10, 10, 30)),
    ("Ana Reyes", local(2026, 3, 10, 11)),
    ("Ana Reyes", local(2026, 3, 11, 13, 30)),
    ("Tom Blake", local(2026, 3, 12, 11)),
]


def openings(now: datetime, since: datetime, until: datetime) -> list[tuple[str, datetime]]:
    """Return everything that the engine would offer, as nurse and start."""
    found = selectors.find_openings(now=now, since=since, until=until, limit=1000)
    return [(opening.nurse_name, opening.start.astimezone(UTC)) for opening in found.slots]


def visits_of(first_name: str, born: date) -> list[tuple[str, datetime, str]]:
    rows = Appointment.objects.filter(
        patient__first_name=first_name, patient__date_of_birth=born
    ).select_related("nurse", "visit_type")
    return [(row.nurse.name, row.start, row.visit_type.code) for row in rows]


class TestTheClinicOfTheConversations:
    def test_has_its_six_patients(self) -> None:
        services.load_clinic(now=NOW)

        rows = Patient.objects.filter(phone__startswith="+120255501")
        assert {(row.name, row.date_of_birth, row.phone) for row in rows} == SIX
        assert all(may_text(patient=row) for row in rows)

    def test_has_their_visits_and_no_other_of_theirs(self) -> None:
        services.load_clinic(now=NOW)

        assert visits_of("Maria", date(1958, 4, 12)) == [
            ("Ana Reyes", local(2026, 3, 10, 9, 30), "follow_up")
        ]
        assert visits_of("Carmen", date(1990, 1, 30)) == [
            ("Tom Blake", local(2026, 3, 6, 8, 30), "routine")
        ]
        assert visits_of("Robert", date(1942, 9, 17)) == [
            ("Ana Reyes", local(2026, 3, 11, 14), "routine")
        ]
        for first_name, born in (
            ("James", date(1984, 11, 3)),
            ("Lily", date(2017, 6, 21)),
            ("Maria", date(1971, 8, 2)),
        ):
            assert visits_of(first_name, born) == []

    def test_knows_who_cares_and_who_speaks_for_whom(self) -> None:
        services.load_clinic(now=NOW)

        def person(name: str, born: date) -> Patient:
            (found,) = selectors.patients_matching(full_name=name, date_of_birth=born)
            return Patient.objects.get(pk=found.patient_id)

        def primary(patient: Patient) -> str:
            (nurse_id,) = selectors.care_nurse_ids(patient_id=patient.pk)
            return Nurse.objects.get(pk=nurse_id).name

        james = person("James Okafor", date(1984, 11, 3))
        lily = person("Lily Okafor", date(2017, 6, 21))
        robert = person("Robert Chen", date(1942, 9, 17))
        assert primary(person("Maria Lopez", date(1958, 4, 12))) == "Ana Reyes"
        assert (primary(james), james.postal_code) == ("Tom Blake", "20001")
        assert selectors.acting_for(patient_id=lily.pk, caller_name="James Okafor") == "guardian"
        named = selectors.acting_for(patient_id=robert.pk, caller_name="Susan Chen")
        assert named == "representative"

    def test_has_exactly_the_free_times(self) -> None:
        services.load_clinic(now=NOW)

        assert openings(NOW, NOW, local(2026, 3, 14)) == FREE

    def test_has_nothing_booked_after_the_window(self) -> None:
        services.load_clinic(now=NOW)

        assert not Appointment.objects.filter(start__gte=local(2026, 3, 14)).exists()
        monday = openings(NOW, local(2026, 3, 16), local(2026, 3, 17))
        assert Counter(nurse for nurse, _ in monday) == {"Ana Reyes": 14, "Priya Shah": 16}

    def test_has_priya_shah_away_for_a_week(self) -> None:
        services.load_clinic(now=NOW)
        shah = selectors.nurse_named(name="Priya Shah").nurse_id

        assert selectors.nurse_is_away(
            nurse_id=shah, since=local(2026, 3, 9), until=local(2026, 3, 14)
        )

    def test_has_kinds_of_visit_of_which_emergencies_are_not_booked_by_phone(self) -> None:
        services.load_clinic(now=NOW)

        kinds = dict(VisitType.objects.values_list("code", "bookable_by_phone"))
        assert kinds == {
            "routine": True,
            "follow_up": True,
            "consultation": True,
            "emergency": False,
        }

    def test_sends_nothing_and_holds_nothing(self) -> None:
        services.load_clinic(now=NOW)

        assert not Message.objects.exists()
        assert not SlotHold.objects.exists()

    @pytest.mark.parametrize(
        "now",
        [
            local(2026, 3, 9, 0, 1),  # the Monday after: the clocks have changed
            local(2026, 10, 29, 9),  # the week in which they change back
            datetime(2027, 1, 4, 4, 30, tzinfo=UTC),  # still Sunday in New York
        ],
    )
    def test_moves_by_whole_weeks_to_the_week_of_the_clock(self, now: datetime) -> None:
        services.load_clinic(now=now)

        today = now.astimezone(NEW_YORK).date()
        thursday = today + timedelta(days=3 - today.weekday())
        weeks = thursday - date(2026, 3, 5)
        expected = [
            (nurse, (start.astimezone(NEW_YORK).replace(tzinfo=None) + weeks).isoformat())
            for nurse, start in FREE
        ]
        # Everything of the window is ahead on the Thursday itself.
        asked = datetime.combine(thursday, datetime.min.time(), NEW_YORK) + timedelta(hours=10)
        found = openings(asked, asked, asked + timedelta(days=8, hours=14))
        assert [
            (nurse, start.astimezone(NEW_YORK).replace(tzinfo=None).isoformat())
            for nurse, start in found
        ] == expected


class TestRepeatedRuns:
    def test_add_nothing_to_what_is_there(self) -> None:
        services.load_clinic(now=NOW, patients=30, nurses=2, appointments=300)

        again = services.load_clinic(now=NOW, patients=30, nurses=2, appointments=300)

        assert (again.patients, again.nurses, again.appointments) == (0, 0, 0)

    def test_top_up_to_the_numbers(self) -> None:
        first = services.load_clinic(now=NOW, patients=30, nurses=2, appointments=300)

        more = services.load_clinic(now=NOW, patients=40, nurses=3, appointments=500)

        assert (first.patients, first.nurses) == (30 + 46, 2 + 3)
        assert (more.patients, more.nurses, more.appointments) == (10, 1, 200)

    def test_work_in_a_later_week(self) -> None:
        services.load_clinic(now=NOW, patients=30, nurses=2, appointments=300)

        later = services.load_clinic(
            now=NOW + timedelta(days=9), patients=30, nurses=2, appointments=400
        )

        assert later.appointments > 100

    def test_put_the_six_patients_back_if_asked(self) -> None:
        services.load_clinic(now=NOW)
        visit = Appointment.objects.get(patient__first_name="Carmen")
        services.cancel_appointment(
            appointment_id=visit.pk, source="dashboard", actor="user:1", now=NOW
        )

        services.load_clinic(now=NOW, reset=True)

        assert Appointment.objects.get(patient__first_name="Carmen").status == "booked"
        assert openings(NOW, NOW, local(2026, 3, 14)) == FREE

    def test_refuse_a_database_with_real_people(self) -> None:
        make_patient()

        with pytest.raises(DatabaseNotEmpty):
            services.load_clinic(now=NOW)

    def test_refuse_a_database_with_a_real_nurse(self) -> None:
        make_nurse()

        with pytest.raises(CommandError):
            call_command("load_sample_data")

        assert Patient.objects.count() == 0


class TestTheCrowd:
    def test_is_the_same_for_the_same_seed(self) -> None:
        services.load_clinic(now=NOW, patients=20, nurses=2, appointments=250, seed=7)
        first = set(Appointment.objects.values_list("id", "start", "status", "patient__last_name"))
        Appointment.objects.all().delete()
        Patient.objects.all().delete()
        Nurse.objects.all().delete()

        services.load_clinic(now=NOW, patients=20, nurses=2, appointments=250, seed=7)

        second = set(Appointment.objects.values_list("id", "start", "status", "patient__last_name"))
        assert first == second

    def test_has_a_past_and_a_future(self) -> None:
        services.load_clinic(now=NOW, patients=20, nurses=1, appointments=600)

        crowd = Appointment.objects.filter(nurse__license_number__startswith="S")
        statuses = Counter(crowd.filter(end__lte=NOW).values_list("status", flat=True))
        assert set(statuses) == {"fulfilled", "cancelled", "noshow"}
        assert set(crowd.filter(end__gt=NOW).values_list("status", flat=True)) == {"booked"}

    def test_leaves_the_free_times_of_the_window_as_they_are(self) -> None:
        services.load_clinic(now=NOW, appointments=300)

        assert openings(NOW, NOW, local(2026, 3, 14)) == FREE

    def test_never_touches_the_six_patients(self) -> None:
        services.load_clinic(now=NOW, patients=50, nurses=2, appointments=400)

        assert Appointment.objects.filter(patient__phone__startswith="+120255501").count() == 3

    def test_has_numbers_that_the_command_takes(self) -> None:
        call_command("load_sample_data", patients=5, nurses=1, appointments=10, seed=3)

        assert Patient.objects.filter(reference_number__startswith="S").count() == 10
        assert Appointment.objects.filter(nurse__license_number__startswith="S").count() == 10
