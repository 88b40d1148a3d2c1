"""What the worker changes by itself leaves events, in the same transaction and few statements (S46, S47, S50)."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import DatabaseError
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from accounts.audit.by_itself import Deed, record_deeds
from accounts.exceptions import NotRecorded
from accounts.models import AuditEvent
from carematix.worker import run_once
from scheduling.models import Message, SlotHold, StaffTask, WaitlistEntry
from scheduling.services.sweeps import (
    Step,
    ask_for_outcomes,
    deliver_texts,
    expire_lapsed_holds,
    expire_wishes,
    purge_old_holds,
)
from tests.factories import (
    NOW,
    make_appointment,
    make_consent,
    make_hold,
    make_nurse,
    make_patient,
    make_visit_type,
)
from tests.twilio_rest import TwilioRest

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(days=30)


@pytest.fixture(autouse=True)
def at_noon(settings: Settings) -> None:
    settings.CAREMATIX_NOW = NOW


@pytest.fixture
def twilio(settings: Settings) -> Iterator[TwilioRest]:
    with TwilioRest() as rest:
        settings.TWILIO_API_BASE_URL = rest.url
        yield rest


def make_text() -> Message:
    patient = make_patient(phone="+12025550123")
    make_consent(patient=patient)
    return Message.objects.create(
        channel="sms", kind="reply", patient=patient, to=patient.phone, body="x", due_at=NOW
    )


def only_event() -> AuditEvent:
    return AuditEvent.objects.get()


class TestARunOfTheWorker:
    def test_s46_records_a_text_that_went_out(self, twilio: TwilioRest) -> None:
        message = make_text()

        run_once(Step("texts", deliver_texts))

        event = only_event()
        assert (event.action, event.outcome) == ("message.sent", "sent")
        assert (event.object_type, event.object_id) == ("message", str(message.pk))
        assert event.patient_ids == [str(message.patient_id)]

    def test_s47_says_who_it_was_and_in_which_run(self, twilio: TwilioRest) -> None:
        make_text()
        make_text()

        run_once(Step("texts", deliver_texts))
        run_once(Step("texts", deliver_texts))

        events = AuditEvent.objects.all()
        assert {(one.actor_type, one.actor_id, one.surface) for one in events} == {
            ("system", "worker", "worker")
        }
        assert len({one.request_id for one in events} - {""}) == 2

    def test_s46_records_a_hold_that_ran_out_and_its_deletion(self, settings: Settings) -> None:
        hold = make_hold(patient_id=make_patient().pk, nurse=make_nurse())
        settings.CAREMATIX_NOW = LATER

        run_once(Step("holds", expire_lapsed_holds))
        run_once(Step("old_holds", purge_old_holds))

        events = AuditEvent.objects.values_list("action", "object_id", "patient_ids")
        whose = [str(hold.patient_id)]
        assert list(events) == [
            ("slothold.expired", str(hold.pk), whose),
            ("slothold.deleted", str(hold.pk), whose),
        ]

    def test_s46_records_a_question_to_staff(self, settings: Settings) -> None:
        visit = make_appointment(start=NOW + timedelta(hours=1))
        settings.CAREMATIX_NOW = NOW + timedelta(hours=5)

        run_once(Step("outcomes", ask_for_outcomes))

        event = only_event()
        assert (event.action, event.patient_ids) == ("stafftask.added", [str(visit.patient_id)])
        assert event.object_id == str(StaffTask.objects.get().pk)


class TestDeeds:
    def deeds(self, count: int) -> list[Deed]:
        return [Deed("message.sent", uuid4(), uuid4()) for _ in range(count)]

    def test_s46_of_fifty_rows_take_as_many_statements_as_of_one(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_num_queries(1):
            record_deeds(self.deeds(1))
        with django_assert_num_queries(1):
            record_deeds(self.deeds(50))

        assert AuditEvent.objects.count() == 51

    def test_s50_undo_the_change_when_they_cannot_be_written(
        self, monkeypatch: pytest.MonkeyPatch, settings: Settings
    ) -> None:
        hold = make_hold(patient_id=make_patient().pk, nurse=make_nurse())
        settings.CAREMATIX_NOW = LATER

        def refuse(*args: object, **options: object) -> None:
            raise DatabaseError

        monkeypatch.setattr(AuditEvent.objects, "bulk_create", refuse)

        with pytest.raises(NotRecorded):
            expire_lapsed_holds(now=timezone.now())

        hold.refresh_from_db()
        assert hold.state == SlotHold.State.LIVE


class TestAWishThatRanOut:
    def test_s46_is_recorded_once(self, settings: Settings) -> None:
        patient = make_patient()
        wish = WaitlistEntry.objects.create(
            patient=patient,
            visit_type=make_visit_type(),
            earliest=NOW.date(),
            latest=NOW.date(),
            waiting_since=NOW,
            source="dashboard",
            actor="test",
        )
        settings.CAREMATIX_NOW = LATER

        run_once(Step("wishes", expire_wishes))
        run_once(Step("wishes", expire_wishes))

        event = only_event()
        assert (event.action, event.object_id) == ("waitlistentry.expired", str(wish.pk))
        assert event.patient_ids == [str(patient.pk)]
