"""`/api/v1/staff-tasks/` and `/api/v1/messages/` (contract, section 6)."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEvent
from scheduling.models import Appointment, Message, Patient, StaffTask
from tests.factories import (
    NOW,
    local,
    make_appointment,
    make_assignment,
    make_consent,
    make_nurse,
    make_patient,
    make_user,
)
from tests.scheduling.api.keys import Program
from tests.scheduling.api.people import Person

NOBODY = "00000000-0000-0000-0000-000000000007"


@pytest.fixture(autouse=True)
def clock(settings: Any) -> None:
    settings.CAREMATIX_NOW = NOW


@pytest.fixture
def scheduler(db: None) -> Person:
    return Person("scheduler")


def make_task(**fields: Any) -> StaffTask:
    given: dict[str, Any] = {
        "kind": "message",
        "text": "Call",
        "due_at": NOW,
        "source": "voice",
        "actor": "call:1",
    }
    return StaffTask.objects.create(**given | fields)


def make_message(*, patient: Patient | None = None, **fields: Any) -> Message:
    given: dict[str, Any] = {
        "channel": "sms",
        "kind": "confirmation",
        "to": "+12125550123",
        "body": "You are booked.",
        "due_at": NOW,
    }
    return Message.objects.create(patient=patient or make_patient(), **given | fields)


def queries(asker: Person, path: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert asker.get(path).status_code == 200
    return len(captured)


class TestATask:
    def test_is_a_call_back_due_within_staffed_hours(self, scheduler: Person) -> None:
        patient = make_patient()

        answer = scheduler.post(
            "staff-tasks/",
            {"text": "Wants a call", "urgency": "today", "patient": str(patient.pk)},
        )

        shown = answer.json()
        assert answer.status_code == 201, answer.content
        assert (shown["kind"], shown["status"], shown["source"]) == ("message", "open", "api")
        assert shown["due_at"] > "2026-03-05T10:00:00-05:00"
        assert answer["Location"] == f"/api/v1/staff-tasks/{shown['id']}/"
        event = AuditEvent.objects.get(action="staff_task.created")
        assert event.patient_ids == [str(patient.pk)]

    @pytest.mark.parametrize(
        "change",
        [{"text": ""}, {"urgency": "now"}, {"patient": NOBODY}, {"done_by": NOBODY}, {"kind": "x"}],
    )
    def test_that_is_not_right_stores_nothing(
        self, scheduler: Person, change: dict[str, Any]
    ) -> None:
        answer = scheduler.post("staff-tasks/", {"text": "Call"} | change)

        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
        assert not StaffTask.objects.exists()

    def test_changes_while_it_is_to_be_done(self, scheduler: Person) -> None:
        path = f"staff-tasks/{make_task().pk}/"
        tag = scheduler.get(path)["ETag"]

        changed = scheduler.patch(path, {"urgency": "now"}, If_Match=tag)
        stale = scheduler.patch(path, {"urgency": "routine"}, If_Match=tag)

        assert (changed.status_code, changed.json()["urgency"]) == (200, "now")
        assert stale.status_code == 412
        event = AuditEvent.objects.get(action="staff_task.changed")
        assert event.changes == {"urgency": ["routine", "now"]}

    def test_is_done_by_whoever_says_so_first(self, scheduler: Person) -> None:
        path = f"staff-tasks/{make_task().pk}/"

        first = scheduler.post(f"{path}completion/")
        again = Person("admin").post(f"{path}completion/")

        assert first.status_code == 200, first.content
        assert (first.json()["status"], first.json()["done_by"]) == (
            "done",
            str(scheduler.user.pk),
        )
        assert again.json() == first.json()
        assert scheduler.patch(path, {"text": "More"}).status_code == 409


class TestTasks:
    def test_are_listed_by_when_they_are_due(self, scheduler: Person) -> None:
        late, soon = make_task(due_at=NOW.replace(hour=20)), make_task()
        make_task(status="done", done_at=NOW)

        listed = scheduler.get("staff-tasks/?status=open").json()["results"]

        assert [task["id"] for task in listed] == [str(soon.pk), str(late.pk)]

    def test_are_closed_to_nurses_and_keys(self, db: None) -> None:
        make_task()

        assert Person("nurse").get("staff-tasks/").status_code == 403
        assert Program().get("staff-tasks/").status_code == 403

    def test_cost_the_same_for_one_and_for_many(self, scheduler: Person) -> None:
        for _ in range(10):
            make_task(patient=make_patient())
        scheduler.get("staff-tasks/")

        few, many = (queries(scheduler, f"staff-tasks/?page_size={n}") for n in (1, 50))

        assert few == many


class TestMessages:
    def test_are_listed_with_what_became_of_them(self, scheduler: Person) -> None:
        wanted = make_message(status="failed", error_code="30003")
        make_message()

        answer = scheduler.get(f"messages/?status=failed&patient={wanted.patient_id}").json()

        assert [(one["id"], one["error_code"]) for one in answer["results"]] == [
            (str(wanted.pk), "30003")
        ]
        event = AuditEvent.objects.get(action="messages.list")
        assert event.patient_ids == [str(wanted.patient_id)]

    def test_are_read_one_by_one(self, scheduler: Person) -> None:
        message = make_message()

        answer = scheduler.get(f"messages/{message.pk}/")

        assert (answer.status_code, answer.json()["body"]) == (200, "You are booked.")
        assert scheduler.get(f"messages/{NOBODY}/").status_code == 404

    def test_are_a_nurses_own_s26(self, db: None) -> None:
        nurse = Person("nurse")
        patient = make_patient()
        own = make_message(patient=patient)
        make_assignment(patient=patient, nurse=make_nurse(user=nurse.user))
        foreign = make_message()

        listed = nurse.get("messages/").json()["results"]

        assert [one["id"] for one in listed] == [str(own.pk)]
        assert nurse.get(f"messages/{foreign.pk}/").status_code == 404

    def test_are_closed_to_keys_and_hold_nobodys_own_words(self, scheduler: Person) -> None:
        own_words = scheduler.post("messages/", {"body": "Hello"})

        assert list(own_words.json()["fields"]) == ["body"]
        assert Program().get("messages/").status_code == 403

    def test_cost_the_same_for_one_and_for_many(self, scheduler: Person) -> None:
        for _ in range(10):
            make_message()
        scheduler.get("messages/")

        few, many = (queries(scheduler, f"messages/?page_size={n}") for n in (1, 50))

        assert few == many


def agreed_visit(**fields: Any) -> Appointment:
    """Return a visit of somebody who has agreed to texts."""
    visit: Appointment = make_appointment(**fields)
    make_consent(patient=visit.patient)
    return visit


class TestTellingAPatientOnceMore:
    def test_writes_when_the_visit_is_in_fixed_words_s55(self, scheduler: Person) -> None:
        visit = agreed_visit()

        answer = scheduler.post("messages/", {"appointment": str(visit.pk)})

        told = Message.objects.get()
        assert answer.status_code == 201
        assert answer["Location"] == f"/api/v1/messages/{told.pk}/"
        assert (told.kind, told.to, told.status) == ("details", visit.patient.phone, "pending")
        assert "your appointment is on Fri Mar 6, 9:00 AM EST" in told.body
        assert visit.patient.last_name not in told.body
        event = AuditEvent.objects.get(action="message.created")
        assert event.patient_ids == [str(visit.patient_id)]

    def test_happens_once_for_each_state_of_the_visit(self, scheduler: Person) -> None:
        visit = agreed_visit()
        body = {"appointment": str(visit.pk)}
        scheduler.post("messages/", body)

        again = scheduler.post("messages/", body)
        Appointment.objects.filter(pk=visit.pk).update(sequence=1)
        moved = scheduler.post("messages/", body)

        assert (again.status_code, again.json()["code"]) == (409, "limit_reached")
        assert moved.status_code == 201
        assert Message.objects.count() == 2

    def test_with_one_key_has_one_message_and_one_answer(self, scheduler: Person) -> None:
        body = {"appointment": str(agreed_visit().pk)}

        answers = [scheduler.post("messages/", body, Idempotency_Key="one") for _ in range(2)]

        assert answers[0].content == answers[1].content
        assert Message.objects.count() == 1

    @pytest.mark.parametrize("channel", ["", "email"])
    def test_needs_a_way_that_the_patient_has_agreed_to_s59(
        self, scheduler: Person, channel: str
    ) -> None:
        visit = agreed_visit() if channel else make_appointment()

        answer = scheduler.post(
            "messages/", {"appointment": str(visit.pk)} | ({"channel": channel} if channel else {})
        )

        assert (answer.status_code, answer.json()["code"]) == (409, "not_reachable")
        assert not Message.objects.exists()

    @pytest.mark.parametrize(
        "fields",
        [{"status": "cancelled"}, {"status": "fulfilled"}, {"start": NOW - timedelta(hours=1)}],
    )
    def test_is_of_visits_that_are_ahead(self, scheduler: Person, fields: dict[str, Any]) -> None:
        visit = agreed_visit(**fields)

        answer = scheduler.post("messages/", {"appointment": str(visit.pk)})

        assert (answer.status_code, answer.json()["code"]) == (409, "invalid_transition")

    def test_at_night_waits_for_the_morning(self, scheduler: Person, settings: Any) -> None:
        settings.CAREMATIX_NOW = local(2026, 3, 5, 23)
        visit = agreed_visit(start=local(2026, 3, 9, 10))

        scheduler.post("messages/", {"appointment": str(visit.pk)})

        assert Message.objects.get().due_at == local(2026, 3, 6, 8)

    def test_is_dropped_when_the_visit_is_cancelled_before(self, scheduler: Person) -> None:
        visit = agreed_visit()
        scheduler.post("messages/", {"appointment": str(visit.pk)})

        scheduler.post(f"appointments/{visit.pk}/cancellation/")

        assert Message.objects.get(kind="details").status == "dropped"

    def test_of_nobodys_visit_is_refused(self, scheduler: Person) -> None:
        answer = scheduler.post("messages/", {"appointment": NOBODY})

        assert (answer.status_code, list(answer.json()["fields"])) == (400, ["appointment"])

    def test_is_an_act_of_the_admin_site_as_well(self, db: None) -> None:
        told, untold = agreed_visit(), make_appointment()
        client = Client()
        client.force_login(make_user(role="admin"))

        page = client.post(
            "/admin/scheduling/appointment/",
            {"action": "send_details_selected", "_selected_action": [told.pk, untold.pk]},
            follow=True,
        ).content.decode()

        assert Message.objects.get().appointment == told
        assert "Patients who are told: 1." in page
        assert "no way of writing" in page
