"""A nurse's calendar under its secret address, and what it shows of a visit's whole life (case 30)."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from icalendar import Calendar

from accounts.models import AuditEvent
from scheduling import services
from scheduling.models import Appointment, CalendarFeed, Nurse
from scheduling.services.feeds import create_feed, revoke_feed
from tests.factories import (
    NOW,
    TOMORROW_NINE,
    make_appointment,
    make_nurse,
    make_patient,
    make_user,
)

pytestmark = pytest.mark.django_db

BY_STAFF: dict[str, Any] = {"source": "dashboard", "actor": "user:1", "now": NOW}


@pytest.fixture(autouse=True)
def _clinic_clock(settings: Any) -> None:
    settings.CAREMATIX_NOW = NOW


def read(client: Client, token: str, **headers: str) -> Any:
    return client.get(f"/calendars/{token}.ics", headers=headers)


def make_feed(nurse: Nurse) -> str:
    return create_feed(nurse_id=nurse.pk, now=NOW)


def make_visit(nurse: Nurse) -> Appointment:
    patient = make_patient(first_name="Ümit", last_name="Öztürk")
    return make_appointment(nurse=nurse, patient=patient, start=TOMORROW_NINE)


def events(response: Any) -> list[Any]:
    return list(Calendar.from_ical(response.content).walk("VEVENT"))


class TestCalendarFeed:
    def test_keeps_one_uid_and_counts_up_while_a_visit_is_moved_twice_and_cancelled(
        self, client: Client
    ) -> None:
        nurse = make_nurse()
        visit, token = make_visit(nurse), make_feed(nurse)
        seen = [events(read(client, token))]

        for minutes in (60, 120):
            services.reschedule_appointment(
                appointment_id=visit.pk,
                nurse_id=nurse.pk,
                start=TOMORROW_NINE + timedelta(minutes=minutes),
                **BY_STAFF,
            )
            seen.append(events(read(client, token)))
        services.cancel_appointment(appointment_id=visit.pk, **BY_STAFF)
        seen.append(events(read(client, token)))

        assert [len(each) for each in seen] == [1, 1, 1, 1]
        assert {str(each[0]["uid"]).split("@")[0] for each in seen} == {str(visit.pk)}
        assert [each[0]["sequence"] for each in seen] == [0, 1, 2, 3]
        assert [str(each[0]["status"]) for each in seen] == ["CONFIRMED"] * 3 + ["CANCELLED"]

    def test_stays_the_same_to_the_byte_while_nothing_changes(self, client: Client) -> None:
        nurse = make_nurse()
        make_visit(nurse)
        token = make_feed(nurse)

        assert read(client, token).content == read(client, token).content

    def test_shows_the_initials_and_nothing_else_of_the_patient(self, client: Client) -> None:
        nurse = make_nurse()
        visit, token = make_visit(nurse), make_feed(nurse)
        Appointment.objects.filter(pk=visit.pk).update(reason="wound care")

        body = read(client, token).content.decode()

        assert "Ü.Ö." in body
        for secret in ("Ümit", "Öztürk", visit.patient.phone, "wound", str(visit.patient_id)):
            assert secret not in body

    def test_hides_a_visit_that_was_entered_in_error(self, client: Client) -> None:
        nurse = make_nurse()
        visit, token = make_visit(nurse), make_feed(nurse)

        services.enter_in_error(appointment_id=visit.pk, reason="twice", **BY_STAFF)

        assert events(read(client, token)) == []

    def test_drops_a_cancelled_visit_after_thirty_days(self, client: Client) -> None:
        nurse = make_nurse()
        visit, token = make_visit(nurse), make_feed(nurse)
        services.cancel_appointment(appointment_id=visit.pk, **BY_STAFF)
        Appointment.objects.update(cancelled_at=NOW - timedelta(days=31))

        assert events(read(client, token)) == []

    def test_shows_no_visit_of_another_nurse(self, client: Client) -> None:
        make_visit(make_nurse())

        assert events(read(client, make_feed(make_nurse()))) == []

    def test_answers_that_nothing_changed_to_a_calendar_that_has_it(self, client: Client) -> None:
        nurse = make_nurse()
        make_visit(nurse)
        token = make_feed(nurse)
        first = read(client, token)

        again = read(client, token, if_none_match=first["ETag"])

        assert again.status_code == 304
        assert again.content == b""
        assert first["Content-Type"] == "text/calendar; charset=utf-8"
        assert "private" in first["Cache-Control"]

    def test_knows_neither_a_wrong_token_nor_one_that_was_revoked(self, client: Client) -> None:
        nurse = make_nurse()
        token = make_feed(nurse)
        revoke_feed(nurse_id=nurse.pk, now=NOW)

        assert read(client, token).status_code == 404
        assert read(client, "guess").status_code == 404
        assert read(client, "guess").content == read(client, token).content

    def test_is_closed_to_a_nurse_who_has_left(self, client: Client) -> None:
        nurse = make_nurse()
        token = make_feed(nurse)
        Nurse.objects.filter(pk=nurse.pk).update(active=False)

        assert read(client, token).status_code == 404

    def test_gives_way_to_the_next_address(self, client: Client) -> None:
        nurse = make_nurse()
        old, new = make_feed(nurse), make_feed(nurse)

        assert read(client, old).status_code == 404
        assert read(client, new).status_code == 200

    def test_keeps_no_token_that_could_be_used(self) -> None:
        token = make_feed(make_nurse())

        assert token not in str(CalendarFeed.objects.values_list())

    def test_leaves_a_record_of_whose_visits_were_read(self, client: Client) -> None:
        nurse = make_nurse()
        visit, token = make_visit(nurse), make_feed(nurse)

        read(client, token)

        event = AuditEvent.objects.get(action="calendar.read")
        assert event.patient_ids == [str(visit.patient_id)]
        assert token not in str(AuditEvent.objects.values_list())


class TestCalendarLinkPage:
    def test_shows_the_address_once_and_never_again(self, client: Client) -> None:
        user = make_user(role="nurse")
        make_visit(make_nurse(user=user))
        client.force_login(user)

        made = client.post("/accounts/calendar/")
        later = client.get("/accounts/calendar/")

        address = made.context["address"]
        assert address in made.content.decode()
        assert len(events(client.get(address[address.index("/calendars/") :]))) == 1
        assert "/calendars/" not in later.content.decode()

    def test_closes_the_address(self, client: Client) -> None:
        user = make_user(role="nurse")
        make_nurse(user=user)
        client.force_login(user)
        address = client.post("/accounts/calendar/").context["address"]

        client.post("/accounts/calendar/", {"close": "1"})

        assert client.get(address[address.index("/calendars/") :]).status_code == 404

    def test_makes_nothing_for_somebody_who_is_no_nurse(self, client: Client) -> None:
        client.force_login(make_user())

        assert client.post("/accounts/calendar/").status_code == 403
        assert client.get("/accounts/calendar/").status_code == 200
        assert not CalendarFeed.objects.exists()
