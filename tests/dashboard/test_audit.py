"""The page of the audit record: for administrators, narrowed as they ask, and copies of it."""

import json
from unittest.mock import patch

import pytest
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from accounts.audit.sealing import seal_events
from accounts.models import AuditEvent, User
from accounts.services import record_event
from tests.factories import make_patient, make_user

pytestmark = pytest.mark.django_db
PAGE, EXPORT = reverse("dashboard:audit"), reverse("dashboard:audit_export")


@pytest.fixture
def chief() -> User:
    return make_user(role=User.Role.ADMIN, first_name="Robin", last_name="Sedgemoor")


@pytest.fixture
def client(client: Client, chief: User) -> Client:
    client.force_login(chief)
    return client


def an_event(**details: object) -> AuditEvent:
    given = {"action": "call.read", "outcome": "ok", "surface": "dashboard", "object_type": "call"}
    return record_event(**given | details)  # type: ignore[arg-type]


class TestAudit:
    @pytest.mark.parametrize("role", [User.Role.SCHEDULER, User.Role.NURSE])
    def test_is_closed_to_others(self, client: Client, role: str) -> None:
        client.force_login(make_user(role=role))

        assert client.get(PAGE).status_code == 403
        assert client.post(EXPORT, {"format": "csv"}).status_code == 403

    def test_names_who_did_what(self, client: Client, chief: User) -> None:
        an_event(actor_type="user", actor_id=chief.pk, address="203.0.113.24", object_id="3f2a91c0")
        an_event(actor_type="call", actor_id="x", action="find_slots", surface="call")

        text = client.get(PAGE).content.decode()

        for words in (
            "Robin Sedgemoor",
            "Viewed",
            "Call 3f2a91c0",
            "203.0.113.24",
            "The assistant",
        ):
            assert words in text

    def test_shows_what_changed(self, client: Client) -> None:
        an_event(action="user.changed", changes={"role": ["nurse", None]})

        text = client.get(PAGE).content.decode()

        assert "<del>nurse</del>" in text
        assert "<ins>Not set</ins>" in text

    def test_says_how_far_the_record_is_sealed(self, client: Client) -> None:
        assert "No event is sealed yet" in client.get(PAGE).content.decode()
        seal_events()

        assert "1 event sealed" in client.get(PAGE).content.decode()

    def test_is_narrowed_by_person_kind_and_time(self, client: Client, chief: User) -> None:
        an_event(actor_type="user", actor_id=chief.pk, object_id="mine")
        an_event(actor_type="call", object_id="theirs", outcome="locked")

        shown = {
            asked: client.get(f"{PAGE}?{asked}").content.decode()
            for asked in (
                f"who={chief.pk}",
                "who=call",
                "what=locked",
                "what=viewed&when=1",
                "who=odd",
            )
        }

        found = {asked: ("mine" in text, "theirs" in text) for asked, text in shown.items()}
        assert found == {
            f"who={chief.pk}": (True, False),
            "who=call": (False, True),
            "what=locked": (False, True),
            "what=viewed&when=1": (True, True),
            "who=odd": (True, True),
        }

    @pytest.mark.parametrize("by", ["name", "id"])
    def test_is_narrowed_by_a_patient_who_is_named_in_no_address(
        self, client: Client, by: str
    ) -> None:
        patient, other = make_patient(last_name="Fernwood"), make_patient()
        an_event(patient_ids=[patient.pk], object_id="hers")
        an_event(patient_ids=[other.pk], object_id="his")

        answer = client.post(PAGE, {"search": "fernwood" if by == "name" else str(patient.pk)})

        assert answer.status_code == 200
        assert "hers" in answer.content.decode()
        assert "his" not in answer.content.decode().split("<tbody>")[1].split("</tbody>")[0]

    def test_is_turned_page_by_page(self, client: Client) -> None:
        for number in range(30):
            an_event(object_id=f"n{number:02}")

        first, second = (client.get(f"{PAGE}?page={n}").content.decode() for n in (1, 2))

        assert "n29" in first
        assert "n00" in second
        assert "n00" not in first

    def test_is_an_event_itself(self, client: Client, chief: User) -> None:
        client.get(PAGE)

        event = AuditEvent.objects.get(action="audit.list")
        assert event.actor_id == str(chief.pk)

    def test_shows_nothing_when_it_cannot_be_recorded_s50(self, client: Client) -> None:
        an_event(object_id="3f2a91c0")
        with patch.object(AuditEvent.objects, "create", side_effect=OperationalError("locked")):
            answer = client.get(PAGE)

        assert answer.status_code == 503
        assert answer["Retry-After"] == "30"
        assert "3f2a91c0" not in answer.content.decode()


class TestAuditExport:
    def test_s51_gives_what_the_list_shows(self, client: Client, chief: User) -> None:
        patient = make_patient(last_name="Fernwood")
        an_event(patient_ids=[patient.pk], object_id="hers")
        an_event(object_id="other")
        seal_events()

        answer = client.post(EXPORT, {"format": "jsonl", "search": "Fernwood"})

        lines = [json.loads(line) for line in b"".join(answer).splitlines()]
        assert lines[0]["object_id"] == "hers"
        assert "other" not in {line.get("object_id") for line in lines}
        assert lines[-1]["head"]["hash"]
        assert answer["Content-Disposition"].startswith('attachment; filename="audit-')
        event = AuditEvent.objects.get(action="audit.exported")
        assert (event.actor_id, event.patient_ids) == (str(chief.pk), [str(patient.pk)])
        assert "Fernwood" not in event.reason

    def test_s51_gives_a_table(self, client: Client) -> None:
        an_event(object_id="3f2a91c0")

        answer = client.post(EXPORT, {"format": "csv"})

        assert answer["Content-Type"].startswith("text/csv")
        assert b"3f2a91c0" in b"".join(answer)

    def test_knows_no_other_format(self, client: Client) -> None:
        assert client.post(EXPORT, {"format": "xls"}).status_code == 400
        assert not AuditEvent.objects.filter(action="audit.exported").exists()

    def test_is_not_given_when_it_cannot_be_recorded_s50(self, client: Client) -> None:
        with patch.object(AuditEvent.objects, "create", side_effect=OperationalError("locked")):
            assert client.post(EXPORT, {"format": "csv"}).status_code == 503
