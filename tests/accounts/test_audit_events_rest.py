"""`/api/v1/audit-events/`: the audit record by REST (security reference, S46 to S48)."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AuditEvent
from accounts.services import record_event
from tests.factories import make_patient
from tests.scheduling.api.keys import Program
from tests.scheduling.api.people import Person


@pytest.fixture
def admin(db: None) -> Person:
    return Person("admin")


def make_event(action: str = "visit.read", **fields: Any) -> AuditEvent:
    return record_event(action=action, **{"outcome": "ok", "surface": "test"} | fields)


def seqs(answer: Any) -> list[int]:
    assert answer.status_code == 200, answer.content
    return [event["seq"] for event in answer.json()["results"]]


class TestTheRecord:
    def test_is_listed_the_latest_first_page_by_page(self, admin: Person) -> None:
        made = [make_event().seq for _ in range(5)]
        found, path = [], "audit-events/?surface=test&page_size=2"

        while path:
            page = admin.get(path)
            found += seqs(page)
            path = (page.json()["next"] or "").partition("/api/v1/")[2]

        assert found == made[::-1]

    def test_is_narrowed_by_actor_patient_action_and_time(self, admin: Person) -> None:
        patient, actor = str(make_patient().pk), str(admin.user.pk)
        wanted = make_event(actor_type="user", actor_id=actor, patient_ids=[patient])
        make_event(actor_type="user", actor_id=actor)
        make_event("visit.changed", patient_ids=[patient])
        tomorrow = (timezone.now() + timedelta(days=2)).date()

        ours = f"audit-events/?surface=test&patient={patient}"
        assert seqs(admin.get(f"{ours}&actor={actor}")) == [wanted.seq]
        assert seqs(admin.get(f"{ours}&actor=user")) == [wanted.seq]
        assert seqs(admin.get(f"{ours}&action=visit.read")) == [wanted.seq]
        assert seqs(admin.get(f"{ours}&action=viewed")) == [wanted.seq]
        assert seqs(admin.get(f"{ours}&from={tomorrow}")) == []
        assert len(seqs(admin.get(f"{ours}&to={tomorrow}"))) == 2

    def test_shows_one_event_by_its_number(self, admin: Person) -> None:
        event = make_event(patient_ids=[str(make_patient().pk)], reason="Because")

        shown = admin.get(f"audit-events/{event.seq}/")

        assert (shown.status_code, shown.json()["reason"]) == (200, "Because")
        assert admin.get("audit-events/999999999999999999999999/").status_code == 404

    def test_tells_who_looked_at_it(self, admin: Person) -> None:
        event = make_event(patient_ids=["p"])

        admin.get("audit-events/")
        admin.get(f"audit-events/{event.seq}/")

        listed = AuditEvent.objects.get(action="audit_events.list")
        read = AuditEvent.objects.get(action="audit_event.read")
        assert listed.actor_id == read.actor_id == str(admin.user.pk)
        assert (read.object_id, read.patient_ids) == (str(event.seq), ["p"])

    def test_is_changed_and_deleted_by_nobody_s48(self, admin: Person) -> None:
        path = f"audit-events/{make_event().seq}/"

        assert admin.patch(path, {"reason": ""}).status_code == 405
        assert admin.delete(path).status_code == 405
        assert admin.post("audit-events/", {}).status_code == 405

    def test_is_closed_to_everybody_else(self, db: None) -> None:
        askers = (Person("scheduler"), Person("nurse"), Program())

        assert {asker.get("audit-events/").status_code for asker in askers} == {403}

    @pytest.mark.parametrize("query", ["patient=ann", "from=yesterday", "ordering=at", "name=Ann"])
    def test_refuses_what_it_does_not_know_s44(self, admin: Person, query: str) -> None:
        answer = admin.get(f"audit-events/?{query}")

        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")

    def test_costs_the_same_for_one_and_for_many(self, admin: Person) -> None:
        for _ in range(10):
            make_event()
        admin.get("audit-events/")

        counts = []
        for size in (1, 50):
            with CaptureQueriesContext(connection) as captured:
                admin.get(f"audit-events/?page_size={size}")
            counts.append(len(captured))

        assert counts[0] == counts[1]
