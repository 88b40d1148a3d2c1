"""Hours, hand-overs, series and weeks in the admin: nothing is changed that was not shown first."""

import re
from datetime import date, time
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from scheduling.models import (
    Appointment,
    AppointmentSeries,
    Availability,
    AvailabilityOverride,
    Holiday,
    Nurse,
    StaffTask,
)
from tests.factories import (
    NOW,
    TOMORROW_NINE,
    local,
    make_appointment,
    make_hold,
    make_nurse,
    make_override,
    make_patient,
    make_specialization,
    make_user,
    make_visit_type,
)

pytestmark = pytest.mark.django_db

FRIDAY = date(2026, 3, 6)


@pytest.fixture(autouse=True)
def _clinic_clock(settings: Any) -> None:
    settings.CAREMATIX_NOW = NOW


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(make_user(role="admin", is_staff=True, is_superuser=True))
    return client


def hidden_fields(page: str) -> dict[str, list[str]]:
    """Return what the form of a confirmation page sends."""
    fields: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page):
        if name != "csrfmiddlewaretoken":
            fields.setdefault(name, []).append(value)
    return fields


def nurse_form(nurse: Nurse, **changes: Any) -> dict[str, Any]:
    """Return what the form of a nurse sends, with her windows of the week below."""
    given: dict[str, Any] = {
        "first_name": nurse.first_name,
        "last_name": nurse.last_name,
        "license_number": nurse.license_number,
        "license_state": nurse.license_state,
        "license_expires_on": nurse.license_expires_on.isoformat(),
        "languages": ["en"],
        "time_zone": nurse.time_zone,
        "notice_channel": nurse.notice_channel,
        "buffer_before_minutes": "0",
        "buffer_after_minutes": "0",
        "slot_offset_minutes": "0",
        "active": "on",
        "overrides-TOTAL_FORMS": "0",
        "overrides-INITIAL_FORMS": "0",
    }
    windows = list(nurse.availability.all())
    given |= {
        "availability-TOTAL_FORMS": str(len(windows)),
        "availability-INITIAL_FORMS": str(len(windows)),
    }
    for number, window in enumerate(windows):
        prefix = f"availability-{number}-"
        given |= {
            f"{prefix}id": str(window.pk),
            f"{prefix}nurse": str(nurse.pk),
            f"{prefix}kind": window.kind,
            f"{prefix}weekday": str(window.weekday),
            f"{prefix}start": window.start.isoformat(),
            f"{prefix}end": window.end.isoformat(),
        }
    return given | changes


class TestSavingHours:
    def test_asks_first_and_saves_with_the_token_of_the_list(self, staff: Client) -> None:
        visit = make_appointment()
        address = reverse("admin:scheduling_availabilityoverride_add")
        away = {"nurse": visit.nurse_id, "effect": "remove", "date": "2026-03-06"}

        asked = staff.post(address, away)
        stored_meanwhile = AvailabilityOverride.objects.count()
        saved = staff.post(address, hidden_fields(asked.content.decode()))

        assert asked.status_code == 409
        assert visit.patient.name in asked.content.decode()
        assert (stored_meanwhile, saved.status_code) == (0, 302)
        assert AvailabilityOverride.objects.get().date == FRIDAY
        visit.refresh_from_db()
        assert (visit.orphaned, visit.start) == (True, TOMORROW_NINE)
        assert StaffTask.objects.get().kind == "orphaned"

    def test_asks_again_if_another_visit_was_booked_meanwhile(self, staff: Client) -> None:
        visit = make_appointment()
        address = reverse("admin:scheduling_holiday_add")
        asked = staff.post(address, {"date": "2026-03-06", "name": "Snow"})
        later = make_appointment(nurse=visit.nurse, start=visit.end)

        again = staff.post(address, hidden_fields(asked.content.decode()))

        assert again.status_code == 409
        assert later.patient.name in again.content.decode()
        assert "Visits have changed" in again.content.decode()
        assert not Holiday.objects.exists()

    def test_asks_nothing_if_no_visit_is_left_outside(self, staff: Client) -> None:
        address = reverse("admin:scheduling_holiday_add")

        response = staff.post(address, {"date": "2026-03-06", "name": "Snow"})

        assert response.status_code == 302
        assert Holiday.objects.get().date == FRIDAY

    def test_of_a_nurse_counts_the_rows_below_her(self, staff: Client) -> None:
        nurse = make_nurse()
        make_appointment(nurse=nurse)
        address = reverse("admin:scheduling_nurse_change", args=[nurse.pk])
        friday = nurse_form(nurse)
        at = next(n for n, w in enumerate(nurse.availability.all()) if w.weekday == 4)

        asked = staff.post(address, friday | {f"availability-{at}-DELETE": "on"})
        saved = staff.post(address, hidden_fields(asked.content.decode()))

        assert (asked.status_code, saved.status_code) == (409, 302)
        assert not nurse.availability.filter(weekday=4).exists()
        assert nurse.availability.count() == 4

    @pytest.mark.parametrize(
        "changes",
        [
            {"time_zone": "America/Los_Angeles"},
            {"license_expires_on": "2026-03-05"},
            {"active": ""},
        ],
    )
    def test_of_a_nurse_asks_for_zone_license_and_leaving(
        self, staff: Client, changes: dict[str, str]
    ) -> None:
        nurse = make_nurse()
        make_appointment(nurse=nurse)
        address = reverse("admin:scheduling_nurse_change", args=[nurse.pk])
        form = nurse_form(nurse) | changes

        asked = staff.post(address, {name: value for name, value in form.items() if value})

        assert asked.status_code == 409
        nurse.refresh_from_db()
        assert nurse.active
        assert nurse.time_zone == "America/New_York"

    def test_of_a_nurse_without_visits_keeps_skills_and_hours(self, staff: Client) -> None:
        nurse = make_nurse()
        address = reverse("admin:scheduling_nurse_change", args=[nurse.pk])

        response = staff.post(address, nurse_form(nurse, first_name="Grace"))

        assert response.status_code == 302
        nurse.refresh_from_db()
        assert (nurse.first_name, nurse.availability.count()) == ("Grace", 5)

    def test_of_a_new_nurse_saves_her_with_skills_and_hours(self, staff: Client) -> None:
        skill = make_specialization()
        model = make_nurse(works=False)
        form = nurse_form(model, license_number="RN9", specializations=[str(skill.pk)]) | {
            "availability-TOTAL_FORMS": "1",
            "availability-0-kind": "work",
            "availability-0-weekday": "0",
            "availability-0-start": "09:00",
            "availability-0-end": "17:00",
        }

        response = staff.post(reverse("admin:scheduling_nurse_add"), form)

        assert response.status_code == 302
        nurse = Nurse.objects.get(license_number="RN9")
        assert list(nurse.specializations.all()) == [skill]
        assert nurse.availability.get().weekday == 0

    def test_says_how_many_kept_times_are_lost(self, staff: Client) -> None:
        nurse = make_nurse()
        make_hold(nurse=nurse)

        asked = staff.post(
            reverse("admin:scheduling_holiday_add"), {"date": "2026-03-06", "name": "Snow"}
        )

        assert "would be lost: 1" in asked.content.decode()


class TestDeletingHours:
    def test_asks_first_on_the_row_s_own_page(self, staff: Client) -> None:
        visit = make_appointment()
        window = Availability.objects.get(nurse=visit.nurse, weekday=4)
        address = reverse("admin:scheduling_availability_delete", args=[window.pk])

        asked = staff.post(address, {"post": "yes"})
        kept = Availability.objects.filter(pk=window.pk).exists()
        staff.post(address, hidden_fields(asked.content.decode()))

        assert (asked.status_code, kept) == (409, True)
        assert not Availability.objects.filter(pk=window.pk).exists()
        visit.refresh_from_db()
        assert visit.orphaned

    def test_asks_first_in_the_list(self, staff: Client) -> None:
        visit = make_appointment(start=local(2026, 3, 7, 9))
        added = make_override(
            nurse=visit.nurse, effect="add", date=date(2026, 3, 7), start=time(8), end=time(12)
        )
        address = reverse("admin:scheduling_availabilityoverride_changelist")
        chosen = {"action": "delete_selected", "_selected_action": [str(added.pk)], "post": "yes"}

        asked = staff.post(address, chosen)
        kept = AvailabilityOverride.objects.filter(pk=added.pk).exists()
        logged = LogEntry.objects.exists()
        staff.post(address, hidden_fields(asked.content.decode()))

        assert (asked.status_code, kept, logged) == (409, True, False)
        assert not AvailabilityOverride.objects.exists()


class TestHandingOver:
    def test_is_reached_from_the_list_for_one_nurse(self, staff: Client) -> None:
        nurse, other = make_nurse(), make_nurse()
        address = reverse("admin:scheduling_nurse_changelist")

        one = staff.post(address, {"action": "hand_over_selected", "_selected_action": [nurse.pk]})
        both = staff.post(
            address, {"action": "hand_over_selected", "_selected_action": [nurse.pk, other.pk]}
        )

        assert one["Location"].endswith(f"/{nurse.pk}/hand-over/")
        assert not both["Location"].endswith("/hand-over/")

    def test_shows_who_could_take_over_and_does_it_as_chosen(self, staff: Client) -> None:
        nurse, colleague = make_nurse(), make_nurse()
        visit = make_appointment(nurse=nurse)
        left = make_appointment(nurse=nurse, start=visit.end)
        address = reverse("admin:scheduling_nurse_hand_over", args=[nurse.pk])

        page = staff.get(address).content.decode()
        sent: dict[str, Any] = {name: value[0] for name, value in hidden_fields(page).items()}
        sent |= {f"nurse-{visit.pk}": str(colleague.pk), f"nurse-{left.pk}": "call"}
        response = staff.post(address, sent)

        assert f"{colleague.name} (proposed)" in page
        assert response.status_code == 302
        assert Appointment.objects.get(pk=visit.pk).nurse == colleague
        assert Appointment.objects.get(pk=left.pk).nurse == nurse
        assert StaffTask.objects.get().appointment == left

    @pytest.mark.parametrize("odd", [{"token": "x"}, {"nurse-x": "y"}, {"first": "0001-01-01"}])
    def test_does_nothing_for_what_was_not_shown(self, staff: Client, odd: dict[str, str]) -> None:
        nurse, _ = make_nurse(), make_nurse()
        make_appointment(nurse=nurse)
        address = reverse("admin:scheduling_nurse_hand_over", args=[nurse.pk])
        page = staff.get(address).content.decode()
        sent = {name: value[0] for name, value in hidden_fields(page).items()}

        response = staff.post(address, sent | odd)

        assert response.status_code == 200
        assert Appointment.objects.get().nurse == nurse


class TestWeek:
    def test_shows_windows_visits_and_what_is_open_by_the_nurses_clock(self, staff: Client) -> None:
        nurse = make_nurse(time_zone="America/Los_Angeles")
        visit = make_appointment(nurse=nurse, start=local(2026, 3, 6, 13))

        page = staff.get(
            reverse("admin:scheduling_nurse_week", args=[nurse.pk]), {"day": "2026-03-06"}
        ).content.decode()

        assert visit.patient.name in page
        assert "10:00 PST" in page
        assert "09:00 PST to 17:00 PST" in page
        assert "Mon 2 Mar" in page

    @pytest.mark.parametrize("day", ["x", "0001-01-01", "9999-12-31"])
    def test_of_no_day_is_not_found(self, staff: Client, day: str) -> None:
        address = reverse("admin:scheduling_nurse_week", args=[make_nurse().pk])

        assert staff.get(address, {"day": day}).status_code == 404

    def test_is_linked_from_nurse_and_visit(self, staff: Client) -> None:
        visit = make_appointment()
        address = reverse("admin:scheduling_nurse_week", args=[visit.nurse_id])

        for name, key in (("nurse", visit.nurse_id), ("appointment", visit.pk)):
            page = staff.get(reverse(f"admin:scheduling_{name}_change", args=[key]))
            assert address in page.content.decode()


class TestSeries:
    def form(self, **changes: Any) -> dict[str, Any]:
        given = {
            "patient": make_patient().pk,
            "nurse": make_nurse().pk,
            "visit_type": make_visit_type().pk,
            "first_date": "2026-03-06",
            "start_time": "09:00",
            "every_weeks": "1",
            "count": "3",
        }
        return given | changes

    def test_is_shown_first_and_booked_then(self, staff: Client) -> None:
        address = reverse("admin:scheduling_appointmentseries_book")
        form = self.form()

        shown = staff.post(address, form | {"preview": "1"}).content.decode()
        before = Appointment.objects.count()
        response = staff.post(address, form | {"book": "1"})

        assert "Fri 20 Mar 2026" in shown
        assert (before, response.status_code) == (0, 302)
        assert Appointment.objects.count() == 3
        assert staff.get(response["Location"]).status_code == 200

    def test_shows_what_stands_against_a_visit_and_books_nothing(self, staff: Client) -> None:
        taken = make_appointment(start=local(2026, 3, 13, 9))
        address = reverse("admin:scheduling_appointmentseries_book")
        form = self.form(nurse=taken.nurse_id)

        page = staff.post(address, form | {"book": "1"}).content.decode()
        staff.post(address, form | {"book": "1", "skip": "on"})

        assert "The nurse is taken" in page
        assert Appointment.objects.filter(series__isnull=False).count() == 2

    def test_moves_and_cancels_this_following_or_all(self, staff: Client) -> None:
        staff.post(reverse("admin:scheduling_appointmentseries_book"), self.form() | {"book": "1"})
        series = AppointmentSeries.objects.get()
        first, second, third = series.appointments.order_by("series_index")
        address = reverse("admin:scheduling_appointmentseries_visits", args=[series.pk])
        act = {"visit": second.pk, "cancellation_reason": "clinic"}

        staff.post(address, act | {"scope": "all", "act": "move", "start_time": "10:00"})
        staff.post(address, act | {"scope": "this", "act": "move", "weekday": "3"})
        staff.post(address, act | {"visit": third.pk, "scope": "following", "act": "cancel"})

        for visit in (first, second, third):
            visit.refresh_from_db()
        assert [visit.start for visit in (first, second)] == [
            local(2026, 3, 6, 10),
            local(2026, 3, 12, 10),
        ]
        assert (second.series_exception, third.status) == (True, "cancelled")

    def test_refuses_a_visit_of_another_series(self, staff: Client) -> None:
        staff.post(reverse("admin:scheduling_appointmentseries_book"), self.form() | {"book": "1"})
        address = reverse(
            "admin:scheduling_appointmentseries_visits", args=[AppointmentSeries.objects.get().pk]
        )

        response = staff.post(
            address,
            {"visit": make_appointment().pk, "scope": "this", "act": "cancel",
             "cancellation_reason": "clinic"},
        )  # fmt: skip

        assert response.status_code == 200
        assert not Appointment.objects.filter(status="cancelled").exists()


class TestRights:
    @pytest.mark.parametrize(
        "name",
        ["appointmentseries_book", "nurse_hand_over", "nurse_week", "appointmentseries_visits"],
    )
    def test_are_needed_for_each_page(self, client: Client, name: str) -> None:
        client.force_login(make_user(is_staff=True))
        visit = make_appointment()
        args = {"nurse": [visit.nurse_id], "appointmentseries_book": []}
        key = args.get(name, args.get(name.split("_")[0], [visit.pk]))

        assert client.get(reverse(f"admin:scheduling_{name}", args=key)).status_code == 403


class TestOverride:
    def test_books_outside_of_the_hours_when_ticked(self, staff: Client) -> None:
        form = {
            "patient": make_patient().pk,
            "nurse": make_nurse().pk,
            "visit_type": make_visit_type().pk,
            "start_0": "2026-03-07",
            "start_1": "09:00",
        }

        refused = staff.post("/admin/scheduling/appointment/add/", form)
        booked = staff.post("/admin/scheduling/appointment/add/", form | {"override_hours": "on"})

        assert (refused.status_code, booked.status_code) == (200, 302)
        assert Appointment.objects.get().changes.get().reason == "override_hours"
