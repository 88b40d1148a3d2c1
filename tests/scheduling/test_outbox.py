"""What is written with a fact: to whom, by which way, and whether it may still go out later."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scheduling import services
from scheduling.models import Appointment, Message, MessageTemplate, Nurse, Patient, Source
from scheduling.selectors.people import allowed_channels, may_message
from scheduling.services.outbox import announce, rests_until, still_wanted, write_message
from tests.factories import (
    NOW,
    local,
    make_appointment,
    make_consent,
    make_nurse,
    make_patient,
    make_visit_type,
)

pytestmark = pytest.mark.django_db

NEXT_WEEK = local(2026, 3, 12, 14)  # Thursday 14:00 in New York, after the clocks have changed
HOUR = timedelta(hours=1)


def patient_who_agreed(*channels: str, **fields: Any) -> Patient:
    """Return a patient with both addresses who agreed to be told by some channels."""
    patient = make_patient(**{"email": "pat@example.com"} | fields)
    for channel in channels or ("sms",):
        make_consent(patient=patient, channel=channel)
    return patient


def nurse_who_is_told(**fields: Any) -> Nurse:
    return make_nurse(**{"email": f"nurse{Nurse.objects.count()}@example.com"} | fields)


def book(patient: Patient, nurse: Nurse | None = None, start: datetime = NEXT_WEEK) -> Appointment:
    return services.book_appointment(
        patient_id=patient.pk,
        nurse_id=(nurse or make_nurse()).pk,
        start=start,
        visit_type=make_visit_type().code,
        source=Source.DASHBOARD,
        actor="user:1",
        now=NOW,
    )


def move(visit: Appointment, *, start: datetime | None = None, nurse: Nurse | None = None) -> None:
    services.reschedule_appointment(
        appointment_id=visit.pk,
        nurse_id=(nurse or visit.nurse).pk,
        start=start or visit.start,
        source=Source.DASHBOARD,
        actor="user:1",
        now=NOW,
    )


def cancel(visit: Appointment) -> None:
    services.cancel_appointment(
        appointment_id=visit.pk, source=Source.DASHBOARD, actor="user:1", now=NOW
    )


def told(**which: Any) -> list[tuple[str, str, str]]:
    """Return kind, channel and address of the pending messages that are due at once."""
    rows = Message.objects.filter(status="pending", due_at=NOW, **which)
    return sorted(rows.values_list("kind", "channel", "to"))


class TestPatientsWay:
    def test_is_the_one_the_patient_chose(self) -> None:
        patient = patient_who_agreed("sms", "email", message_channel="email")

        book(patient)

        assert told() == [("confirmation", "email", "pat@example.com")]

    def test_is_the_other_one_if_only_that_was_agreed_to(self) -> None:
        patient = patient_who_agreed("sms", message_channel="email")

        book(patient)

        assert told() == [("confirmation", "sms", patient.phone)]

    def test_is_the_other_one_if_the_address_is_missing(self) -> None:
        patient = patient_who_agreed("sms", "email", message_channel="email", email="")

        book(patient)

        assert told() == [("confirmation", "sms", patient.phone)]

    def test_is_none_without_consent(self) -> None:
        book(make_patient(email="pat@example.com"))

        assert not Message.objects.exists()

    def test_is_none_after_the_number_refused_though_the_patient_had_agreed(self) -> None:
        patient = patient_who_agreed("sms")
        services.record_consent(
            channel="sms",
            purpose="appointments",
            granted=False,
            wording="STOP",
            source=Source.SMS,
            phone=patient.phone,
            now=NOW,
        )

        assert allowed_channels(patient=patient) == ()
        assert not may_message(patient=patient, channel="sms")

    def test_is_open_again_after_a_later_start(self) -> None:
        patient = patient_who_agreed("sms")
        for minutes, granted in ((10, False), (5, True)):
            make_consent(
                patient=patient, granted=granted, recorded_at=NOW - timedelta(minutes=minutes)
            )

        assert may_message(patient=patient, channel="sms")

    def test_for_texts_says_nothing_about_mail(self) -> None:
        patient = patient_who_agreed("sms", "email")
        make_consent(patient=patient, granted=False, recorded_at=NOW)

        assert allowed_channels(patient=patient) == ("email",)

    @pytest.mark.parametrize("state", [{"deceased": True}, {"active": False}])
    def test_is_none_for_whoever_is_no_longer_cared_for(self, state: dict[str, bool]) -> None:
        patient = patient_who_agreed("sms")
        visit = book(patient)
        Patient.objects.filter(pk=patient.pk).update(**state)

        cancel(visit)

        assert not Message.objects.filter(kind="cancellation").exists()


class TestAnnouncement:
    def test_of_an_email_has_a_subject_without_the_person(self) -> None:
        book(patient_who_agreed("email", message_channel="email"))

        message = Message.objects.get(kind="confirmation")
        assert message.subject == "Your appointment with Carematix"
        assert "Thursday, March 12, 2026, at 2:00 PM EDT" in message.body
        assert "Number" not in message.body  # everybody's last name here

    def test_uses_the_clinics_own_words(self) -> None:
        MessageTemplate.objects.create(
            kind="confirmation", channel="sms", language="en", body="{clinic} expects you: {when}"
        )

        book(patient_who_agreed())

        assert Message.objects.get(kind="confirmation").body == (
            "Carematix expects you: Thu Mar 12, 2:00 PM EDT"
            " Call 202-555-0199. Reply STOP to opt out."
        )

    def test_uses_the_built_in_words_if_the_own_ones_break_a_rule(self) -> None:
        MessageTemplate.objects.create(
            kind="confirmation", channel="sms", language="en", body="Hi {patient}, {clinic} {when}"
        )

        book(patient_who_agreed())

        assert "your appointment is on" in Message.objects.get(kind="confirmation").body

    def test_of_a_move_says_the_new_time_and_drops_what_waited(self) -> None:
        visit = book(patient_who_agreed())

        move(visit, start=NEXT_WEEK + HOUR)

        assert [kind for kind, _, _ in told()] == ["rescheduled"]
        assert "3:00 PM" in Message.objects.get(kind="rescheduled").body
        dropped = Message.objects.filter(status="dropped").values_list("kind", flat=True)
        assert sorted(dropped) == ["confirmation", "reminder_2h", "reminder_48h"]

    def test_of_another_nurse_at_the_same_time_says_just_that(self) -> None:
        visit = book(patient_who_agreed())

        move(visit, nurse=make_nurse())

        assert [kind for kind, _, _ in told()] == ["nurse_changed"]

    def test_of_another_nurse_at_another_time_is_a_move(self) -> None:
        visit = book(patient_who_agreed())

        move(visit, nurse=make_nurse(), start=NEXT_WEEK + HOUR)

        assert [kind for kind, _, _ in told()] == ["rescheduled"]

    def test_of_a_cancellation_leaves_no_reminder(self) -> None:
        visit = book(patient_who_agreed())

        cancel(visit)

        pending = Message.objects.filter(status="pending").values_list("kind", flat=True)
        assert list(pending) == ["cancellation"]

    def test_of_a_visit_that_is_over_is_left_out(self) -> None:
        visit = make_appointment(start=NOW - HOUR, patient=patient_who_agreed())

        announce(appointment=visit, kind="cancelled", now=NOW)

        assert not Message.objects.exists()

    def test_may_be_quiet_and_still_plan_reminders(self) -> None:
        visit = make_appointment(
            start=NEXT_WEEK, patient=patient_who_agreed(), nurse=nurse_who_is_told()
        )

        announce(appointment=visit, kind="booked", now=NOW, tells_of=0, tells_nurses=False)

        kinds = sorted(Message.objects.values_list("kind", flat=True))
        assert kinds == ["reminder_2h", "reminder_48h"]

    @pytest.mark.parametrize(("kind", "most"), [("booked", 4), ("cancelled", 5)])
    def test_costs_few_queries(self, kind: str, most: int) -> None:
        """Consent, words, insert and endpoints; a change also drops what waited."""
        patient = patient_who_agreed("sms", "email")
        visit = make_appointment(start=NEXT_WEEK, patient=patient, nurse=nurse_who_is_told())

        with CaptureQueriesContext(connection) as queries:
            announce(appointment=visit, kind=kind, now=NOW)

        assert len(queries) <= most
        assert Message.objects.exists()

    def test_of_a_hand_over_costs_few_queries(self) -> None:
        """The history's line and the earlier nurse come on top."""
        booked = book(patient_who_agreed(), nurse_who_is_told())
        move(booked, nurse=nurse_who_is_told())
        Message.objects.all().delete()
        visit = Appointment.objects.select_related("patient", "nurse").get()

        with CaptureQueriesContext(connection) as queries:
            announce(appointment=visit, kind="rescheduled", now=NOW)

        assert len(queries) <= 7
        assert Message.objects.count() == 5


class TestNurseNotice:
    def test_tells_of_a_booking_by_mail(self) -> None:
        nurse = nurse_who_is_told(time_zone="Europe/Berlin")
        patient = make_patient(first_name="Zora", last_name="Quill")

        visit = make_appointment(start=NEXT_WEEK, patient=patient, nurse=nurse)
        announce(appointment=visit, kind="booked", now=NOW)

        message = Message.objects.get()
        assert (message.kind, message.to, message.nurse) == ("nurse_booked", nurse.email, nurse)
        assert message.patient is None
        assert "7:00 PM CET" in message.body  # the nurse's own clock
        for word in ("Zora", "Quill", "Routine", patient.phone):
            assert word not in message.body + message.subject
        assert "Open the dashboard" in message.body

    def test_tells_of_moves_and_cancellations(self) -> None:
        visit = book(make_patient(), nurse_who_is_told())

        move(visit, start=NEXT_WEEK + HOUR)
        moved = told()
        cancel(visit)

        assert [kind for kind, _, _ in moved] == ["nurse_rescheduled"]
        assert [kind for kind, _, _ in told()] == ["nurse_cancelled"]

    def test_of_a_hand_over_goes_to_both(self) -> None:
        earlier, later = nurse_who_is_told(), nurse_who_is_told()
        visit = book(make_patient(), earlier)

        move(visit, nurse=later, start=NEXT_WEEK + HOUR)

        assert told() == [
            ("nurse_booked", "email", later.email),
            ("nurse_cancelled", "email", earlier.email),
        ]
        assert "2:00 PM" in Message.objects.get(kind="nurse_cancelled").body
        assert "3:00 PM" in Message.objects.get(kind="nurse_booked", status="pending").body

    @pytest.mark.parametrize(
        "fields",
        [
            {"email": ""},
            {"notice_channel": ""},
            {"notice_channel": "sms"},  # and no number
        ],
    )
    def test_is_left_out_without_a_way(self, fields: dict[str, str]) -> None:
        book(make_patient(), nurse_who_is_told(**fields))

        assert not Message.objects.exists()

    def test_goes_by_text_unless_the_number_refused(self) -> None:
        nurse = nurse_who_is_told(notice_channel="sms", phone="+12025550177")
        book(make_patient(), nurse)
        services.record_consent(
            channel="sms",
            purpose="appointments",
            granted=False,
            wording="STOP",
            source=Source.SMS,
            phone=nurse.phone,
            now=NOW,
        )
        book(make_patient(), nurse, start=NEXT_WEEK + HOUR)

        assert told() == [("nurse_booked", "sms", "+12025550177")]

    def test_is_in_a_language_that_the_nurse_speaks(self) -> None:
        book(make_patient(), nurse_who_is_told(languages=["es"]))

        assert "nueva visita" in Message.objects.get().body


class TestWrittenMessage:
    def test_may_be_an_offer_with_its_limit(self) -> None:
        patient = patient_who_agreed(time_zone="America/Chicago")

        message = write_message(
            kind="waitlist_offer",
            patient=patient,
            channel="sms",
            start=NEXT_WEEK,
            until=NOW + HOUR / 2,
            moves=True,
            expires_at=NOW + HOUR / 2,
            now=NOW,
        )

        assert message is not None
        assert message.body == (
            "Carematix: Thu Mar 12, 1:00 PM CDT is free. Reply A to take it, N to pass, "
            "until 9:30 AM. It replaces your later visit. "
            "Call 202-555-0199. Reply STOP to opt out."
        )
        assert (message.to, message.due_at) == (patient.phone, NOW)

    def test_is_not_an_offer_by_a_way_that_is_not_allowed(self) -> None:
        patient = patient_who_agreed("email")

        message = write_message(
            kind="waitlist_offer",
            patient=patient,
            channel="sms",
            start=NEXT_WEEK,
            until=NOW + HOUR,
            now=NOW,
        )

        assert message is None
        assert not Message.objects.exists()

    def test_answers_a_number_that_is_nobodys(self) -> None:
        message = write_message(kind="reply", to="+12025550142", answer="no_offer", now=NOW)

        assert message is not None
        assert (message.patient, message.to) == (None, "+12025550142")
        assert message.expires_at == NOW + HOUR

    def test_answers_strangers_and_patients_in_the_same_words(self) -> None:
        patient = make_patient()

        answers = [
            write_message(
                kind="reply",
                to=to,
                patient=who,
                answer="no_offer",
                language="en",
                now=NOW,
            )
            for to, who in (("+12025550142", None), (patient.phone, patient))
        ]

        assert answers[0] is not None
        assert answers[1] is not None
        assert answers[0].body == answers[1].body

    def test_shows_the_patients_clock_in_an_answer(self) -> None:
        patient = make_patient(time_zone="America/Chicago", preferred_language="es")

        message = write_message(
            kind="reply",
            to=patient.phone,
            patient=patient,
            answer="confirmed",
            start=NEXT_WEEK,
            now=NOW,
        )

        assert message is not None
        assert "su cita del jue 12 mar, 13:00 CDT queda confirmada" in message.body

    def test_answers_nobody_who_refused_texts(self) -> None:
        make_consent(patient=make_patient(), phone="+12025550142", granted=False)

        assert write_message(kind="reply", to="+12025550142", answer="call_back", now=NOW) is None

    def test_goes_to_a_nurse(self) -> None:
        nurse = nurse_who_is_told()

        message = write_message(kind="nurse_booked", nurse=nurse, start=NEXT_WEEK, now=NOW)

        assert message is not None
        assert (message.nurse, message.to) == (nurse, nurse.email)


def fresh(**which: Any) -> Message:
    """Read a message as delivery does."""
    return Message.objects.select_related("patient", "nurse", "appointment").get(**which)


class TestStillWanted:
    @pytest.fixture
    def visit(self) -> Appointment:
        return book(patient_who_agreed(), nurse_who_is_told())

    def reasons(self, now: datetime = NOW) -> set[str]:
        return {still_wanted(fresh(pk=row.pk), now) for row in Message.objects.all()}

    @pytest.mark.usefixtures("visit")
    def test_is_everything_that_was_just_written(self) -> None:
        assert Message.objects.count() == 4
        assert self.reasons() == {""}

    def test_is_nothing_of_a_visit_that_was_changed(self, visit: Appointment) -> None:
        Appointment.objects.filter(pk=visit.pk).update(sequence=1)

        assert self.reasons() == {"superseded"}

    def test_is_nothing_of_a_visit_that_is_not_booked(self, visit: Appointment) -> None:
        Appointment.objects.filter(pk=visit.pk).update(status="noshow")

        assert self.reasons() == {"not_booked"}

    @pytest.mark.usefixtures("visit")
    def test_is_nothing_of_a_visit_that_has_begun(self) -> None:
        Message.objects.update(expires_at=None)

        assert self.reasons(NEXT_WEEK) == {"past"}

    @pytest.mark.usefixtures("visit")
    def test_is_no_reminder_in_the_last_hour(self) -> None:
        reminder = fresh(kind="reminder_2h")

        assert still_wanted(reminder, NEXT_WEEK - HOUR) == "expired"

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"deceased": True}, "inactive"),
            ({"active": False}, "inactive"),
            ({"phone": "+12025550177"}, "address_changed"),
            ({"remind_2h": False}, "not_chosen"),
        ],
    )
    def test_asks_the_patients_record_again(
        self, visit: Appointment, change: dict[str, Any], reason: str
    ) -> None:
        Patient.objects.filter(pk=visit.patient_id).update(**change)

        assert still_wanted(fresh(kind="reminder_2h"), NOW) == reason

    def test_asks_for_the_consent_again(self, visit: Appointment) -> None:
        make_consent(patient=visit.patient, granted=False, recorded_at=NOW)

        assert still_wanted(fresh(kind="reminder_2h"), NOW) == "no_consent"
        assert still_wanted(fresh(kind="nurse_booked"), NOW) == ""

    def test_asks_the_nurses_record_again(self, visit: Appointment) -> None:
        Nurse.objects.filter(pk=visit.nurse_id).update(email="new@example.com")

        assert still_wanted(fresh(kind="nurse_booked"), NOW) == "address_changed"

    def test_is_no_answer_to_a_number_that_refuses_meanwhile(self) -> None:
        write_message(kind="reply", to="+12025550142", answer="call_back", now=NOW)
        make_consent(patient=make_patient(), phone="+12025550142", granted=False)

        assert still_wanted(fresh(), NOW) == "refused"

    def test_is_a_cancellation_until_the_visit_would_be_over(self, visit: Appointment) -> None:
        cancel(visit)
        message = fresh(kind="cancellation")

        assert still_wanted(message, NEXT_WEEK + HOUR / 4) == ""
        assert still_wanted(message, NEXT_WEEK + HOUR / 2) == "expired"


class TestRest:
    def test_of_a_reminder_lasts_as_long_as_the_patients_night(self) -> None:
        book(patient_who_agreed(time_zone="America/Chicago"))

        rest = rests_until(fresh(kind="reminder_48h"), local(2026, 3, 10, 23))

        assert rest == local(2026, 3, 11, 9)  # 08:00 in Chicago

    def test_is_none_by_day(self) -> None:
        book(patient_who_agreed())

        assert rests_until(fresh(kind="reminder_48h"), local(2026, 3, 10, 14)) is None

    def test_is_none_for_what_a_person_waits_for(self) -> None:
        """A confirmation at night answers somebody who has just called."""
        book(patient_who_agreed())

        assert rests_until(fresh(kind="confirmation"), local(2026, 3, 10, 23)) is None
