"""`/api/v1/api-keys/`: keys by REST (security reference, S36, S42 and S28)."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import ApiKey, AuditEvent, IdempotencyKey
from accounts.sign_in import ages
from tests.scheduling.api.keys import Program
from tests.scheduling.api.people import Person

WISH = {"name": "Portal", "scopes": ["schedule:read"], "networks": ["192.0.2.7"], "days": 30}
ME = "/api/v1/me/"


@pytest.fixture
def admin(db: None) -> Person:
    return Person("admin")


def let_sign_in_grow_old(person: Person) -> None:
    session = person.client.session
    session[ages.VERIFIED] -= timedelta(minutes=11).total_seconds()
    session.save()


class TestANewKey:
    def test_is_shown_once_and_opens_what_it_was_made_for(self, admin: Person) -> None:
        answer = admin.post("api-keys/", WISH | {"networks": []})
        shown = answer.json()

        again = admin.get(f"api-keys/{shown['id']}/").json()
        me = admin.client.get(ME, headers={"Authorization": f"Bearer {shown['key']}"})

        assert answer.status_code == 201, answer.content
        assert (me.json()["type"], me.json()["scopes"]) == ("key", ["schedule:read"])
        assert "key" not in again
        assert shown == again | {"key": shown["key"]}
        assert shown["created_by"] == str(admin.user.pk)
        assert AuditEvent.objects.get(action="key.created").surface == "api"

    def test_is_not_kept_for_a_repeated_request(self, admin: Person) -> None:
        first = admin.post("api-keys/", WISH, Idempotency_Key="k").json()
        again = admin.post("api-keys/", WISH, Idempotency_Key="k").json()

        assert first["key"].startswith("cmx_")
        assert again == first | {"key": ""}
        assert ApiKey.objects.count() == 1
        assert first["key"] not in str(IdempotencyKey.objects.get().answer)

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"scopes": []}, "invalid"),
            ({"scopes": ["all"]}, "invalid"),
            ({"name": ""}, "invalid"),
            ({"days": 0}, "invalid"),
            ({"days": 366}, "invalid_lifetime"),
            ({"networks": ["here"]}, "invalid_network"),
            ({"key_hash": "0"}, "invalid"),
            ({"created_by": None}, "invalid"),
        ],
    )
    def test_that_is_not_right_is_not_made(
        self, admin: Person, change: dict[str, Any], code: str
    ) -> None:
        answer = admin.post("api-keys/", WISH | change)

        assert (answer.status_code, answer.json()["code"]) == (400, code)
        assert not ApiKey.objects.exists()

    def test_needs_password_and_code_again_after_ten_minutes_s36(self, admin: Person) -> None:
        let_sign_in_grow_old(admin)

        answer = admin.post("api-keys/", WISH)

        assert (answer.status_code, answer.json()["code"]) == (403, "reauth_required")
        assert not ApiKey.objects.exists()


class TestAKey:
    def test_changes_its_name_and_networks_only(self, admin: Person) -> None:
        path = f"api-keys/{admin.post('api-keys/', WISH).json()['id']}/"
        tag = admin.get(path)["ETag"]

        changed = admin.patch(path, {"networks": ["192.0.2.0/24"]}, If_Match=tag)
        stale = admin.patch(path, {"name": "Other"}, If_Match=tag)
        wider = admin.patch(path, {"scopes": ["fhir:write"]})

        assert (changed.status_code, changed.json()["networks"]) == (200, ["192.0.2.0/24"])
        assert (stale.status_code, wider.status_code) == (412, 400)
        assert AuditEvent.objects.filter(action="api_key.changed").count() == 1

    def test_is_not_changed_without_password_and_code_s36(self, admin: Person) -> None:
        path = f"api-keys/{admin.post('api-keys/', WISH).json()['id']}/"
        let_sign_in_grow_old(admin)

        assert admin.patch(path, {"networks": []}).json()["code"] == "reauth_required"
        assert admin.delete(path).status_code == 204

    def test_opens_nothing_once_it_is_revoked_s28(self, admin: Person) -> None:
        program = Program("schedule:read")
        path = f"api-keys/{program.key.pk}/"

        gone, again = admin.delete(path), admin.delete(path)

        assert (gone.status_code, again.status_code) == (204, 204)
        assert program.get("me/").status_code == 401
        assert admin.get(path).json()["revoked_at"] is not None
        assert AuditEvent.objects.filter(action="key.revoked").count() == 1

    def test_reads_itself_and_nothing_else(self, db: None) -> None:
        program, other = Program("schedule:read"), Program()

        assert program.get(f"api-keys/{program.key.pk}/").status_code == 200
        assert program.get(f"api-keys/{other.key.pk}/").status_code == 404
        assert program.get("api-keys/").status_code == 403
        assert program.post("api-keys/", WISH).status_code == 403
        assert program.delete(f"api-keys/{program.key.pk}/").status_code == 403

    @pytest.mark.parametrize("role", ["scheduler", "nurse"])
    def test_is_nothing_for_other_roles(self, db: None, role: str) -> None:
        person = Person(role)

        assert person.get("api-keys/").status_code == 403
        assert person.get(f"api-keys/{Program().key.pk}/").status_code == 403


def test_listing_keys_costs_the_same_for_one_and_for_many(admin: Person) -> None:
    for _ in range(10):
        Program("schedule:read")
    admin.get("api-keys/")

    counts = []
    for size in (1, 50):
        with CaptureQueriesContext(connection) as captured:
            admin.get(f"api-keys/?page_size={size}")
        counts.append(len(captured))

    assert counts[0] == counts[1]
