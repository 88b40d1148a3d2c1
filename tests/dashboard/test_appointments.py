"""The list of visits."""

from datetime import timedelta

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import AuditEvent
from scheduling.models import Appointment
from tests.dashboard.rows import (
    NOON,
    assign,
    make_call,
    make_nurse,
    make_patient,
    make_user,
    make_visit,
)

pytestmark = pytest.mark.django_db
LIST = "/dashboard/appointments/"
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _at_noon(settings: Settings, client: Client) -> None:
    settings.CAREMATIX_NOW = NOON
    client.force_login(make_user())


def rows(client: Client, query: str = "") -> list[Appointment]:
    found = client.get(LIST + query).context["page"].rows
    return list(found)


class TestAppointmentList:
    def test_shows_when_who_with_whom_and_what(self, client: Client) -> None:
        make_visit(make_patient(), make_nurse(), NOON + DAY, reason="Wound check")

        page = client.get(LIST).content.decode()

        for words in (
            "Tomorrow, 12:00pm",
            "30 minutes",
            "Ida Fernwood",
            "Ana Reyes",
            "Routine visit, Wound check",
            "Assistant",
            "Booked",
        ):
            assert words in page
        assert "New York time (EST)" in page

    def test_names_days_by_the_clinics_pinned_clock(self, client: Client) -> None:
        make_visit(make_patient(), make_nurse(), NOON + HOUR)

        assert "Today, 1:00pm" in client.get(LIST).content.decode()

    @pytest.mark.parametrize(
        ("tab", "expected"),
        [
            ("upcoming", ["now", "tomorrow"]),
            ("today", ["morning", "now"]),
            ("unconfirmed", ["tomorrow"]),
            ("past", ["morning", "yesterday"]),
            ("cancelled", ["off"]),
        ],
    )
    def test_tabs_are_saved_views(self, client: Client, tab: str, expected: list[str]) -> None:
        patient, nurse = make_patient(), make_nurse()
        visits = {
            "yesterday": make_visit(patient, nurse, NOON - DAY, status="fulfilled"),
            "morning": make_visit(patient, nurse, NOON - 2 * HOUR, status="noshow"),
            "now": make_visit(
                patient,
                nurse,
                NOON - HOUR / 4,
                status="arrived",
                attendance_confirmed_at=NOON - DAY,
            ),
            "tomorrow": make_visit(patient, nurse, NOON + DAY),
            "off": make_visit(
                patient,
                nurse,
                NOON + 2 * DAY,
                status="cancelled",
                cancelled_at=NOON,
                cancellation_reason="patient",
            ),
        }

        assert rows(client, f"?tab={tab}") == [visits[name] for name in expected]

    def test_is_narrowed_by_nurse_and_by_who_booked(self, client: Client) -> None:
        ana, samuel = make_nurse(), make_nurse("Samuel", "Oakhurst")
        patient = make_patient()
        wanted = make_visit(patient, ana, NOON + DAY, source="voice")
        make_visit(patient, ana, NOON + 2 * DAY, source="dashboard")
        make_visit(patient, samuel, NOON + 3 * DAY, source="voice")

        assert rows(client, f"?nurse={ana.pk}&source=assistant") == [wanted]

    def test_finds_patients_by_name_through_a_posted_form(self, client: Client) -> None:
        nurse = make_nurse()
        wanted = make_visit(make_patient("María", "López"), nurse, NOON + DAY)
        make_visit(make_patient(), nurse, NOON + 2 * DAY)

        response = client.post(LIST, {"search": "lopez maria"})

        assert response.context["page"].rows == [wanted]

    def test_says_in_words_that_nothing_is_booked(self, client: Client) -> None:
        assert "Visits appear here as soon as they are booked." in client.get(LIST).content.decode()

    def test_leads_to_the_call_that_booked_the_visit(self, client: Client) -> None:
        patient = make_patient()
        call = make_call(patient, make_visit(patient, make_nurse(), NOON + DAY))

        assert f"/dashboard/calls/{call.pk}/" in client.get(LIST).content.decode()

    def test_reads_a_page_with_a_bounded_number_of_queries(
        self, client: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for number in range(12):
            patient = make_patient(last_name=f"Fernwood{number}")
            make_call(patient, make_visit(patient, make_nurse(), NOON + DAY))

        # session, user, sample data, nurses, rows counted, rows, calls, audit; the session's stamp takes four
        with django_assert_num_queries(12):
            response = client.get(LIST)

        assert len(response.context["page"].rows) == 12

    def test_is_recorded_with_the_patients_shown_s46(self, client: Client) -> None:
        patient = make_patient()
        make_visit(patient, make_nurse(), NOON + DAY)

        client.get(LIST)

        event = AuditEvent.objects.get(action="appointments.list")
        assert event.patient_ids == [str(patient.pk)]


class TestWhoSeesAppointments:
    def test_a_nurse_sees_own_visits_and_those_of_own_patients(self, client: Client) -> None:
        nurse, other = make_nurse(user=make_user("ana", "nurse")), make_nurse("Samuel", "Oakhurst")
        assigned = make_patient(last_name="Assigned")
        assign(nurse, assigned)
        own = make_visit(make_patient(last_name="Visited"), nurse, NOON + DAY)
        of_own_patient = make_visit(assigned, other, NOON + 2 * DAY)
        make_visit(make_patient(last_name="Foreign"), other, NOON + 3 * DAY)
        assert nurse.user
        client.force_login(nurse.user)

        assert rows(client) == [own, of_own_patient]

    def test_a_nurse_is_not_offered_the_names_of_other_nurses(self, client: Client) -> None:
        make_nurse("Samuel", "Oakhurst")
        client.force_login(make_user("ana", "nurse"))

        assert "Oakhurst" not in client.get(LIST).content.decode()
