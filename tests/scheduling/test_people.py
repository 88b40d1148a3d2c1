"""Who somebody is, who speaks for whom, what is agreed to, and who is asked to call back."""

from datetime import date, time, timedelta

import pytest

from scheduling import selectors, services
from scheduling.exceptions import NotFound, NurseUnknown, SchedulingError
from scheduling.models import Consent, Holiday, OpeningHours, Patient, StaffTask, WaitlistEntry
from scheduling.names import name_key
from tests.factories import (
    NOW,
    local,
    make_appointment,
    make_assignment,
    make_nurse,
    make_override,
    make_patient,
    make_relation,
    make_visit_type,
)

BORN = date(1958, 4, 12)


class TestNameKey:
    @pytest.mark.parametrize(
        "spelling",
        ["Maria Lopez", "LÓPEZ, María", "  maria   lopez ", "Lopez Maria", "María-López"],
    )
    def test_is_one_for_all_spellings(self, spelling: str) -> None:
        assert name_key(spelling) == "lopez maria"

    def test_keeps_different_people_apart(self) -> None:
        assert name_key("Maria Lopes") != name_key("Maria Lopez")

    def test_ignores_apostrophes_and_dots(self) -> None:
        assert name_key("J.P. O'Brien") == name_key("JP OBrien")


@pytest.mark.django_db
class TestPatientsMatching:
    def test_finds_a_name_in_any_spelling_with_the_birth_date(self) -> None:
        patient = make_patient(first_name="María", last_name="López", date_of_birth=BORN)
        make_patient(first_name="María", last_name="López", date_of_birth=date(1971, 8, 2))

        (found,) = selectors.patients_matching(full_name="lopez maria", date_of_birth=BORN)

        assert (found.patient_id, found.full_name) == (patient.pk, "María López")
        assert found.phone_numbers == (patient.phone,)

    def test_finds_nobody_by_half_a_name(self) -> None:
        make_patient(first_name="Maria", last_name="Lopez", date_of_birth=BORN)

        assert selectors.patients_matching(full_name="Maria", date_of_birth=BORN) == ()


@pytest.mark.django_db
class TestActingFor:
    def test_knows_guardian_and_representative_by_name(self) -> None:
        patient = make_patient()
        make_relation(patient=patient, name="James Okafor", kind="guardian")
        make_relation(patient=patient, name="Susan Chen")

        assert (
            selectors.acting_for(patient_id=patient.pk, caller_name="okafor, james") == "guardian"
        )
        named = selectors.acting_for(patient_id=patient.pk, caller_name="Susan Chen")
        assert named == "representative"
        assert selectors.acting_for(patient_id=patient.pk, caller_name="Amy Chen") == ""

    def test_does_not_let_somebody_act_who_may_not_schedule(self) -> None:
        patient = make_patient()
        make_relation(patient=patient, name="Susan Chen", may_schedule=False)

        assert selectors.acting_for(patient_id=patient.pk, caller_name="Susan Chen") == ""

    def test_returns_the_numbers_of_the_relation_and_of_the_related_patient(self) -> None:
        father = make_patient()
        child = make_patient()
        make_relation(
            patient=child, name="James Okafor", phone="+12025550999", related_patient=father
        )

        numbers = selectors.relation_phone_numbers(patient_id=child.pk, caller_name="James Okafor")

        assert numbers == ("+12025550999", father.phone)


@pytest.mark.django_db
class TestNurseNamed:
    @pytest.mark.parametrize("name", ["Reyes", "ana", "Nurse Reyes", "Ana Reyes", "ANA RÉYES"])
    def test_is_found_by_any_of_the_names(self, name: str) -> None:
        nurse = make_nurse(first_name="Ana", last_name="Reyes")

        assert selectors.nurse_named(name=name).nurse_id == nurse.pk

    def test_must_be_one(self) -> None:
        make_nurse(first_name="Ana", last_name="Reyes")
        make_nurse(first_name="Ana", last_name="Blake")

        with pytest.raises(NurseUnknown):
            selectors.nurse_named(name="Ana")

    @pytest.mark.parametrize("name", ["", "nurse", "Nobody", "e"])
    def test_is_unknown_otherwise(self, name: str) -> None:
        make_nurse(first_name="Ana", last_name="Reyes")

        with pytest.raises(NurseUnknown):
            selectors.nurse_named(name=name)

    def test_is_nobody_who_has_left(self) -> None:
        make_nurse(first_name="Ana", last_name="Reyes", active=False)

        with pytest.raises(NurseUnknown):
            selectors.nurse_named(name="Reyes")


@pytest.mark.django_db
class TestNurseIsAway:
    def test_over_a_week_without_any_hours(self) -> None:
        make_visit_type()
        nurse = make_nurse()
        make_override(nurse=nurse, starts_at=local(2026, 3, 9), ends_at=local(2026, 3, 14))
        week = {"since": local(2026, 3, 9), "until": local(2026, 3, 14)}

        assert selectors.nurse_is_away(nurse_id=nurse.pk, **week)
        assert not selectors.nurse_is_away(nurse_id=make_nurse().pk, **week)

    def test_is_not_said_of_a_full_calendar(self) -> None:
        visit = make_appointment(start=local(2026, 3, 9, 9), minutes=480)

        assert not selectors.nurse_is_away(
            nurse_id=visit.nurse_id, since=local(2026, 3, 9), until=local(2026, 3, 10)
        )


@pytest.mark.django_db
class TestCareNurses:
    def test_are_the_open_assignments_primary_first(self) -> None:
        patient = make_patient()
        second, primary, closed = make_nurse(), make_nurse(), make_nurse()
        make_assignment(patient=patient, nurse=second, primary=False)
        make_assignment(patient=patient, nurse=primary)
        make_assignment(patient=patient, nurse=closed, primary=False, closed=True)

        assert selectors.care_nurse_ids(patient_id=patient.pk) == (primary.pk, second.pk)


@pytest.mark.django_db
class TestUpcomingAppointments:
    def test_are_active_ahead_and_in_order(self) -> None:
        visit = make_appointment(start=local(2026, 3, 10, 9))
        patient = visit.patient
        sooner = make_appointment(patient=patient, start=local(2026, 3, 9, 9))
        make_appointment(patient=patient, start=local(2026, 3, 11, 9), status="cancelled")
        make_appointment(patient=patient, start=local(2026, 3, 2, 9))

        found = selectors.upcoming_appointments(patient_id=patient.pk, now=NOW)

        assert found == [sooner, visit]
        assert selectors.count_upcoming(patient_id=patient.pk, now=NOW) == 2

    def test_of_the_same_time_are_found_by_overlap(self) -> None:
        visit = make_appointment(start=local(2026, 3, 10, 9))
        half = timedelta(minutes=15)

        found = selectors.overlapping_appointment(
            patient_id=visit.patient_id, start=visit.start + half, end=visit.end + half
        )
        after = selectors.overlapping_appointment(
            patient_id=visit.patient_id, start=visit.end, end=visit.end + half
        )

        assert (found, after) == (visit, None)


@pytest.mark.django_db
class TestStaffedHours:
    def test_are_monday_to_friday_without_any_rows(self) -> None:
        state = selectors.staffed(now=NOW)

        assert (state.open, state.closes_at) == (True, local(2026, 3, 5, 17))

    def test_say_when_somebody_is_there_again(self) -> None:
        """SF7: Thursday evening."""
        state = selectors.staffed(now=local(2026, 3, 5, 21))

        assert (state.open, state.opens_at) == (False, local(2026, 3, 6, 8))

    def test_skip_weekends_and_holidays(self) -> None:
        Holiday.objects.create(date=date(2026, 3, 9), name="A day off")

        state = selectors.staffed(now=local(2026, 3, 6, 17))

        assert state.opens_at == local(2026, 3, 10, 8)
        assert not selectors.is_open_day(day=date(2026, 3, 9))
        assert selectors.next_open_day(after=date(2026, 3, 6)) == date(2026, 3, 10)

    def test_come_from_the_rows_where_there_are_any(self) -> None:
        OpeningHours.objects.create(weekday=5, opens=time(10), closes=time(12))

        assert selectors.is_open_day(day=date(2026, 3, 7))
        assert not selectors.is_open_day(day=date(2026, 3, 5))


@pytest.mark.django_db
class TestChangeRule:
    @pytest.mark.parametrize(
        ("minutes", "rule"),
        [
            (24 * 60, "free"),
            (24 * 60 - 1, "late_change"),
            (120, "late_change"),
            (119, "too_late"),
            (-1, "too_late"),
        ],
    )
    def test_follows_the_hours_before_the_visit(self, minutes: int, rule: str) -> None:
        assert selectors.change_rule(start=NOW + timedelta(minutes=minutes), now=NOW) == rule


@pytest.mark.django_db
class TestRegisterPatient:
    def register(self, full_name: str) -> services.Registration:
        return services.register_patient(
            full_name=full_name,
            date_of_birth=BORN,
            phone="+12025550177",
            language="en",
            reason="",
            source="voice",
            actor="call:1",
            now=NOW,
        )

    def test_makes_a_provisional_record(self) -> None:
        """NP1."""
        made = self.register("Dana  Wolfe")

        patient = Patient.objects.get(pk=made.patient_id)
        assert (patient.name, patient.provisional, made.duplicate) == ("Dana Wolfe", True, False)
        assert not StaffTask.objects.exists()

    def test_of_somebody_known_makes_a_task_for_staff(self) -> None:
        """NP2: a new record all the same, and nothing of the old one is told."""
        known = make_patient(first_name="Maria", last_name="Lopez", date_of_birth=BORN)

        made = self.register("maria lópez")

        assert made.duplicate
        assert made.patient_id != known.pk
        assert StaffTask.objects.get().kind == "duplicate"


@pytest.mark.django_db
class TestTakeMessage:
    @pytest.mark.parametrize(
        ("hour", "urgency", "due"),
        [
            (10, "today", local(2026, 3, 5, 12)),
            (16, "today", local(2026, 3, 5, 17)),
            (10, "routine", local(2026, 3, 5, 14)),
            (16, "routine", local(2026, 3, 6, 12)),
            (21, "today", local(2026, 3, 6, 10)),
        ],
    )
    def test_promises_a_time_at_which_somebody_is_there(
        self, hour: int, urgency: str, due: object
    ) -> None:
        task = services.take_message(
            topic="clinical",
            text="Please call",
            callback_number="+12025550101",
            urgency=urgency,
            patient_id=None,
            source="voice",
            actor="call:1",
            now=local(2026, 3, 5, hour),
        )

        assert (task.kind, task.due_at) == ("message", due)

    def test_an_alarm_is_due_now(self) -> None:
        task = services.raise_alarm(
            kind="medical",
            text="chest pain",
            callback_number="+12025550101",
            patient_id=None,
            source="voice",
            actor="call:1",
            now=NOW,
        )

        assert (task.kind, task.topic, task.urgency, task.due_at) == (
            "alarm",
            "medical",
            "now",
            NOW,
        )


@pytest.mark.django_db
class TestJoinWaitlist:
    def join(self, patient: Patient, **changes: object) -> WaitlistEntry:
        make_visit_type()
        given: dict[str, object] = {
            "visit_type": "routine",
            "nurse_id": None,
            "earliest": date(2026, 3, 9),
            "latest": date(2026, 3, 13),
            "parts_of_day": ["evening", "morning"],
            "source": "voice",
            "actor": "call:1",
            "now": NOW,
        }
        return services.join_waitlist(patient_id=patient.pk, **given | changes)  # type: ignore[arg-type]  # a test's shorthand

    def test_stores_the_wish_once(self) -> None:
        patient = make_patient()

        first, again = self.join(patient), self.join(patient)

        assert first == again
        assert (first.parts_of_day, first.waiting_since) == (["morning", "evening"], NOW)

    def test_refuses_what_cannot_be(self) -> None:
        with pytest.raises(SchedulingError):
            self.join(make_patient(), latest=date(2026, 3, 8))
        with pytest.raises(SchedulingError):
            self.join(make_patient(), parts_of_day=["night"])
        with pytest.raises(NotFound):
            self.join(Patient())


@pytest.mark.django_db
class TestConsent:
    def test_stop_calling_ends_texts_as_well(self) -> None:
        """S59."""
        services.record_consent(
            channel="voice",
            purpose="calls",
            granted=False,
            wording="stop calling",
            source="voice",
            phone="+12025550101",
            now=NOW,
        )

        refused = set(Consent.objects.filter(granted=False).values_list("channel", "purpose"))
        assert refused == {("voice", "calls"), ("sms", "appointments")}
