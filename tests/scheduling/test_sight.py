"""What "own" means: which rows a nurse sees, and which nobody but administrators and schedulers do."""

from datetime import timedelta

import pytest

from accounts.access import Viewer
from accounts.models import User
from accounts.permissions import MODELS, ROLES, Reach, Resource, Role, Verb
from scheduling.models import (
    Appointment,
    Clinic,
    MedicalCondition,
    Nurse,
    Patient,
    StaffTask,
)
from scheduling.selectors.sight import PATHS, seen
from tests.dashboard.rows import make_call
from tests.factories import (
    NOW,
    make_appointment,
    make_assignment,
    make_nurse,
    make_patient,
    make_user,
)
from voice.models import CallLog

pytestmark = pytest.mark.django_db


@pytest.fixture
def nurse() -> Nurse:
    return make_nurse(user=make_user(role="nurse"))


def viewer(user: User | None, **more: object) -> Viewer:
    assert user is not None
    return Viewer(user_id=user.pk, role=user.role, **more)  # type: ignore[arg-type]


def sees(nurse: Nurse, patient: Patient, verb: Verb = Verb.READ) -> bool:
    rows = seen(Patient.objects.all(), viewer=viewer(nurse.user), verb=verb)
    return rows.filter(pk=patient.pk).exists()


class TestOwnPatients:
    def test_are_those_assigned(self, nurse: Nurse) -> None:
        patient = make_patient()
        make_assignment(patient=patient, nurse=nurse)

        assert sees(nurse, patient)

    @pytest.mark.parametrize(
        ("status", "opens"),
        [
            ("booked", True),
            ("arrived", True),
            ("fulfilled", True),
            ("noshow", True),
            ("cancelled", False),
            ("entered-in-error", False),
        ],
    )
    def test_are_those_with_a_visit_that_counts(
        self, nurse: Nurse, status: str, opens: bool
    ) -> None:
        visit = make_appointment(nurse=nurse, status=status)

        assert sees(nurse, visit.patient) is opens

    def test_are_those_visited_long_ago(self, nurse: Nurse) -> None:
        visit = make_appointment(nurse=nurse, start=NOW - timedelta(days=900), status="fulfilled")

        assert sees(nurse, visit.patient)

    def test_are_not_those_closed_to_the_nurse(self, nurse: Nurse) -> None:
        visit = make_appointment(nurse=nurse)
        make_assignment(patient=visit.patient, nurse=nurse, primary=False, closed=True)

        assert not sees(nurse, visit.patient)

    def test_are_not_those_of_a_colleague(self, nurse: Nurse) -> None:
        visit = make_appointment()
        make_assignment(patient=visit.patient, nurse=visit.nurse)

        assert not sees(nurse, visit.patient)

    def test_are_none_without_a_nurse_behind_the_login(self) -> None:
        visit = make_appointment()  # its nurse has no login
        login = make_user(role="nurse")

        rows = seen(Patient.objects.all(), viewer=viewer(login), verb=Verb.LIST)

        assert visit.patient not in rows

    def test_are_all_for_who_reaches_any(self) -> None:
        patient = make_patient()

        for role in (Role.ADMIN, Role.SCHEDULER):
            rows = seen(Patient.objects.all(), viewer=viewer(make_user(role=role)), verb=Verb.LIST)
            assert patient in rows

    def test_may_be_read_and_not_changed(self, nurse: Nurse) -> None:
        patient = make_patient()
        make_assignment(patient=patient, nurse=nurse)

        assert not sees(nurse, patient, Verb.UPDATE)
        assert not sees(nurse, patient, Verb.EXPORT)


class TestTheOwnCalendar:
    def test_holds_cancelled_visits_whose_patient_is_not_own(self, nurse: Nurse) -> None:
        visit = make_appointment(nurse=nurse, status="cancelled")

        rows = seen(Appointment.objects.all(), viewer=viewer(nurse.user), verb=Verb.LIST)

        assert list(rows) == [visit]

    def test_is_open_to_be_read_by_all_and_changed_by_its_nurse(self, nurse: Nurse) -> None:
        other = make_nurse()
        who = viewer(nurse.user)

        assert set(seen(Nurse.objects.all(), viewer=who, verb=Verb.READ)) == {nurse, other}
        assert list(seen(Nurse.objects.all(), viewer=who, verb=Verb.UPDATE)) == [nurse]

    def test_takes_a_status_of_own_visits_only(self, nurse: Nurse) -> None:
        own, foreign = make_appointment(nurse=nurse), make_appointment()

        rows = seen(
            Appointment.objects.all(),
            viewer=viewer(nurse.user),
            verb=Verb.UPDATE,
            resource=Resource.ATTENDANCE,
        )

        assert own in rows
        assert foreign not in rows


class TestCalls:
    def test_follow_their_patient(self, nurse: Nurse) -> None:
        visit = make_appointment(nurse=nurse)
        own, _foreign, _unknown = make_call(visit.patient), make_call(make_patient()), make_call()

        rows = seen(CallLog.objects.all(), viewer=viewer(nurse.user), verb=Verb.LIST)

        assert list(rows) == [own]


class TestEmergencyAccess:
    def test_opens_what_may_be_read_of_own_patients_s30(self, nurse: Nurse) -> None:
        patient = make_patient()
        call, visit = make_call(patient), make_appointment(patient=patient)
        who = viewer(nurse.user, opened=frozenset({patient.pk}))

        assert patient in seen(Patient.objects.all(), viewer=who, verb=Verb.READ)
        assert call in seen(CallLog.objects.all(), viewer=who, verb=Verb.LIST)
        assert visit in seen(Appointment.objects.all(), viewer=who, verb=Verb.LIST)

    def test_opens_nothing_to_be_changed_s30(self, nurse: Nurse) -> None:
        patient = make_patient()
        MedicalCondition.objects.create(patient=patient, name="Asthma", code="J45")
        who = viewer(nurse.user, opened=frozenset({patient.pk}))
        rows = MedicalCondition.objects.all()

        assert seen(rows, viewer=who, verb=Verb.READ).exists()
        assert not seen(rows, viewer=who, verb=Verb.UPDATE).exists()


class TestWhatIsNobodysOwn:
    @pytest.mark.parametrize("model", [Clinic, StaffTask, User])
    def test_is_hidden_from_nurses(self, nurse: Nurse, model: type) -> None:
        Clinic.objects.get_or_create()

        rows = model.objects.all()  # type: ignore[attr-defined]

        assert not seen(rows, viewer=viewer(nurse.user), verb=Verb.LIST).exists()

    def test_is_no_resource_that_a_role_reaches_as_own(self) -> None:
        owned = {
            resource
            for grants in ROLES.values()
            for resource, cells in grants.items()
            if Reach.OWN in cells.values()
        }
        without_rows = {Resource.ATTENDANCE, Resource.LIVE_CALLS, Resource.LIVE_TRANSCRIPT}

        assert owned - without_rows <= {MODELS[name] for name in PATHS}
