"""`/api/v1/appointments/`: visits by REST (contract, section 6; scheduling reference, sections 7 and 8)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from accounts.models import AuditEvent
from scheduling.models import Appointment, AppointmentChange
from tests.factories import (
    NOW,
    TOMORROW_NINE,
    make_appointment,
    make_nurse,
    make_patient,
    make_user,
    make_visit_type,
)
from tests.scheduling.api.keys import Program

HALF_HOUR = timedelta(minutes=30)
JSON: dict[str, Any] = {"data": "", "content_type": "application/json"}
CONFIRM = "attendance-confirmation"


@pytest.fixture(autouse=True)
def clock(settings: Any) -> None:
    settings.CAREMATIX_NOW = NOW


@pytest.fixture
def program(db: None) -> Program:
    return Program()


def booking(**fields: Any) -> dict[str, Any]:
    make_visit_type()
    return {
        "patient": str(make_patient().pk),
        "nurse": str(make_nurse().pk),
        "start": TOMORROW_NINE.isoformat(),
    } | fields


class TestBooking:
    def test_stores_the_visit_and_answers_with_it(self, program: Program) -> None:
        body = booking(visit_type="routine", reason="Dressing")

        answer = program.post("appointments/", body)

        assert answer.status_code == 201, answer.content
        stored = Appointment.objects.get()
        shown = answer.json()
        assert (shown["id"], shown["start"]) == (str(stored.pk), "2026-03-06T09:00:00-05:00")
        assert (shown["status"], shown["source"], shown["version"]) == ("booked", "api", 1)
        assert answer["Location"] == f"/api/v1/appointments/{stored.pk}/"
        assert program.get(f"appointments/{stored.pk}/")["ETag"] == answer["ETag"]

    def test_is_on_record_and_in_the_visits_history(self, program: Program) -> None:
        shown = program.post("appointments/", booking()).json()

        event = AuditEvent.objects.get(action="appointment.booked")
        assert (event.actor_type, event.actor_id) == ("key", str(program.key.pk))
        assert event.patient_ids == [shown["patient"]]
        assert AppointmentChange.objects.get().actor == f"key:{program.key.pk}"

    def test_takes_the_kind_of_visit_by_code_or_by_id(self, program: Program) -> None:
        kind = make_visit_type(code="follow_up")

        answer = program.post("appointments/", booking(visit_type=str(kind.pk)))

        assert answer.json()["visit_type"] == "follow_up"

    def test_of_a_time_that_is_taken_gets_409_and_other_times(self, program: Program) -> None:
        body = booking()
        program.post("appointments/", body)

        answer = program.post("appointments/", body | {"patient": str(make_patient().pk)})

        assert (answer.status_code, answer.json()["code"]) == (409, "slot_taken")
        others = answer.json()["alternatives"]
        assert others[0]["start"] == "2026-03-06T09:30:00-05:00"
        assert answer.json()["request_id"] == answer["X-Request-ID"]

    @pytest.mark.parametrize(
        ("change", "status", "code"),
        [
            ({"start": "2026-03-06T09:05:00-05:00"}, 422, "invalid_time"),
            ({"start": "2026-03-07T09:00:00-05:00"}, 422, "not_available"),
            ({"start": "2026-03-06T09:00:00"}, 400, "invalid"),
            ({"start": "2026-03-06"}, 400, "invalid"),
            ({"start": 7}, 400, "invalid"),
            ({"nurse": "00000000-0000-0000-0000-000000000007"}, 400, "invalid"),
            ({"patient": "nobody"}, 400, "invalid"),
            ({"visit_type": "surgery"}, 400, "invalid"),
            ({"status": "fulfilled"}, 400, "invalid"),
            ({"hold": "00000000-0000-0000-0000-000000000007"}, 409, "slot_expired"),
        ],
    )
    def test_that_is_not_possible_stores_nothing(
        self, program: Program, change: dict[str, Any], status: int, code: str
    ) -> None:
        answer = program.post("appointments/", booking() | change)

        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.content
        assert not Appointment.objects.exists()
        assert not AuditEvent.objects.filter(action="appointment.booked").exists()

    @pytest.mark.parametrize("scopes", [("appointments:read",), ("schedule:read",)])
    def test_needs_the_scope(self, db: None, scopes: tuple[str, ...]) -> None:
        assert Program(*scopes).post("appointments/", booking()).status_code == 403

    def test_twice_under_one_key_books_once(self, program: Program) -> None:
        body = booking()

        first = program.post("appointments/", body, Idempotency_Key="k1")
        again = program.post("appointments/", body, Idempotency_Key="k1")

        assert (first.status_code, again.status_code) == (201, 201)
        assert first.content == again.content
        assert (first["ETag"], again["Idempotency-Replayed"]) == (again["ETag"], "true")
        assert Appointment.objects.count() == 1

    def test_under_a_key_of_another_request_is_refused(self, program: Program) -> None:
        program.post("appointments/", booking(), Idempotency_Key="k1")

        answer = program.post("appointments/", booking(), Idempotency_Key="k1")

        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


class TestActs:
    def test_move_and_cancel_a_visit(self, program: Program) -> None:
        booked = program.post("appointments/", booking()).json()
        path = f"appointments/{booked['id']}"

        moved = program.post(f"{path}/rescheduling/", {"start": "2026-03-06T10:00:00-05:00"})
        cancelled = program.post(f"{path}/cancellation/", {"reason": "nurse"})

        assert (moved.status_code, moved.json()["start"]) == (200, "2026-03-06T10:00:00-05:00")
        assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
        assert cancelled.json()["cancellation_reason"] == "nurse"

    def test_take_an_empty_body_for_a_cancellation(self, program: Program) -> None:
        visit = make_appointment(start=TOMORROW_NINE)

        answer = program.ask("POST", f"appointments/{visit.pk}/cancellation/")

        assert answer.json()["cancellation_reason"] == "patient"

    def test_keep_own_words_of_a_reason(self, program: Program) -> None:
        visit = make_appointment(start=TOMORROW_NINE)

        answer = program.post(f"appointments/{visit.pk}/cancellation/", {"reason": "Snow"})

        assert answer.json()["cancellation_reason"] == "other"
        assert answer.json()["cancellation_note"] == "Snow"

    def test_with_a_stale_tag_change_nothing(self, program: Program) -> None:
        visit = make_appointment(start=TOMORROW_NINE)
        path = f"appointments/{visit.pk}/"
        stale = program.get(path)["ETag"]
        program.post(f"{path}attendance-confirmation/")

        answer = program.post(f"{path}cancellation/", If_Match=stale)

        assert (answer.status_code, answer.json()["code"]) == (412, "precondition_failed")
        assert Appointment.objects.get().status == "booked"

    def test_with_the_current_tag_go_on(self, program: Program) -> None:
        visit = make_appointment(start=TOMORROW_NINE)
        path = f"appointments/{visit.pk}/"

        answer = program.post(f"{path}cancellation/", If_Match=program.get(path)["ETag"])

        assert answer.status_code == 200

    @pytest.mark.parametrize(
        ("act", "minutes", "status"),
        [("arrival", 0, "arrived"), ("fulfilment", 5, "fulfilled"), ("no-show", 20, "noshow")],
    )
    def test_record_what_became_of_it(
        self, program: Program, settings: Any, act: str, minutes: int, status: str
    ) -> None:
        visit = make_appointment(start=TOMORROW_NINE)
        early = program.post(f"appointments/{visit.pk}/{act}/")
        settings.CAREMATIX_NOW = TOMORROW_NINE + timedelta(minutes=minutes)

        answer = program.post(f"appointments/{visit.pk}/{act}/")

        assert (early.status_code, early.json()["code"]) == (409, "too_early")
        assert answer.json()["status"] == status

    def test_of_attendance_are_open_to_the_nurse_of_the_visit_alone(self, db: None) -> None:
        login = make_user(role="nurse")
        nurse = make_nurse(user=login)
        own, foreign = make_appointment(nurse=nurse, start=TOMORROW_NINE), make_appointment()
        client = Client()
        client.force_login(login)
        act = f"/api/v1/appointments/{{}}/{CONFIRM}/"

        assert client.post(act.format(own.pk), **JSON).status_code == 200
        assert client.post(act.format(foreign.pk), **JSON).status_code == 404
        assert (
            client.post(act.format(own.pk).replace(CONFIRM, "cancellation"), **JSON).status_code
            == 403
        )


class TestReading:
    def test_a_page_takes_as_many_queries_for_fifty_as_for_one(
        self, program: Program, django_assert_max_num_queries: Any
    ) -> None:
        nurse = make_nurse()
        make_appointment(nurse=nurse, start=TOMORROW_NINE)
        program.get("me/")  # the first use of a key is noted
        with django_assert_max_num_queries(100) as one:
            program.get("appointments/")
        for number in range(1, 50):
            make_appointment(nurse=nurse, start=TOMORROW_NINE + number * HALF_HOUR)

        with django_assert_max_num_queries(100) as fifty:
            answer = program.get("appointments/")

        assert len(answer.json()["results"]) == 50
        assert len(fifty) == len(one)

    def test_pages_lead_to_every_visit_once(self, program: Program) -> None:
        nurse = make_nurse()
        made = {
            str(make_appointment(nurse=nurse, start=TOMORROW_NINE + number * HALF_HOUR).pk)
            for number in range(7)
        }
        found: list[str] = []
        path = "appointments/?page_size=3&ordering=start"
        while path:
            page = program.get(path).json()
            found += [visit["id"] for visit in page["results"]]
            path = (page["next"] or "").partition("/api/v1/")[2]

        assert (len(found), set(found)) == (7, made)

    def test_is_narrowed_by_whom_and_when(self, program: Program) -> None:
        nurse = make_nurse()
        wanted = make_appointment(nurse=nurse, start=TOMORROW_NINE)
        make_appointment(nurse=nurse, start=TOMORROW_NINE + timedelta(days=3))
        make_appointment(start=TOMORROW_NINE)

        answer = program.get(
            f"appointments/?nurse={nurse.pk}&from=2026-03-06&to=2026-03-07&status=booked,arrived"
        )

        assert [visit["id"] for visit in answer.json()["results"]] == [str(wanted.pk)]

    @pytest.mark.parametrize(
        "query",
        [
            "page_size=101", "page_size=0", "page_size=many", "cursor=%00", "cursor=bm9uZQ==", "cursor=cD1ub25l",
            "ordering=patient__last_name", "status=gone", "nurse=1", "from=yesterday",
            "from=0001-01-01", "to=9999-12-31T23:59:59-12:00", "fields=id,pin_hash", "name=Ann",
        ],
    )  # fmt: skip
    def test_refuses_what_it_does_not_know_s44(self, program: Program, query: str) -> None:
        answer = program.get(f"appointments/?{query}")

        assert (answer.status_code, answer.json()["code"]) == (400, "invalid"), query
        assert list(answer.json()["fields"]) == [query.partition("=")[0]]

    def test_gives_only_the_fields_that_are_asked_for(self, program: Program) -> None:
        visit = make_appointment(start=TOMORROW_NINE)

        listed = program.get("appointments/?fields=id,status").json()["results"]
        one = program.get(f"appointments/{visit.pk}/?fields=id,status").json()

        assert listed == [one] == [{"id": str(visit.pk), "status": "booked"}]

    def test_again_with_the_tag_gets_304(self, program: Program) -> None:
        path = f"appointments/{make_appointment(start=TOMORROW_NINE).pk}/"

        answer = program.get(path, If_None_Match=program.get(path)["ETag"])

        assert (answer.status_code, answer.content) == (304, b"")

    def test_tells_the_reason_only_to_who_may_read_the_clinical_record_s27(self, db: None) -> None:
        make_appointment(start=TOMORROW_NINE, reason="Wound")

        visit = Program("appointments:read").get("appointments/").json()["results"][0]
        whole = Program("appointments:read", "clinical:read").get("appointments/").json()

        assert "reason" not in visit
        assert whole["results"][0]["reason"] == "Wound"

    def test_leaves_one_event_with_the_patients_shown_s46(self, program: Program) -> None:
        visits = [make_appointment(start=TOMORROW_NINE) for _ in range(2)]

        program.get("appointments/")

        event = AuditEvent.objects.get(action="appointments.list")
        assert event.patient_ids == sorted(str(visit.patient_id) for visit in visits)

    def test_shows_a_nurse_own_visits_s26(self, db: None) -> None:
        login = make_user(role="nurse")
        nurse = make_nurse(user=login)
        own, foreign = make_appointment(nurse=nurse, start=TOMORROW_NINE), make_appointment()
        client = Client()
        client.force_login(login)

        listed = client.get("/api/v1/appointments/").json()["results"]
        missing = client.get(f"/api/v1/appointments/{foreign.pk}/")

        assert [visit["id"] for visit in listed] == [str(own.pk)]
        assert (missing.status_code, missing.json()["code"]) == (404, "not_found")


@pytest.mark.django_db(transaction=True)
def test_a_hundred_parallel_requests_with_one_key_book_one_visit(settings: Any) -> None:
    settings.LIMIT_KEY_WRITES_PER_MINUTE = 1000
    program, body, together = Program(), booking(), Barrier(100)

    def ask(_: int) -> tuple[int, bytes]:
        together.wait(60)
        try:
            answer = program.post("appointments/", body, Idempotency_Key="once")
            return answer.status_code, answer.content
        finally:
            connection.close()

    with ThreadPoolExecutor(100) as pool:
        answers = set(pool.map(ask, range(100)))

    assert [status for status, _ in answers] == [201]
    assert Appointment.objects.count() == 1
