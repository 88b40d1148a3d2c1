"""Accounts as administrators change them, whichever page they do it on (S28)."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client

from accounts import issued_keys, staff
from accounts.exceptions import NoSuchPerson, NotAllowed, OwnAccount
from accounts.models import ApiKey, AuditEvent, User
from accounts.origin import Origin
from scheduling.selectors.feeds import feed_with_token
from scheduling.services.feeds import create_feed
from tests.factories import NOW, make_nurse, make_user

pytestmark = pytest.mark.django_db


def origin(user: User) -> Origin:
    return Origin(user_id=user.pk, surface="dashboard")


class TestWhoeverAsks:
    @pytest.mark.parametrize("change", [{"role": "nurse"}, {"is_active": False}])
    def test_must_still_be_an_administrator_when_their_turn_comes_s28(
        self, change: dict[str, Any]
    ) -> None:
        asker, other = make_user(role="admin"), make_user(role="admin")
        User.objects.filter(pk=asker.pk).update(**change)

        with pytest.raises(NotAllowed):
            staff.change_role(user_id=other.pk, role="nurse", origin=origin(asker))

        other.refresh_from_db()
        assert other.role == "admin"

    @pytest.mark.parametrize("change", [{"role": "scheduler"}, {"is_active": False}])
    @pytest.mark.parametrize("act", ["invite", "make a key", "change a key", "revoke a key"])
    def test_hands_out_and_takes_nothing_any_more_once_put_out_s28(
        self, act: str, change: dict[str, Any]
    ) -> None:
        asker = make_user(role="admin")
        key, _ = issued_keys.create_key(name="Portal", scopes=["patients:read"], now=NOW)
        acts: dict[str, Any] = {
            "invite": lambda: staff.invite_person(
                username="new",
                first_name="New",
                last_name="Person",
                email="new@example.com",
                role="admin",
                origin=origin(asker),
            ),
            "make a key": lambda: issued_keys.create_key(
                name="Mine", scopes=["patients:read"], origin=origin(asker), now=NOW
            ),
            "change a key": lambda: issued_keys.change_key(
                key_id=key.pk, networks=["192.0.2.1"], origin=origin(asker)
            ),
            "revoke a key": lambda: issued_keys.revoke_key(
                key_id=key.pk, origin=origin(asker), now=NOW
            ),
        }
        User.objects.filter(pk=asker.pk).update(**change)

        with pytest.raises(NotAllowed):
            acts[act]()

        assert list(User.objects.all()) == [asker]
        assert ApiKey.objects.values("name", "networks", "revoked_at").get() == {
            "name": "Portal",
            "networks": [],
            "revoked_at": None,
        }

    @pytest.mark.parametrize(
        "act", [staff.deactivate, staff.reactivate, staff.reset_second_factor, staff.unlock]
    )
    def test_leaves_their_own_account_alone(self, act: Any) -> None:
        asker = make_user(role="admin")

        with pytest.raises(OwnAccount):
            act(user_id=asker.pk, origin=origin(asker))

    def test_is_told_when_there_is_no_such_person_or_role(self) -> None:
        asker, other = make_user(role="admin"), make_user()

        with pytest.raises(NoSuchPerson):
            staff.deactivate(user_id=uuid4(), origin=origin(asker))
        with pytest.raises(NoSuchPerson):
            staff.change_role(user_id=other.pk, role="root", origin=origin(asker))


class TestTwoAdministrators:
    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("act", ["demote", "disable"])
    def test_who_put_each_other_out_at_once_leave_one_s28(self, act: str) -> None:
        if connection.vendor != "postgresql":
            pytest.skip("SQLite runs one writing transaction at a time.")
        one, other = make_user(role="admin"), make_user(role="admin")
        together = Barrier(2)

        def put_out(asker: User, person: User) -> bool:
            together.wait(30)
            try:
                if act == "demote":
                    staff.change_role(user_id=person.pk, role="nurse", origin=origin(asker))
                else:
                    staff.deactivate(user_id=person.pk, origin=origin(asker))
            except NotAllowed:
                return False
            finally:
                connection.close()
            return True

        with ThreadPoolExecutor(2) as pool:
            done = list(pool.map(put_out, [one, other], [other, one]))

        assert sorted(done) == [False, True]
        assert User.objects.filter(role="admin", is_active=True).count() == 1


class TestACalendarFeed:
    def test_rests_while_the_nurses_account_is_closed_s28(self) -> None:
        login = make_user(role="nurse")
        token = create_feed(nurse_id=make_nurse(user=login).pk, now=NOW)
        asker = make_user(role="admin")

        staff.deactivate(user_id=login.pk, origin=origin(asker))
        closed = feed_with_token(token=token)
        staff.reactivate(user_id=login.pk, origin=origin(asker))

        assert closed is None
        assert feed_with_token(token=token) is not None

    def test_of_a_nurse_without_a_login_goes_on(self) -> None:
        token = create_feed(nurse_id=make_nurse().pk, now=NOW)

        assert feed_with_token(token=token) is not None


class TestTheAdminSite:
    def test_changes_a_role_as_the_pages_do_and_takes_no_flags_s27(self, client: Client) -> None:
        chief, sam = make_user(role="admin"), make_user(username="sam")
        client.force_login(chief)
        sent = {"username": "sam", "role": "nurse", "is_active": "on", "is_superuser": "on"}

        client.post(f"/admin/accounts/user/{sam.pk}/change/", sent)

        sam.refresh_from_db()
        assert (sam.role, sam.is_superuser) == ("nurse", False)
        assert AuditEvent.objects.get(action="user.role_changed").surface == "admin"

    def test_lets_nobody_delete_themselves(self, client: Client) -> None:
        chief = make_user(role="admin")
        client.force_login(chief)

        response = client.post(f"/admin/accounts/user/{chief.pk}/delete/", {"post": "yes"})

        assert response.status_code == 403
