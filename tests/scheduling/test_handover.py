"""Handing visits over to colleagues, and who cares for whom (scheduling reference, sections 9 and 11)."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from scheduling import services
from scheduling.exceptions import (
    NotFound,
    NurseUnknown,
    SchedulingError,
    SlotTaken,
    Stale,
)
from scheduling.models import Appointment, CareAssignment, Message, Nurse, Source, StaffTask
from tests.factories import (
    NOW,
    TOMORROW_NINE,
    local,
    make_appointment,
    make_assignment,
    make_consent,
    make_nurse,
    make_patient,
    make_specialization,
    make_visit_type,
)

pytestmark = pytest.mark.django_db

HALF_HOUR = timedelta(minutes=30)


def preview(nurse: Nurse, **more: Any) -> services.HandoverPreview:
    """Preview the hand-over of a month."""
    given: dict[str, Any] = {"since": NOW, "until": NOW + timedelta(days=30), "now": NOW}
    return services.preview_handover(nurse_id=nurse.pk, **given | more)


def hand_over(nurse: Nurse, token: str | None = None, **more: Any) -> services.HandoverResult:
    """Hand a month over as staff."""
    given: dict[str, Any] = {
        "since": NOW,
        "until": NOW + timedelta(days=30),
        "token": preview(nurse).token if token is None else token,
        "source": Source.ADMIN,
        "actor": "user:1",
        "now": NOW,
    }
    return services.apply_handover(nurse_id=nurse.pk, **given | more)


def proposed(nurse: Nurse) -> list[UUID | None]:
    """Return who is proposed for each visit."""
    return [one.nurse_id for one in preview(nurse).visits]


class TestPreviewHandover:
    def test_lists_the_visits_ahead_in_the_range_and_stores_nothing(self) -> None:
        leaving, colleague = make_nurse(), make_nurse()
        visit = make_appointment(nurse=leaving)
        make_appointment(nurse=leaving, start=local(2026, 4, 20, 9))
        make_appointment(nurse=leaving, start=local(2026, 3, 9, 9), status="cancelled")
        make_appointment(nurse=leaving, start=NOW - HALF_HOUR)

        seen = preview(leaving)

        assert [(one.appointment_id, one.nurse_id) for one in seen.visits] == [
            (visit.pk, colleague.pk)
        ]
        visit.refresh_from_db()
        assert visit.nurse_id == leaving.pk

    def test_prefers_who_knows_the_patient(self) -> None:
        leaving, _, seen, assigned = (make_nurse() for _ in range(4))
        known, followed = make_patient(), make_patient()
        make_assignment(patient=known, nurse=assigned, primary=False)
        make_appointment(
            patient=followed, nurse=seen, start=NOW - timedelta(days=9), status="fulfilled"
        )
        make_appointment(nurse=leaving, patient=known)
        make_appointment(nurse=leaving, patient=followed, start=TOMORROW_NINE + HALF_HOUR)

        assert proposed(leaving) == [assigned.pk, seen.pk]

    def test_keeps_a_patients_visits_with_one_colleague(self) -> None:
        leaving = make_nurse()
        patient = make_patient()
        for _ in range(4):
            make_nurse()
        for number in range(4):
            make_appointment(
                nurse=leaving, patient=patient, start=TOMORROW_NINE + number * HALF_HOUR
            )

        assert len(set(proposed(leaving))) == 1

    def test_prefers_who_has_the_lightest_week(self) -> None:
        leaving, busy, idle = make_nurse(), make_nurse(), make_nurse()
        make_appointment(nurse=busy, start=local(2026, 3, 6, 12), minutes=180)
        visits = [
            make_appointment(nurse=leaving),
            make_appointment(nurse=leaving, start=local(2026, 3, 6, 10)),
        ]

        assert proposed(leaving) == [idle.pk] * len(visits)

    @pytest.mark.parametrize(
        "unfit",
        [
            {"active": False},
            {"works": False},
            {"license_expires_on": date(2026, 3, 5)},
            {"license_state": "NJ"},
            {"languages": ["en"]},
            {"specializations": ()},
            {"slot_step_minutes": 60, "slot_offset_minutes": 30},
        ],
    )
    def test_needs_a_call_if_no_colleague_fits(self, unfit: dict[str, Any]) -> None:
        skill = make_specialization()
        kind = make_visit_type(code="wound", specialization=skill, in_patient_state=True)
        fit: dict[str, Any] = {"languages": ["en", "es"], "specializations": [skill]}
        leaving = make_nurse(**fit)
        make_nurse(**fit | unfit)
        patient = make_patient(state="NY", preferred_language="es")
        make_appointment(nurse=leaving, patient=patient, visit_type=kind)

        assert proposed(leaving) == [None]
        good = make_nurse(**fit)
        assert proposed(leaving) == [good.pk]

    def test_needs_a_call_if_the_colleagues_are_taken_or_closed_to_the_patient(self) -> None:
        leaving, taken, closed = make_nurse(), make_nurse(), make_nurse()
        visit = make_appointment(nurse=leaving)
        make_appointment(nurse=taken)
        make_assignment(patient=visit.patient, nurse=closed, primary=False, closed=True)

        assert proposed(leaving) == [None]

    def test_counts_each_proposal_towards_the_colleagues_cap_and_buffers(self) -> None:
        leaving = make_nurse()
        capped = make_nurse(daily_cap=1, buffer_after_minutes=15)
        make_appointment(nurse=leaving)
        make_appointment(nurse=leaving, start=TOMORROW_NINE + HALF_HOUR)
        make_appointment(nurse=leaving, start=local(2026, 3, 9, 9))
        make_appointment(nurse=leaving, start=local(2026, 3, 9, 9, 30))

        assert proposed(leaving) == [capped.pk, None, capped.pk, None]

    def test_asks_the_database_as_often_for_many_visits_as_for_one(
        self, django_assert_num_queries: Any
    ) -> None:
        leaving, _ = make_nurse(), make_nurse()
        for number in range(6):
            make_appointment(nurse=leaving, start=TOMORROW_NINE + number * HALF_HOUR)
            if number in (0, 5):
                with django_assert_num_queries(11):
                    preview(leaving)

    def test_of_nobody_is_refused(self) -> None:
        with pytest.raises(NurseUnknown):
            preview(Nurse())


class TestApplyHandover:
    def test_moves_the_same_visit_to_the_colleague_at_its_time(self) -> None:
        leaving, colleague = make_nurse(), make_nurse()
        visit = make_appointment(nurse=leaving)

        result = hand_over(leaving)

        moved = Appointment.objects.get()
        assert [one.pk for one in result.appointments] == [visit.pk]
        assert (moved.nurse_id, moved.start, moved.sequence) == (colleague.pk, visit.start, 1)
        assert moved.changes.get().kind == "rescheduled"

    def test_tells_the_patient(self) -> None:
        leaving, _ = make_nurse(), make_nurse()
        patient = make_patient()
        make_consent(patient=patient)
        make_appointment(nurse=leaving, patient=patient)

        hand_over(leaving)

        kinds = set(Message.objects.filter(patient=patient).values_list("kind", flat=True))
        assert kinds & {"nurse_changed", "rescheduled"}

    def test_asks_staff_to_call_where_nobody_can_take_over(self) -> None:
        leaving = make_nurse()
        visit = make_appointment(nurse=leaving)

        result = hand_over(leaving)
        again = hand_over(leaving)

        task = StaffTask.objects.get()
        assert result.tasks == again.tasks == (task,)
        assert (task.topic, task.appointment, task.callback_number) == (
            "handover",
            visit,
            visit.patient.phone,
        )

    def test_follows_the_choices_made(self) -> None:
        leaving, _, wanted = make_nurse(), make_nurse(), make_nurse()
        first = make_appointment(nurse=leaving)
        second = make_appointment(nurse=leaving, start=local(2026, 3, 9, 9))

        result = hand_over(leaving, choices={first.pk: wanted.pk, second.pk: None})

        assert [visit.nurse_id for visit in result.appointments] == [wanted.pk]
        assert [task.appointment_id for task in result.tasks] == [second.pk]

    def test_moves_nothing_if_a_chosen_nurse_cannot(self) -> None:
        leaving, _, taken = make_nurse(), make_nurse(), make_nurse()
        make_appointment(nurse=leaving)
        wanted = make_appointment(nurse=leaving, start=local(2026, 3, 9, 9))
        make_appointment(nurse=taken, start=wanted.start)

        with pytest.raises(SlotTaken):
            hand_over(leaving, choices={wanted.pk: taken.pk})

        assert Appointment.objects.filter(nurse=leaving).count() == 2

    def test_refuses_a_token_of_what_has_changed(self) -> None:
        leaving, colleague = make_nurse(), make_nurse()
        make_appointment(nurse=leaving)
        token = preview(leaving).token
        make_appointment(nurse=colleague)

        with pytest.raises(Stale) as caught:
            hand_over(leaving, token)

        assert [one.nurse_id for one in caught.value.preview.visits] == [None]
        assert Appointment.objects.filter(nurse=leaving).count() == 1

    def test_refuses_a_choice_for_a_visit_that_was_not_shown(self) -> None:
        leaving, colleague = make_nurse(), make_nurse()

        with pytest.raises(Stale):
            hand_over(leaving, choices={make_appointment().pk: colleague.pk})

    def test_leaves_a_member_in_its_series_and_settles_an_orphan(self) -> None:
        make_visit_type()
        leaving, _ = make_nurse(), make_nurse()
        services.book_series(
            patient_id=make_patient().pk,
            nurse_id=leaving.pk,
            visit_type="routine",
            pattern=services.Pattern(
                date(2026, 3, 6), TOMORROW_NINE.time().replace(hour=9), count=2
            ),
            source=Source.ADMIN,
            actor="user:1",
            now=NOW,
        )
        Appointment.objects.update(orphaned=True)

        hand_over(leaving)

        assert not Appointment.objects.filter(series_exception=True).exists()
        assert not Appointment.objects.filter(orphaned=True).exists()

    def test_moves_the_primary_role_if_asked_to(self) -> None:
        leaving, colleague = make_nurse(), make_nurse()
        patient = make_patient()
        make_assignment(patient=patient, nurse=leaving)
        make_appointment(nurse=leaving, patient=patient)

        hand_over(leaving, move_primary=True)

        assert CareAssignment.objects.get(primary=True).nurse == colleague

    def test_is_no_business_of_a_patients(self) -> None:
        with pytest.raises(SchedulingError):
            hand_over(make_nurse(), source=Source.VOICE)


class TestCare:
    def test_has_one_primary_nurse_and_keeps_the_former_assigned(self) -> None:
        patient, first, second = make_patient(), make_nurse(), make_nurse()

        services.make_primary(patient_id=patient.pk, nurse_id=first.pk)
        services.make_primary(patient_id=patient.pk, nurse_id=second.pk)

        rows = CareAssignment.objects.filter(patient=patient)
        assert dict(rows.values_list("nurse_id", "primary")) == {first.pk: False, second.pk: True}

    def test_is_opened_again_by_an_assignment(self) -> None:
        patient, nurse = make_patient(), make_nurse()
        make_assignment(patient=patient, nurse=nurse, primary=False, closed=True)

        services.assign_nurse(patient_id=patient.pk, nurse_id=nurse.pk)

        assert not CareAssignment.objects.get().closed

    def test_ends_once(self) -> None:
        patient, nurse = make_patient(), make_nurse()
        services.assign_nurse(patient_id=patient.pk, nurse_id=nurse.pk)

        services.end_assignment(patient_id=patient.pk, nurse_id=nurse.pk)

        with pytest.raises(NotFound):
            services.end_assignment(patient_id=patient.pk, nurse_id=nurse.pk)

    def test_is_given_to_nobody_who_has_left(self) -> None:
        with pytest.raises(NurseUnknown):
            services.assign_nurse(
                patient_id=make_patient().pk, nurse_id=make_nurse(active=False).pk
            )
