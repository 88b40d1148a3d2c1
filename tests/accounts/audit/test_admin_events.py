"""What is seen and done in the admin site is recorded, or it does not happen (S46, S50)."""

from typing import Any
from unittest.mock import patch

import pytest
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, User
from scheduling.models import Specialization
from tests.factories import make_appointment, make_assignment, make_nurse, make_patient, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def chief() -> User:
    return make_user(role=User.Role.ADMIN, is_staff=True, is_superuser=True)


@pytest.fixture
def client(client: Client, chief: User) -> Client:
    client.force_login(chief)
    return client


def page(name: str, *args: Any) -> str:
    return reverse(f"admin:{name}", args=args)


def last_event(action: str) -> AuditEvent:
    event: AuditEvent = AuditEvent.objects.filter(action=action).latest("seq")
    return event


class TestReading:
    def test_a_list_records_one_event_with_the_patients_shown(
        self, client: Client, chief: User
    ) -> None:
        patients = {str(make_patient().pk) for _ in range(3)}

        client.get(page("scheduling_patient_changelist"), REMOTE_ADDR="203.0.113.24")

        event = AuditEvent.objects.get(action="patient.list")
        assert set(event.patient_ids) == patients
        assert (event.actor_type, event.actor_id) == ("user", str(chief.pk))
        assert (event.surface, event.outcome, event.address) == ("admin", "ok", "203.0.113.24")

    def test_a_row_records_its_patient_and_itself(self, client: Client) -> None:
        visit = make_appointment()

        client.get(page("scheduling_appointment_change", visit.pk))

        event = last_event("appointment.read")
        assert event.patient_ids == [str(visit.patient_id)]
        assert (event.object_type, event.object_id) == ("appointment", str(visit.pk))

    def test_the_week_of_a_nurse_records_whom_it_shows(self, client: Client) -> None:
        visit = make_appointment()
        address = page("scheduling_nurse_week", visit.nurse_id)

        answer = client.get(address, {"day": visit.start.date().isoformat()})

        assert visit.patient.last_name in answer.content.decode()
        assert last_event("nurse.week").patient_ids == [str(visit.patient_id)]

    def test_the_history_of_a_patient_is_recorded(self, client: Client) -> None:
        patient = make_patient()

        client.get(page("scheduling_patient_history", patient.pk))

        assert last_event("patient.history").patient_ids == [str(patient.pk)]

    def test_the_choices_of_a_field_are_recorded(self, client: Client) -> None:
        patient = make_patient()
        asked = {"app_label": "scheduling", "model_name": "careassignment", "field_name": "patient"}

        answer = client.get(page("autocomplete"), asked | {"term": patient.last_name})

        assert patient.last_name in answer.content.decode()
        assert last_event("patient.list").patient_ids == [str(patient.pk)]

    def test_pages_without_patients_are_not(self, client: Client) -> None:
        client.get(page("index"))
        client.get(page("scheduling_visittype_changelist"))

        assert not AuditEvent.objects.filter(surface="admin").exists()

    @pytest.mark.parametrize("name", ["changelist", "change"])
    def test_shows_nothing_when_it_cannot_be_recorded(self, client: Client, name: str) -> None:
        patient = make_patient()
        args = [patient.pk] if name == "change" else []

        with patch.object(AuditEvent.objects, "create", side_effect=OperationalError("locked")):
            answer = client.get(page(f"scheduling_patient_{name}", *args))

        assert answer.status_code == 503
        assert patient.last_name not in answer.content.decode()


class TestChanging:
    def test_a_new_row_is_recorded(self, client: Client, chief: User) -> None:
        client.post(page("scheduling_specialization_add"), {"code": "wounds", "name": "Wounds"})

        event = last_event("specialization.added")
        assert (event.actor_id, event.surface) == (str(chief.pk), "admin")
        assert set(event.changes) == {"code", "name"}

    def test_a_deleted_row_is_recorded(self, client: Client) -> None:
        assignment = make_assignment(patient=make_patient(), nurse=make_nurse())

        client.post(page("scheduling_careassignment_delete", assignment.pk), {"post": "yes"})

        event = last_event("careassignment.deleted")
        assert event.patient_ids == [str(assignment.patient_id)]
        assert event.object_id == str(assignment.pk)

    def test_is_undone_when_it_cannot_be_recorded(self, client: Client) -> None:
        with patch.object(AuditEvent.objects, "create", side_effect=OperationalError("locked")):
            answer = client.post(
                page("scheduling_specialization_add"), {"code": "wounds", "name": "Wounds"}
            )

        assert answer.status_code == 503
        assert not Specialization.objects.filter(code="wounds").exists()
