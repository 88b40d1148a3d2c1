"""`/api/v1/care-assignments/`: who cares for whom, by REST (scheduling reference, section 9)."""

from typing import Any

import pytest

from accounts.models import AuditEvent
from scheduling.models import Appointment, CareAssignment
from tests.factories import NOW, make_appointment, make_assignment, make_nurse, make_patient
from tests.scheduling.api.keys import Program
from tests.scheduling.api.people import Person


@pytest.fixture(autouse=True)
def clock(settings: Any) -> None:
    settings.CAREMATIX_NOW = NOW


@pytest.fixture
def admin(db: None) -> Person:
    return Person("admin")


def assigned(**fields: Any) -> dict[str, Any]:
    return {"patient": str(make_patient().pk), "nurse": str(make_nurse().pk)} | fields


class TestANewAssignment:
    def test_is_stored_and_on_record(self, admin: Person) -> None:
        body = assigned(primary=True)

        answer = admin.post("care-assignments/", body)

        assert answer.status_code == 201, answer.content
        assert answer.json().items() >= (body | {"closed": False}).items()
        event = AuditEvent.objects.get(action="care_assignment.created")
        assert event.patient_ids == [body["patient"]]

    def test_of_a_primary_nurse_takes_the_place_of_the_other(self, admin: Person) -> None:
        patient, before = make_patient(), make_nurse()
        make_assignment(patient=patient, nurse=before)

        admin.post("care-assignments/", assigned(patient=str(patient.pk), primary=True))

        rows = CareAssignment.objects.filter(patient=patient)
        assert rows.count() == 2
        assert not rows.get(nurse=before).primary

    def test_that_is_there_already_gets_409(self, admin: Person) -> None:
        body = assigned()
        admin.post("care-assignments/", body)

        answer = admin.post("care-assignments/", body)

        assert (answer.status_code, answer.json()["code"]) == (409, "already_assigned")
        assert CareAssignment.objects.count() == 1

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"patient": "00000000-0000-0000-0000-000000000007"}, "patient"),
            ({"nurse": "00000000-0000-0000-0000-000000000007"}, "nurse"),
            ({"nurse": "priya"}, "nurse"),
            ({"primary": True, "closed": True}, "primary"),
            ({"since": "2026-03-05"}, "since"),
        ],
    )
    def test_with_a_wrong_value_is_refused_by_its_field(
        self, admin: Person, change: dict[str, Any], field: str
    ) -> None:
        answer = admin.post("care-assignments/", assigned() | change)

        assert (answer.status_code, list(answer.json()["fields"])) == (400, [field])
        assert not CareAssignment.objects.exists()

    def test_of_a_nurse_who_works_no_more_is_refused(self, admin: Person) -> None:
        body = assigned(nurse=str(make_nurse(active=False).pk))

        assert admin.post("care-assignments/", body).status_code == 400


class TestAnAssignment:
    def test_that_is_closed_is_primary_no_more(self, admin: Person) -> None:
        row = make_assignment(patient=make_patient(), nurse=make_nurse())

        shown = admin.patch(f"care-assignments/{row.pk}/", {"closed": True}).json()

        assert (shown["closed"], shown["primary"]) == (True, False)

    def test_that_ends_leaves_the_visits(self, admin: Person) -> None:
        nurse, patient = make_nurse(), make_patient()
        row = make_assignment(patient=patient, nurse=nurse)
        visit = make_appointment(patient=patient, nurse=nurse)

        answer = admin.delete(f"care-assignments/{row.pk}/")

        assert answer.status_code == 204
        assert not CareAssignment.objects.exists()
        assert Appointment.objects.get() == visit
        assert admin.get(f"care-assignments/{row.pk}/").status_code == 404

    def test_that_has_changed_since_it_was_read_stays(self, admin: Person) -> None:
        row = make_assignment(patient=make_patient(), nurse=make_nurse(), primary=False)
        seen = admin.get(f"care-assignments/{row.pk}/")["ETag"]
        admin.patch(f"care-assignments/{row.pk}/", {"primary": True}, If_Match=seen)

        answer = admin.delete(f"care-assignments/{row.pk}/", If_Match=seen)

        assert (answer.status_code, CareAssignment.objects.count()) == (412, 1)


class TestTheList:
    def test_is_narrowed_by_patient_nurse_and_kind(self, admin: Person) -> None:
        nurse, patient = make_nurse(), make_patient()
        primary = make_assignment(patient=patient, nurse=nurse)
        closed = make_assignment(patient=make_patient(), nurse=nurse, primary=False, closed=True)
        make_assignment(patient=make_patient(), nurse=make_nurse())

        def ids(query: str) -> set[str]:
            return {one["id"] for one in admin.get(f"care-assignments/?{query}").json()["results"]}

        assert ids(f"patient={patient.pk}") == {str(primary.pk)}
        assert ids(f"nurse={nurse.pk}") == {str(primary.pk), str(closed.pk)}
        assert ids("closed=true") == {str(closed.pk)}

    def test_is_not_for_nurses_who_read_single_ones_of_their_own_s26(self, db: None) -> None:
        person = Person("nurse")
        own = make_assignment(patient=make_patient(), nurse=make_nurse(user=person.user))
        foreign = make_assignment(patient=make_patient(), nurse=make_nurse())

        assert person.get(f"care-assignments/{own.pk}/").json()["id"] == str(own.pk)
        assert person.get("care-assignments/").status_code == 403
        assert person.get(f"care-assignments/{foreign.pk}/").status_code == 404

    def test_opens_to_keys_of_the_schedule_to_be_read_only(self, db: None) -> None:
        make_assignment(patient=make_patient(), nurse=make_nurse())
        program = Program("schedule:read")

        assert len(program.get("care-assignments/").json()["results"]) == 1
        assert program.post("care-assignments/", assigned()).status_code == 403
