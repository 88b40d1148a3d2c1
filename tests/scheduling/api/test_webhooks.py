"""`/api/v1/webhook-endpoints/` and `/api/v1/webhook-deliveries/` (contract, section 6)."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEvent, IdempotencyKey
from scheduling.models import WebhookDelivery, WebhookEndpoint
from tests.scheduling.api.keys import Program
from tests.scheduling.api.people import Person

WISH = {"url": "https://records.example/hooks", "events": ["appointment.*"], "name": "Records"}
NOBODY = "00000000-0000-0000-0000-000000000007"


@pytest.fixture
def admin(db: None) -> Person:
    return Person("admin")


def make_endpoint(admin: Person) -> str:
    answer = admin.post("webhook-endpoints/", WISH)
    assert answer.status_code == 201, answer.content
    return str(answer.json()["id"])


class TestAnEndpoint:
    def test_shows_its_secret_once(self, admin: Person) -> None:
        answer = admin.post("webhook-endpoints/", WISH)
        shown = answer.json()

        read = admin.get(f"webhook-endpoints/{shown['id']}/").json()

        assert answer.status_code == 201, answer.content
        assert shown["secret"].startswith("whsec_")
        assert shown == read | {"secret": shown["secret"]}
        assert shown["secret"] not in WebhookEndpoint.objects.get().secret
        assert AuditEvent.objects.filter(action="webhook_endpoint.created").count() == 1

    def test_keeps_no_secret_for_a_repeated_request(self, admin: Person) -> None:
        first = admin.post("webhook-endpoints/", WISH, Idempotency_Key="k").json()
        again = admin.post("webhook-endpoints/", WISH, Idempotency_Key="k").json()

        assert again == first | {"secret": ""}
        assert first["secret"] not in str(IdempotencyKey.objects.get().answer)

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"url": "http://records.example/"}, "invalid_url"),
            ({"url": "https://127.0.0.1/"}, "invalid_url"),
            ({"url": ""}, "invalid"),
            ({"events": ["patient.added"]}, "invalid"),
            ({"secret": "mine"}, "invalid"),
            ({"active": False}, "invalid"),
        ],
    )
    def test_that_is_not_right_is_not_stored(
        self, admin: Person, change: dict[str, Any], code: str
    ) -> None:
        answer = admin.post("webhook-endpoints/", WISH | change)

        assert (answer.status_code, answer.json()["code"]) == (400, code), answer.content
        assert not WebhookEndpoint.objects.exists()

    def test_changes_only_from_the_state_that_was_seen(self, admin: Person) -> None:
        path = f"webhook-endpoints/{make_endpoint(admin)}/"
        tag = admin.get(path)["ETag"]

        changed = admin.patch(path, {"events": ["call.*"], "active": False}, If_Match=tag)
        stale = admin.patch(path, {"name": "Other"}, If_Match=tag)

        assert (changed.json()["events"], changed.json()["active"]) == (["call.*"], False)
        assert stale.status_code == 412

    def test_is_gone_or_switched_off_when_it_is_deleted(self, admin: Person) -> None:
        never_told, told = (f"webhook-endpoints/{make_endpoint(admin)}/" for _ in range(2))
        admin.post(f"{told}test/")

        assert [admin.delete(path).status_code for path in (never_told, told)] == [204, 204]
        assert admin.get(never_told).status_code == 404
        assert admin.get(told).json()["active"] is False
        assert admin.post(f"{told}test/").json()["code"] == "endpoint_inactive"

    def test_gets_a_new_secret_and_keeps_the_old_one_for_a_day(self, admin: Person) -> None:
        made = admin.post("webhook-endpoints/", WISH).json()
        path = f"webhook-endpoints/{made['id']}/"

        answer = admin.post(f"{path}secret-rotation/", If_Match=admin.get(path)["ETag"])

        assert answer.status_code == 200, answer.content
        assert answer.json()["secret"].startswith("whsec_")
        assert answer.json()["secret"] != made["secret"]
        assert answer.json()["previous_secret_until"] is not None
        assert AuditEvent.objects.filter(action="webhook_endpoint.secret_rotated").count() == 1

    def test_is_sent_a_test_whatever_it_asked_for(self, admin: Person) -> None:
        path = f"webhook-endpoints/{make_endpoint(admin)}/"

        answer = admin.post(f"{path}test/", If_Match=admin.get(path)["ETag"])

        assert answer.status_code == 200, answer.content
        assert (answer.json()["event_type"], answer.json()["status"]) == ("webhook.test", "pending")
        assert admin.get(f"webhook-deliveries/{answer.json()['id']}/").status_code == 200


class TestADelivery:
    def test_is_sent_again_with_its_tries_counted_anew(self, admin: Person) -> None:
        made = admin.post(f"webhook-endpoints/{make_endpoint(admin)}/test/").json()
        WebhookDelivery.objects.update(status="failed", attempts=9, error_code="timeout")
        path = f"webhook-deliveries/{made['id']}/"

        answer = admin.post(f"{path}replay/", If_Match=admin.get(path)["ETag"])

        shown = answer.json()
        assert answer.status_code == 200, answer.content
        assert (shown["status"], shown["attempts"], shown["error_code"]) == ("pending", 0, "")
        assert shown["event_id"] == made["event_id"]
        assert admin.post(f"webhook-deliveries/{NOBODY}/replay/").status_code == 404

    def test_is_found_by_endpoint_and_status(self, admin: Person) -> None:
        first, second = make_endpoint(admin), make_endpoint(admin)
        wanted = admin.post(f"webhook-endpoints/{first}/test/").json()
        admin.post(f"webhook-endpoints/{second}/test/")

        path = f"webhook-deliveries/?endpoint={first}&status=pending"

        assert [one["id"] for one in admin.get(path).json()["results"]] == [wanted["id"]]

    def test_shows_nothing_of_what_was_said(self, admin: Person) -> None:
        made = admin.post(f"webhook-endpoints/{make_endpoint(admin)}/test/").json()

        assert "body" not in made


class TestLists:
    @pytest.mark.parametrize("path", ["webhook-endpoints/", "webhook-deliveries/"])
    def test_are_closed_to_everybody_but_administrators(self, db: None, path: str) -> None:
        askers = (Person("scheduler"), Person("nurse"), Program())

        assert {asker.get(path).status_code for asker in askers} == {403}

    @pytest.mark.parametrize("path", ["webhook-endpoints/", "webhook-deliveries/"])
    def test_cost_the_same_for_one_and_for_many(self, admin: Person, path: str) -> None:
        for _ in range(5):
            admin.post(f"webhook-endpoints/{make_endpoint(admin)}/test/")
        admin.get(path)

        counts = []
        for size in (1, 50):
            with CaptureQueriesContext(connection) as captured:
                admin.get(f"{path}?page_size={size}")
            counts.append(len(captured))

        assert counts[0] == counts[1]
