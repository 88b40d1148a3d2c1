"""The admin site: pleasant to use, and no way around a rule."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from scheduling import models
from scheduling.models import (
    Appointment,
    AppointmentChange,
    Availability,
    EventNumber,
    StaffTask,
)
from tests.factories import (
    NOW,
    local,
    make_appointment,
    make_hold,
    make_nurse,
    make_patient,
    make_user,
    make_visit_type,
)

pytestmark = pytest.mark.django_db

PAGES = [model for model in admin.site._registry if model._meta.app_label == "scheduling"]


@pytest.fixture(autouse=True)
def _clinic_clock(settings: Any) -> None:
    settings.CAREMATIX_NOW = NOW


@pytest.fixture
def staff(client: Client) -> Client:
    user = make_user(role="admin", is_staff=True, is_superuser=True)
    client.force_login(user)
    return client


def booking(visit: Appointment | None = None, **changes: Any) -> dict[str, Any]:
    """Return what the form for a new visit sends; times are the clinic's."""
    given = {
        "patient": make_patient().pk,
        "nurse": visit.nurse_id if visit else make_nurse().pk,
        "visit_type": make_visit_type().pk,
        "start_0": "2026-03-06",
        "start_1": "09:00",
        "reason": "",
    }
    return given | changes


def change(visit: Appointment, **changes: Any) -> dict[str, Any]:
    """Return what the form for a stored visit sends."""
    given = {
        "nurse": visit.nurse_id,
        "start_0": "2026-03-06",
        "start_1": "09:00",
        "act": "",
        "cancellation_reason": "clinic",
        "note": "",
        "seen_version": visit.version,
    }
    return given | changes


ADD = "/admin/scheduling/appointment/add/"


def page_of(visit: Appointment) -> str:
    return reverse("admin:scheduling_appointment_change", args=[visit.pk])


def errors_of(response: Any) -> dict[str, list[str]]:
    """Return the errors of the form on a page."""
    assert response.status_code == 200, "the form was accepted"
    return dict(response.context["adminform"].form.errors)


class TestEveryModel:
    def test_is_in_the_admin(self) -> None:
        """History lines stand on the page of their visit; the numbers of events are nobody's to look at."""
        wanted = {
            getattr(models, name)
            for name in models.__all__
            if isinstance(getattr(models, name), type) and hasattr(getattr(models, name), "_meta")
        }

        assert wanted - set(PAGES) == {AppointmentChange, EventNumber}

    @pytest.mark.parametrize("model", PAGES, ids=lambda model: model.__name__)
    def test_has_a_list_that_answers_with_and_without_a_search(
        self, staff: Client, model: Any
    ) -> None:
        make_hold(nurse=make_appointment().nurse, start=NOW)
        address = reverse(f"admin:scheduling_{model._meta.model_name}_changelist")

        assert staff.get(address).status_code == 200
        assert staff.get(address, {"q": "López 1958-04-12"}).status_code == 200

    @pytest.mark.parametrize("model", PAGES, ids=lambda model: model.__name__)
    def test_has_a_form_where_rows_may_be_added(self, staff: Client, model: Any) -> None:
        address = reverse(f"admin:scheduling_{model._meta.model_name}_add")

        status = staff.get(address).status_code

        read_only = {
            "AppointmentSeries",
            "CalendarFeed",
            "DataImport",
            "FreedTime",
            "Message",
            "PurgeRun",
            "SlotHold",
            "WaitlistOffer",
            "WebhookDelivery",
        }
        assert status == (403 if model.__name__ in read_only else 200)


class TestBooking:
    def test_goes_through_the_service(self, staff: Client) -> None:
        response = staff.post(ADD, booking(reason="by hand"))

        assert response.status_code == 302
        visit = Appointment.objects.get()
        assert (visit.source, visit.reason) == ("admin", "by hand")
        assert visit.start.isoformat() == "2026-03-06T14:00:00+00:00"  # 09:00 in the clinic
        assert visit.changes.get().actor.startswith("user:")

    def test_of_a_taken_slot_is_an_error_of_the_form(self, staff: Client) -> None:
        taken = make_appointment()

        errors = errors_of(staff.post(ADD, booking(taken)))

        assert list(errors) == ["start"]
        assert errors["start"][0].startswith("That time is taken. Free near it: Fri Mar 6, 2026, ")
        assert Appointment.objects.count() == 1

    def test_of_a_busy_patient_is_an_error_of_the_form(self, staff: Client) -> None:
        taken = make_appointment()

        errors = errors_of(staff.post(ADD, booking(patient=taken.patient_id)))

        assert "patient" in errors

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"start_0": "2026-03-07"}, "nurse"),  # a Saturday
            ({"start_1": "09:07"}, "start"),  # off the grid
            ({"start_0": "2026-03-05", "start_1": "11:30"}, "start"),  # too soon
            ({"start_0": "2026-03-08", "start_1": "02:30"}, "start"),  # the clocks skip it
            ({"patient": ""}, "patient"),
        ],
    )
    def test_outside_of_the_rules_is_an_error_of_the_form(
        self, staff: Client, changes: dict[str, Any], field: str
    ) -> None:
        errors = errors_of(staff.post(ADD, booking(**changes)))

        assert field in errors
        assert not Appointment.objects.exists()

    def test_at_a_time_that_the_clocks_skip_says_so_at_the_field(self, staff: Client) -> None:
        response = staff.post(ADD, booking(start_0="2026-03-08", start_1="02:30"))

        errors = response.context["adminform"].form.errors.as_data()
        assert [error.code for error in errors["start"]] == ["time_does_not_exist"]
        assert errors["start"][0].messages == ["The clocks skip that time on that day."]

    def test_at_a_time_that_the_clocks_show_twice_takes_the_earlier(
        self, staff: Client, settings: Any
    ) -> None:
        settings.CAREMATIX_NOW = local(2026, 10, 30, 9)
        form = booking(start_0="2026-11-01", start_1="01:30", override_hours="on")

        staff.post(ADD, form)

        assert Appointment.objects.get().start == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)

    def test_of_a_time_that_somebody_holds_is_an_error_of_the_form(self, staff: Client) -> None:
        nurse = make_nurse()
        make_hold(nurse=nurse)

        assert "start" in errors_of(staff.post(ADD, booking(nurse=nurse.pk)))


class TestChanging:
    def test_of_the_nurse_alone_keeps_the_later_of_two_times_that_read_the_same(
        self, staff: Client, settings: Any
    ) -> None:
        settings.CAREMATIX_NOW = local(2026, 10, 30, 9)
        later = datetime(2026, 11, 1, 6, 30, tzinfo=UTC)
        visit = make_appointment(start=later)
        form = change(visit, start_0="2026-11-01", start_1="01:30", override_hours="on")

        staff.post(page_of(visit), form | {"nurse": make_nurse().pk})

        moved = Appointment.objects.get()
        assert (moved.start, moved.nurse_id == visit.nurse_id) == (later, False)

    def test_moves_through_the_service(self, staff: Client) -> None:
        visit = make_appointment()

        response = staff.post(page_of(visit), change(visit, start_1="10:00"))

        assert response.status_code == 302
        moved = Appointment.objects.get()
        assert (moved.start.hour, moved.sequence) == (15, 1)

    def test_to_a_taken_time_is_an_error_of_the_form(self, staff: Client) -> None:
        visit = make_appointment()
        make_appointment(nurse=visit.nurse, start=visit.end)

        errors = errors_of(staff.post(page_of(visit), change(visit, start_1="09:30")))

        assert list(errors) == ["start"]
        assert errors["start"][0].startswith("That time is taken. Free near it: Fri Mar 6, 2026, ")
        visit.refresh_from_db()
        assert visit.sequence == 0

    def test_cancels_with_a_reason(self, staff: Client) -> None:
        visit = make_appointment()

        staff.post(page_of(visit), change(visit, act="cancel", cancellation_reason="nurse"))

        visit.refresh_from_db()
        assert (visit.status, visit.cancellation_reason) == ("cancelled", "nurse")
        assert AppointmentChange.objects.get().source == "admin"

    def test_obeys_the_table_of_transitions(self, staff: Client) -> None:
        visit = make_appointment()

        errors = errors_of(staff.post(page_of(visit), change(visit, act="fulfil")))

        assert errors == {"__all__": ["It is too early for that."]}

    def test_needs_a_reason_for_an_error(self, staff: Client) -> None:
        visit = make_appointment()

        assert errors_of(staff.post(page_of(visit), change(visit, act="error")))
        staff.post(page_of(visit), change(visit, act="error", note="wrong patient"))

        visit.refresh_from_db()
        assert visit.status == "entered-in-error"

    def test_refuses_two_things_at_once(self, staff: Client) -> None:
        visit = make_appointment()

        errors = errors_of(staff.post(page_of(visit), change(visit, act="cancel", start_1="10:00")))

        assert "__all__" in errors

    def test_refuses_to_overwrite_what_somebody_else_changed(self, staff: Client) -> None:
        visit = make_appointment(version=3)

        errors = errors_of(staff.post(page_of(visit), change(visit, act="cancel", seen_version=2)))

        assert "__all__" in errors

    def test_ignores_a_status_that_is_posted_past_the_form(self, staff: Client) -> None:
        visit = make_appointment()

        staff.post(page_of(visit), change(visit, status="fulfilled", version=9, patient="x"))

        visit.refresh_from_db()
        assert (visit.status, visit.version) == ("booked", 1)

    def test_shows_what_happened_to_the_visit(self, staff: Client) -> None:
        visit = make_appointment()
        staff.post(page_of(visit), change(visit, act="cancel", note="the nurse is ill"))

        assert "the nurse is ill" in staff.get(page_of(visit)).content.decode()

    def test_never_deletes_a_visit(self, staff: Client) -> None:
        visit = make_appointment()
        listing = reverse("admin:scheduling_appointment_changelist")

        deletion = staff.post(
            reverse("admin:scheduling_appointment_delete", args=[visit.pk]), {"post": "yes"}
        )
        staff.post(listing, {"action": "delete_selected", "_selected_action": [visit.pk]})

        assert deletion.status_code == 403
        assert Appointment.objects.filter(pk=visit.pk).exists()

    def test_cancels_several_and_says_which_could_not_be(self, staff: Client) -> None:
        visit, over = make_appointment(), make_appointment(status="fulfilled")

        response = staff.post(
            reverse("admin:scheduling_appointment_changelist"),
            {"action": "cancel_selected", "_selected_action": [visit.pk, over.pk]},
            follow=True,
        )

        page = response.content.decode()
        assert "Visits cancelled: 1." in page
        assert f"{over.patient.name}, Fri Mar 6, 2026, 9:00 AM EST: " in page

    @pytest.mark.parametrize("ranks", [(1, 2), (2, 1)], ids=["in-order", "against-it"])
    def test_cancels_visits_of_several_nurses_in_whatever_order(
        self, staff: Client, ranks: tuple[int, int]
    ) -> None:
        """The order of locks is by id; the order of the list is another."""
        visits = [
            make_appointment(
                nurse=make_nurse(id=UUID(int=rank)),
                patient=make_patient(id=UUID(int=rank)),
                id=UUID(int=number),
            )
            for number, rank in enumerate(ranks, start=1)
        ]

        response = staff.post(
            reverse("admin:scheduling_appointment_changelist"),
            {"action": "cancel_selected", "_selected_action": [visit.pk for visit in visits]},
            follow=True,
        )

        assert "Visits cancelled: 2." in response.content.decode()
        assert {Appointment.objects.get(pk=visit.pk).status for visit in visits} == {"cancelled"}


class TestChoices:
    def test_show_names_and_find_them_in_any_spelling(self, staff: Client) -> None:
        make_patient(first_name="María", last_name="López")

        answer = staff.get(
            "/admin/autocomplete/",
            {
                "term": "lopez",
                "app_label": "scheduling",
                "model_name": "appointment",
                "field_name": "patient",
            },
        ).json()

        assert [result["text"].startswith("María López, born") for result in answer["results"]] == [
            True
        ]

    def test_find_a_patient_by_birth_date(self, staff: Client) -> None:
        patient = make_patient()

        page = staff.get(
            "/admin/scheduling/patient/", {"q": patient.date_of_birth.isoformat()}
        ).content.decode()

        assert patient.last_name in page


class TestNursePage:
    def test_takes_weekly_hours_in_the_same_form(self, staff: Client) -> None:
        nurse = make_nurse(works=False)
        address = reverse("admin:scheduling_nurse_change", args=[nurse.pk])

        response = staff.post(
            address,
            {
                "first_name": nurse.first_name,
                "last_name": nurse.last_name,
                "license_number": nurse.license_number,
                "license_state": nurse.license_state,
                "license_expires_on": "2030-12-31",
                "languages": ["en", "es"],
                "time_zone": nurse.time_zone,
                "buffer_before_minutes": "0",
                "buffer_after_minutes": "10",
                "slot_offset_minutes": "0",
                "active": "on",
                "availability-TOTAL_FORMS": "1",
                "availability-INITIAL_FORMS": "0",
                "availability-0-kind": "work",
                "availability-0-weekday": "0",
                "availability-0-start": "09:00",
                "availability-0-end": "17:00",
                "overrides-TOTAL_FORMS": "0",
                "overrides-INITIAL_FORMS": "0",
            },
        )

        assert response.status_code == 302
        nurse.refresh_from_db()
        assert nurse.languages == ["en", "es"]
        assert Availability.objects.get().nurse == nurse

    def test_refuses_a_time_zone_that_does_not_exist(self, staff: Client) -> None:
        address = reverse("admin:scheduling_nurse_add")

        errors = errors_of(staff.post(address, {"time_zone": "America/Gotham"}))

        assert "time_zone" in errors


class TestStaffTasks:
    def test_are_stamped_when_done(self, staff: Client) -> None:
        task = StaffTask.objects.create(
            kind="message", due_at=NOW, source="voice", actor="call:1", text="Call back"
        )
        address = reverse("admin:scheduling_stafftask_change", args=[task.pk])

        response = staff.post(
            address,
            {
                "kind": "message",
                "urgency": "routine",
                "status": "done",
                "text": "Call back",
                "due_at_0": "2026-03-05",
                "due_at_1": "10:00",
            },
        )

        assert response.status_code == 302
        task.refresh_from_db()
        assert task.done_at is not None
        assert task.done_by is not None
