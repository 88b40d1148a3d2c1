"""Every page of the admin site: lists in every order and with every filter, forms, names in titles."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.admin.views.main import ChangeList
from django.db import connection, models
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEvent, LegalHold, User
from accounts.services import record_event
from scheduling.models import (
    Appointment,
    AppointmentSeries,
    CalendarFeed,
    Clinic,
    DataImport,
    FreedTime,
    Holiday,
    MedicalCondition,
    Message,
    MessageTemplate,
    Nurse,
    OpeningHours,
    Patient,
    PurgeRun,
    StaffTask,
    WaitlistEntry,
    WaitlistOffer,
    WebhookDelivery,
    WebhookEndpoint,
)
from tests.dashboard.rows import make_whole_call
from tests.factories import (
    NINE,
    NOW,
    make_appointment,
    make_assignment,
    make_consent,
    make_hold,
    make_nurse,
    make_override,
    make_patient,
    make_relation,
    make_specialization,
    make_user,
)

pytestmark = pytest.mark.django_db
MODELS = list(admin.site._registry)
MOST_QUERIES = 20  # of a list, whatever its length


@pytest.fixture(autouse=True)
def _clinic_clock(settings: Any) -> None:
    settings.CAREMATIX_NOW = NOW


@pytest.fixture
def chief(client: Client) -> Client:
    client.force_login(make_user(username="chief", role="admin", is_staff=True, is_superuser=True))
    return client


def fill() -> None:
    """Store at least one row of every model that the admin site shows."""
    patient = make_patient(first_name="María", last_name="López")
    nurse = make_nurse(first_name="Ana", last_name="Reyes", specializations=[make_specialization()])
    visit = make_appointment(patient=patient, nurse=nurse)
    hold = make_hold(nurse=nurse, start=visit.end)
    _fill_people(patient, nurse)
    _fill_waitlist(visit, hold)
    _fill_outbox(visit)
    MessageTemplate.objects.create(
        kind="reply", channel="sms", language="en", body="{clinic}: {answer}"
    )
    PurgeRun.objects.create(started_at=NOW)
    make_override(nurse=nurse, date=NOW.date())
    Clinic.objects.get_or_create()
    Holiday.objects.create(date=NOW.date(), name="Founders' day")
    OpeningHours.objects.create(weekday=0, opens=NINE, closes=NINE.replace(hour=17))
    make_whole_call(patient, visit)
    chief = User.objects.get(username="chief")
    actor = chief.pk
    LegalHold.objects.create(
        kind="patient", record_id=patient.pk, reason="A claim", placed_by=chief, placed_at=NOW
    )
    record_event(action="x", outcome="ok", surface="cli", actor_type="user", actor_id=actor)


def _fill_people(patient: Patient, nurse: Nurse) -> None:
    make_assignment(patient=patient, nurse=nurse)
    make_relation(patient=patient)
    make_consent(patient=patient)
    MedicalCondition.objects.create(patient=patient, name="Asthma", code="J45")
    CalendarFeed.objects.create(nurse=nurse, token_hash="0" * 64)
    DataImport.objects.create(kind="patients", content=b"", digest="0" * 64)


def _fill_waitlist(visit: Appointment, hold: Any) -> None:
    AppointmentSeries.objects.create(
        patient=visit.patient,
        nurse=visit.nurse,
        visit_type=visit.visit_type,
        first_date=NOW.date(),
        start_time=NINE,
        time_zone="America/New_York",
        count=4,
        source="dashboard",
        actor="user:1",
    )
    entry = WaitlistEntry.objects.create(
        patient=visit.patient,
        visit_type=visit.visit_type,
        earliest=NOW.date(),
        latest=NOW.date(),
        source="voice",
        actor="call:1",
        waiting_since=NOW,
    )
    freed = FreedTime.objects.create(nurse=visit.nurse, start=hold.start, end=hold.end, due_at=NOW)
    WaitlistOffer.objects.create(
        entry=entry,
        freed_time=freed,
        hold=hold,
        nurse=visit.nurse,
        start=hold.start,
        end=hold.end,
        expires_at=NOW + timedelta(hours=1),
    )


def _fill_outbox(visit: Appointment) -> None:
    Message.objects.create(
        channel="sms",
        kind="confirmation",
        patient=visit.patient,
        appointment=visit,
        to="+12025550118",
        body="Your visit is booked.",
        due_at=NOW,
    )
    endpoint = WebhookEndpoint.objects.create(url="https://other.example/hook", secret="whsec_x")
    WebhookDelivery.objects.create(
        endpoint=endpoint,
        event_id=visit.pk,
        event_type="appointment.booked",
        body="{}",
        due_at=NOW,
    )
    StaffTask.objects.create(
        kind="message",
        patient=visit.patient,
        appointment=visit,
        due_at=NOW,
        source="voice",
        actor="call:1",
        text="Call back",
    )


def address(model: type[models.Model], page: str = "") -> str:
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/{page}"


def changelist(model: type[models.Model]) -> ChangeList:
    """Return the list of a model as its page computes it."""
    request = RequestFactory().get(address(model))
    request.user = User.objects.get(username="chief")
    shown = admin.site._registry[model].get_changelist_instance(request)
    assert isinstance(shown, ChangeList)
    return shown


def choices_of(model: type[models.Model]) -> list[str]:
    """Return the query of every choice of every filter."""
    shown = changelist(model)
    return [
        str(choice["query_string"])
        for spec in shown.filter_specs
        for choice in spec.choices(shown)
        if "query_string" in choice
    ]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
class TestEveryModel:
    def test_has_rows_in_these_tests(self, chief: Client, model: type[models.Model]) -> None:
        fill()

        assert model._default_manager.exists()

    def test_is_listed_in_every_order(self, chief: Client, model: type[models.Model]) -> None:
        fill()
        columns = len(changelist(model).list_display) + 1

        for column in range(1, columns):
            for order in (f"{column}", f"-{column}"):
                assert chief.get(address(model), {"o": order}).status_code == 200, order

    def test_is_listed_with_every_filter(self, chief: Client, model: type[models.Model]) -> None:
        fill()

        for query in choices_of(model):
            assert chief.get(address(model) + query).status_code == 200, query

    def test_is_listed_with_any_search(self, chief: Client, model: type[models.Model]) -> None:
        fill()

        for words in ("López 1958-04-12", "555", "'\"%_\\", "x" * 500, "0", "\x00"):
            assert chief.get(address(model), {"q": words}).status_code == 200, words

    def test_is_listed_with_a_bounded_number_of_queries(
        self, chief: Client, model: type[models.Model]
    ) -> None:
        fill()
        with CaptureQueriesContext(connection) as few:
            chief.get(address(model))
        for _ in range(3):
            nurse = make_nurse(specializations=[make_specialization()])
            visit = make_appointment(nurse=nurse)
            make_hold(nurse=nurse, start=visit.end)
            make_assignment(patient=visit.patient, nurse=nurse)
            make_relation(patient=visit.patient)
            make_consent(patient=visit.patient)
            _fill_outbox(visit)
            make_whole_call(visit.patient, visit)
            actor = make_user()
            record_event(
                action="x", outcome="ok", surface="cli", actor_type="user", actor_id=actor.pk
            )

        with CaptureQueriesContext(connection) as many:
            chief.get(address(model))

        assert len(many) == len(few) <= MOST_QUERIES

    def test_opens_every_form_that_may_be_opened(
        self, chief: Client, model: type[models.Model]
    ) -> None:
        fill()
        row = model._default_manager.order_by("pk").last()
        assert row is not None

        assert chief.get(address(model, "add/")).status_code in {200, 403}
        for page in ("change/", "history/"):
            assert chief.get(address(model, f"{row.pk}/{page}")).status_code == 200, page
        assert chief.get(address(model, f"{row.pk}/delete/")).status_code in {200, 403}

    def test_saves_a_row_as_its_form_shows_it(
        self, chief: Client, model: type[models.Model]
    ) -> None:
        fill()
        row = model._default_manager.order_by("pk").last()
        assert row is not None
        page = chief.get(address(model, f"{row.pk}/change/"))
        if not page.context["has_change_permission"]:
            return

        response = chief.post(address(model, f"{row.pk}/change/"), sent_by(page))

        assert response.status_code == 302, response.context["errors"]


def sent_by(page: Any) -> dict[str, Any]:
    """Return what a browser sends when the forms of a page are saved untouched."""
    sent: dict[str, Any] = {}
    formsets = [inline.formset for inline in page.context["inline_admin_formsets"]]
    forms = [page.context["adminform"].form]
    for formset in formsets:
        forms += [formset.management_form, *formset.forms]
    for form in forms:
        for field in form:
            value = field.value()
            if value is None or value is False:
                continue
            widget = field.field.widget
            parts = getattr(widget, "widgets", None)
            if parts:
                for part, text in zip(widget.widgets_names, widget.decompress(value), strict=True):
                    sent[field.html_name + part] = "" if text is None else text
            else:
                sent[field.html_name] = value
    return sent


class TestTitles:
    def test_name_people_and_never_show_an_id_alone(self, chief: Client) -> None:
        fill()
        for model in (Patient, Nurse, Appointment, MedicalCondition, WaitlistEntry):
            row = model._default_manager.order_by("pk").last()
            assert row is not None

            page = chief.get(address(model, f"{row.pk}/change/")).content.decode()

            heading = page.split("<h2>", 1)[1].split("</h2>", 1)[0]
            assert str(row.pk) not in heading
            assert any(name in heading for name in ("López", "Reyes", "Number"))

    def test_are_used_in_the_note_after_saving(self, chief: Client) -> None:
        patient = make_patient(first_name="María", last_name="López")
        page = chief.get(address(Patient, f"{patient.pk}/change/"))

        saved = chief.post(
            address(Patient, f"{patient.pk}/change/"), sent_by(page), follow=True
        ).content.decode()

        assert "María López, born" in saved
        assert LogEntry.objects.get().object_repr == f"Patient {patient.pk}"

    def test_name_the_member_of_staff_in_the_audit_record(self, chief: Client) -> None:
        robin = make_user(username="robin", first_name="Robin", last_name="Sedgemoor")
        record_event(
            action="call.read", outcome="ok", surface="cli", actor_type="user", actor_id=robin.pk
        )

        assert "Robin Sedgemoor" in chief.get(address(AuditEvent)).content.decode()


class TestTimes:
    def test_are_the_clinics_with_weekday_and_zone(self, chief: Client) -> None:
        make_appointment()

        page = chief.get(address(Appointment)).content.decode()

        assert "Fri Mar 6, 2026, 9:00 AM EST" in page
        assert "Times are New York time (EST)" in page
