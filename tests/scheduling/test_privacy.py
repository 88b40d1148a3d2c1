"""Retention and erasure of what scheduling keeps, and what allows calls (security reference, S59, S62, S63)."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from accounts import legal_holds
from accounts.exceptions import HoldNeedsReason, NoSuchHold
from accounts.models import AuditEvent, LegalHold, User
from accounts.origin import Origin
from scheduling.exceptions import NotAvailable, NotFound, StillActive, UnderHold
from scheduling.models import (
    Consent,
    DataImport,
    FreedTime,
    Message,
    Patient,
    PatientRelation,
    PurgeRun,
    SlotHold,
    StaffTask,
    WaitlistEntry,
    WaitlistOffer,
)
from scheduling.selectors.calls import call_permission
from scheduling.selectors.people import may_text
from scheduling.services import book_appointment, join_waitlist, record_consent
from scheduling.services.privacy import (
    CATEGORIES,
    begin_run,
    erase_patient_records,
    night_is_due,
    purge_batch,
)
from scheduling.services.privacy.retention import report
from tests.factories import (
    NOW,
    local,
    make_appointment,
    make_hold,
    make_nurse,
    make_patient,
    make_relation,
    make_user,
    make_visit_type,
)

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
LONG_AGO = NOW - 800 * DAY
REASON = "A court asked for it"


def origin() -> Origin:
    """Return an administrator at the dashboard."""
    return Origin(user_id=make_user(role=User.Role.ADMIN).pk, surface="dashboard")


def hold(patient: Patient) -> LegalHold:
    """Place a hold on a patient."""
    return legal_holds.place_hold(
        kind="patient",
        record_id=patient.pk,
        patient_ids=[patient.pk],
        reason=REASON,
        origin=origin(),
        now=NOW,
    )


def make_message(**fields: Any) -> Message:
    """Store a text that was sent, as old as the test says."""
    created_at = fields.pop("created_at", LONG_AGO)
    defaults: dict[str, Any] = {
        "channel": "sms",
        "kind": "reply",
        "to": "+12025550101",
        "body": "Clinic: thank you.",
        "status": "sent",
        "due_at": created_at,
    }
    message = Message.objects.create(**defaults | fields)
    Message.objects.filter(pk=message.pk).update(created_at=created_at)
    return message


def make_task(**fields: Any) -> StaffTask:
    """Store a call-back that was done long ago."""
    defaults: dict[str, Any] = {
        "kind": "message",
        "text": "Please call",
        "callback_number": "+12025550101",
        "status": "done",
        "done_at": LONG_AGO,
        "due_at": LONG_AGO,
        "source": "voice",
        "actor": "call",
    }
    return StaffTask.objects.create(**defaults | fields)


def purge(*, most: int = 500) -> PurgeRun:
    """Run the purge of this app to its end."""
    run = begin_run(now=NOW)
    while purge_batch(run_id=run.pk, categories=CATEGORIES, surface="cli", now=NOW, most=most):
        pass
    run.refresh_from_db()
    return run


class TestPurge:
    def test_s62_deletes_what_is_over_its_time_and_nothing_else(self) -> None:
        make_message()
        young = make_message(created_at=NOW - 700 * DAY)
        make_task()
        open_task = make_task(status="open", done_at=None)
        DataImport.objects.create(kind="patients", content=b"name", digest="d")
        DataImport.objects.update(finished_at=NOW - 91 * DAY)

        run = purge()

        assert [message.pk for message in Message.objects.all()] == [young.pk]
        assert [task.pk for task in StaffTask.objects.all()] == [open_task.pk]
        assert not DataImport.objects.exists()
        assert report(run) == "imports: 1, messages: 1, staff_tasks: 1"

    def test_s62_leaves_a_text_alone_that_still_waits(self) -> None:
        make_message(status="pending")

        purge()

        assert Message.objects.count() == 1

    def test_s62_keeps_what_a_hold_rests_on_until_it_is_lifted(self) -> None:
        patient = make_patient()
        make_message(patient=patient)
        make_message(patient=None, appointment=make_appointment(patient=patient), to="+12025550102")
        make_task(patient=patient)
        make_task(appointment=make_appointment(patient=patient, start=NOW + 3 * DAY))
        placed = hold(patient)

        assert report(purge()) == "nothing"
        legal_holds.lift_hold(
            hold_id=placed.pk,
            record_id=patient.pk,
            patient_ids=[patient.pk],
            reason="The case is closed",
            origin=origin(),
            now=NOW,
        )

        assert report(purge()) == "messages: 2, staff_tasks: 2"

    def test_s62_works_in_batches_and_records_each_with_its_patients(self) -> None:
        patients = [make_patient() for _ in range(3)]
        for patient in patients:
            make_message(patient=patient)

        purge(most=2)

        events = list(AuditEvent.objects.filter(action="retention.purged").order_by("seq"))
        assert [event.reason for event in events] == ["messages: 2", "messages: 1"]
        named = {name for event in events for name in event.patient_ids}
        assert named == {str(patient.pk) for patient in patients}
        finished = AuditEvent.objects.get(action="retention.finished")
        assert finished.reason == "messages: 3"

    def test_s62_goes_on_with_the_run_that_was_cut_short(self) -> None:
        for _ in range(3):
            make_message()
        cut_short = begin_run(now=NOW)
        purge_batch(run_id=cut_short.pk, categories=CATEGORIES, surface="worker", now=NOW, most=1)

        resumed = purge(most=1)

        assert resumed.pk == cut_short.pk
        assert resumed.counts == {"messages": 3}

    def test_s50_deletes_nothing_that_cannot_be_recorded(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make_message()
        run = begin_run(now=NOW)

        def refuse(**event: Any) -> None:
            raise RuntimeError

        monkeypatch.setattr("scheduling.services.privacy.retention.record_event", refuse)
        with pytest.raises(RuntimeError):
            purge_batch(run_id=run.pk, categories=CATEGORIES, surface="cli", now=NOW)

        run.refresh_from_db()
        assert (Message.objects.count(), run.counts) == (1, {})


class TestPurgeOfOffers:
    def make_offer(self, *, start: datetime, **fields: Any) -> WaitlistOffer:
        """Store an offer that was made long ago."""
        nurse, patient = make_nurse(), fields.pop("patient", None) or make_patient()
        entry = WaitlistEntry.objects.create(
            patient=patient, visit_type=make_visit_type(), earliest=start.date(),
            latest=start.date(), source="voice", actor="call:1", waiting_since=LONG_AGO,
        )  # fmt: skip
        held = make_hold(nurse=nurse, start=start, state="released", patient_id=patient.pk)
        freed = FreedTime.objects.create(
            nurse=nurse, start=held.start, end=held.end, due_at=LONG_AGO, done_at=LONG_AGO
        )
        given = {"status": "declined", "expires_at": LONG_AGO} | fields
        offer = WaitlistOffer.objects.create(
            entry=entry, freed_time=freed, hold=held, nurse=nurse, start=held.start, end=held.end,
            **given,
        )  # fmt: skip
        WaitlistOffer.objects.update(created_at=LONG_AGO)
        return offer

    def test_s62_deletes_old_ones_with_their_holds(self) -> None:
        self.make_offer(start=LONG_AGO + DAY)

        run = purge()

        assert report(run) == "waitlist_offers: 1"
        assert not WaitlistOffer.objects.exists()
        assert not SlotHold.objects.exists()

    def test_s62_keeps_what_is_open_or_ahead_so_that_no_time_is_offered_twice(self) -> None:
        self.make_offer(start=LONG_AGO + DAY, status="open")
        self.make_offer(start=NOW + DAY)

        purge()

        assert WaitlistOffer.objects.count() == 2

    def test_s62_keeps_those_of_a_patient_under_a_hold(self) -> None:
        patient = make_patient()
        self.make_offer(start=LONG_AGO + DAY, patient=patient)
        hold(patient)

        purge()

        assert WaitlistOffer.objects.count() == 1


class TestNightIsDue:
    def test_is_due_once_a_night_from_two_o_clock(self) -> None:
        assert night_is_due(now=local(2026, 3, 5, 2, 0))
        PurgeRun.objects.create(
            started_at=local(2026, 3, 5, 2, 0), finished_at=local(2026, 3, 5, 2, 5)
        )

        assert not night_is_due(now=local(2026, 3, 5, 2, 10))
        assert not night_is_due(now=local(2026, 3, 6, 1, 59))
        assert night_is_due(now=local(2026, 3, 6, 2, 0))

    def test_is_due_while_a_run_is_unfinished(self) -> None:
        PurgeRun.objects.create(started_at=local(2026, 3, 5, 2, 0))

        assert night_is_due(now=local(2026, 3, 5, 14))


class TestHolds:
    def test_are_recorded_with_their_reason(self) -> None:
        patient = make_patient()

        hold(patient)

        event = AuditEvent.objects.get(action="hold.placed")
        assert (event.object_id, event.patient_ids) == (str(patient.pk), [str(patient.pk)])
        assert event.reason == REASON

    def test_need_a_reason(self) -> None:
        with pytest.raises(HoldNeedsReason):
            legal_holds.place_hold(
                kind="patient",
                record_id=make_patient().pk,
                patient_ids=[],
                reason="court",
                origin=origin(),
                now=NOW,
            )

    def test_are_lifted_once_and_only_from_the_record_they_rest_on(self) -> None:
        patient, lifted_by = make_patient(), origin()
        placed = hold(patient)

        def lift(record_id: UUID) -> None:
            legal_holds.lift_hold(
                hold_id=placed.pk,
                record_id=record_id,
                patient_ids=[],
                reason="The case is closed",
                origin=lifted_by,
                now=NOW,
            )

        with pytest.raises(NoSuchHold):
            lift(make_patient().pk)
        lift(patient.pk)
        with pytest.raises(NoSuchHold):
            lift(patient.pk)


class TestErasePatientRecords:
    def test_s63_leaves_the_visits_under_a_pseudonym(self) -> None:
        patient = make_patient(first_name="Ada", last_name="Lovelace", email="ada@example.org")
        visit = make_appointment(
            patient=patient, start=NOW - DAY, status="fulfilled", reason="Wound on the left foot"
        )

        erase_patient_records(patient_id=patient.pk, now=NOW)

        visit.refresh_from_db()
        kept = visit.patient
        assert (kept.name, kept.phone, kept.email) == (f"Erased {str(kept.pk)[:8]}", "", "")
        assert (visit.reason, kept.active, kept.erased_at) == ("", False, NOW)

    def test_s63_is_refused_under_a_hold(self) -> None:
        patient = make_patient()
        hold(patient)

        with pytest.raises(UnderHold):
            erase_patient_records(patient_id=patient.pk, now=NOW)

    def test_s63_is_refused_while_a_visit_is_ahead(self) -> None:
        visit = make_appointment()

        with pytest.raises(StillActive):
            erase_patient_records(patient_id=visit.patient_id, now=NOW)

    def test_s63_is_refused_while_a_message_is_being_sent(self) -> None:
        patient = make_patient()
        make_message(patient=patient, status="sending")

        with pytest.raises(StillActive):
            erase_patient_records(patient_id=patient.pk, now=NOW)

    def test_s63_is_done_once(self) -> None:
        patient = make_patient()
        erase_patient_records(patient_id=patient.pk, now=NOW)

        with pytest.raises(NotFound):
            erase_patient_records(patient_id=patient.pk, now=NOW)

    def test_s63_blanks_messages_and_sends_none_that_waits(self) -> None:
        patient = make_patient()
        visit = make_appointment(patient=patient, start=NOW - DAY, status="fulfilled")
        for number in ("+12025550101", "+12025550102"):
            make_message(patient=patient, appointment=visit, to=number, appointment_sequence=0)
        waiting = make_message(patient=None, to=patient.phone, status="pending")

        erase_patient_records(patient_id=patient.pk, now=NOW)

        stored = Message.objects.values_list("to", "body", "provider_id")
        assert all(to.startswith("erased ") and not body for to, body, _ in stored)
        waiting.refresh_from_db()
        assert waiting.status == "dropped"

    def test_s63_leaves_alone_what_came_from_a_number_that_another_patient_has(self) -> None:
        patient = make_patient(phone="+12025550101")
        make_patient(phone="+12025550101")
        record_consent(
            channel="sms",
            purpose="appointments",
            granted=False,
            wording="STOP",
            source="sms",
            phone="+12025550101",
            now=NOW,
        )
        make_task(patient=None)

        erase_patient_records(patient_id=patient.pk, now=NOW)

        assert Consent.objects.filter(phone="+12025550101").exists()
        assert StaffTask.objects.filter(callback_number="+12025550101").exists()

    def test_s63_takes_the_patient_s_name_away_where_it_speaks_for_another(self) -> None:
        mother, child = make_patient(), make_patient()
        make_relation(patient=child, name="Ada Lovelace", related_patient=mother)

        erase_patient_records(patient_id=mother.pk, now=NOW)

        kept = PatientRelation.objects.get(patient=child)
        assert (kept.name, kept.may_schedule) == ("Erased", False)

    def test_s63_takes_wishes_off_the_waitlist(self) -> None:
        patient, kind = make_patient(), make_visit_type()
        entry = join_waitlist(
            patient_id=patient.pk,
            visit_type=kind.code,
            nurse_id=None,
            parts_of_day=[],
            earliest=(NOW + DAY).date(),
            latest=(NOW + 9 * DAY).date(),
            source="dashboard",
            actor="test",
            now=NOW,
        )

        erase_patient_records(patient_id=patient.pk, now=NOW)

        entry.refresh_from_db()
        assert entry.status == "cancelled"

    def test_s63_leaves_somebody_whom_nobody_can_book_for(self) -> None:
        patient, nurse = make_patient(), make_nurse()
        make_visit_type()
        erase_patient_records(patient_id=patient.pk, now=NOW)

        with pytest.raises(NotAvailable):
            book_appointment(
                patient_id=patient.pk,
                nurse_id=nurse.pk,
                visit_type="routine",
                start=local(2026, 3, 10, 9),
                source="dashboard",
                actor="test",
                now=NOW,
            )


class TestCallPermission:
    def answer(self, *, granted: bool, **whose: Any) -> None:
        """Store an answer to calls from us."""
        record_consent(
            channel="voice",
            purpose="calls",
            granted=granted,
            wording="May we call you?",
            source="dashboard",
            now=NOW,
            **whose,
        )

    def test_s59_is_none_without_an_answer(self) -> None:
        assert call_permission(patient=make_patient()) is None

    def test_s59_holds_source_date_scope_and_wording(self) -> None:
        patient = make_patient()
        self.answer(granted=True, patient_id=patient.pk)

        found = call_permission(patient=patient)

        assert found is not None
        assert (found.granted, found.source, found.recorded_at) == (True, "dashboard", NOW)
        assert (found.purpose, found.wording) == ("calls", "May we call you?")

    def test_s59_stop_calling_counts_at_once_for_calls_and_texts(self) -> None:
        patient = make_patient()
        record_consent(
            channel="sms", purpose="appointments", granted=True, wording="May we text you?",
            source="voice", patient_id=patient.pk, now=NOW - DAY,
        )  # fmt: skip
        self.answer(granted=True, patient_id=patient.pk)

        self.answer(granted=False, phone=patient.phone)

        found = call_permission(patient=patient)
        assert found is not None
        assert not found.granted
        assert not may_text(patient=patient)

    def test_s59_a_permission_is_the_patients_own_whoever_has_the_number_too(self) -> None:
        patient = make_patient()
        child = make_patient(phone=patient.phone)
        self.answer(granted=True, patient_id=patient.pk)

        assert call_permission(patient=child) is None
        found = call_permission(patient=patient)
        assert found is not None
        assert found.granted

    def test_s59_a_refusal_from_a_number_is_for_everybody_who_has_it(self) -> None:
        patient = make_patient()
        child = make_patient(phone=patient.phone)
        self.answer(granted=True, patient_id=child.pk)
        self.answer(granted=False, patient_id=patient.pk, phone=patient.phone)

        found = call_permission(patient=child)

        assert found is not None
        assert not found.granted

    def test_s59_a_permission_ends_with_the_number_that_it_was_given_for(self) -> None:
        patient = make_patient()
        self.answer(granted=True, patient_id=patient.pk)
        patient.phone = "+12025550166"
        patient.save()

        assert call_permission(patient=patient) is None

    def test_s59_a_permission_for_the_second_number_lifts_no_refusal_of_the_first(self) -> None:
        patient = make_patient(second_phone="+12025550167")
        self.answer(granted=False, phone=patient.phone)
        record_consent(
            channel="voice", purpose="calls", granted=True, wording="You may call there.",
            source="dashboard", patient_id=patient.pk, phone=patient.second_phone, now=NOW + DAY,
        )  # fmt: skip

        found = call_permission(patient=patient)

        assert found is not None
        assert not found.granted

    def test_s59_a_permission_that_names_a_number_alone_is_for_everybody_who_has_it(self) -> None:
        patient = make_patient()
        child = make_patient(phone=patient.phone)
        self.answer(granted=True, phone=patient.phone)

        for one in (patient, child):
            found = call_permission(patient=one)
            assert found is not None
            assert found.granted
