"""Links by mail: for who forgot their password, and for who is new."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core import mail
from django.core.cache import cache
from django.test import Client

from accounts.models import AuditEvent, User
from accounts.sign_in import reset_mail
from tests.dashboard.rows import PASSWORD, make_user
from tests.sign_in import enrol, give_password

NEW = "nine loud otters run"
RESET = "/accounts/password/reset/"
ADD = "/admin/accounts/user/add/"


@pytest.fixture(autouse=True)
def _forget_limits_of_allauth() -> None:
    cache.clear()


@pytest.fixture
def chief(client: Client) -> Client:
    client.force_login(make_user("chief", "admin", is_staff=True, is_superuser=True))
    return client


def ask(email: str) -> Any:
    answer = Client().post(RESET, {"email": email})
    reset_mail.wait()
    return answer


def mailed_path(number: int = -1) -> str:
    found = re.search(r"https://clinic\.example(/\S+)", str(mail.outbox[number].body))
    assert found
    return found[1]


def choose(path: str, password: str = NEW) -> Any:
    """Follow a link and choose a password; return the last answer, and leave the rest to the caller."""
    client = Client()
    form = client.get(path, follow=True)
    if not form.redirect_chain:
        return form
    return client.post(form.redirect_chain[-1][0], {"password1": password, "password2": password})


def let_pass(monkeypatch: pytest.MonkeyPatch, **passed: float) -> None:
    plain = PasswordResetTokenGenerator._now

    def later(self: PasswordResetTokenGenerator) -> datetime:
        return plain(self) + timedelta(**passed)

    monkeypatch.setattr(PasswordResetTokenGenerator, "_now", later)


@pytest.mark.django_db(transaction=True)
class TestAForgottenPassword:
    def test_is_replaced_by_the_link_and_the_code_is_still_asked_for(self) -> None:
        enrol(make_user("robin", email="robin@clinic.example"))
        ask("robin@clinic.example")

        answer = choose(mailed_path())

        assert answer["Location"] == "/accounts/login/code/"
        assert mail.outbox[0].to == ["robin@clinic.example"]
        assert User.objects.get(username="robin").check_password(NEW)
        assert AuditEvent.objects.filter(action="password.changed").count() == 1

    def test_gets_the_same_answer_for_an_unknown_address_and_no_mail_s15(self) -> None:
        make_user("robin", email="robin@clinic.example")
        make_user("gone", email="gone@clinic.example", is_active=False)

        known = ask("robin@clinic.example")
        unknown = ask("nobody@clinic.example")
        closed = ask("gone@clinic.example")

        assert known["Location"] == unknown["Location"] == closed["Location"] == f"{RESET}done/"
        assert [one.to for one in mail.outbox] == [["robin@clinic.example"]]

    def test_does_not_wait_for_the_look_up_or_the_mail_s15(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[str] = []
        monkeypatch.setattr(reset_mail, "_send_reset", asked.append)
        make_user("robin", email="robin@clinic.example")

        ask("robin@clinic.example")

        assert asked == ["robin@clinic.example"]
        assert mail.outbox == []

    def test_link_works_once(self) -> None:
        make_user("robin", email="robin@clinic.example")
        ask("robin@clinic.example")
        choose(mailed_path())

        page = choose(mailed_path()).content.decode()

        assert "This link has ended" in page

    def test_link_ends_after_an_hour(self, monkeypatch: pytest.MonkeyPatch) -> None:
        make_user("robin", email="robin@clinic.example")
        ask("robin@clinic.example")
        let_pass(monkeypatch, minutes=61)

        assert "This link has ended" in choose(mailed_path()).content.decode()

    def test_link_names_our_own_address_whatever_the_request_says(self) -> None:
        make_user("robin", email="robin@clinic.example")

        Client(headers={"Host": "localhost"}).post(RESET, {"email": "robin@clinic.example"})
        reset_mail.wait()

        assert "https://clinic.example/accounts/" in mail.outbox[0].body

    def test_never_becomes_a_weak_one_s34(self) -> None:
        make_user("robin", email="robin@clinic.example")
        ask("robin@clinic.example")

        page = choose(mailed_path(), "short").content.decode()

        assert "at least 12 characters" in page
        assert User.objects.get(username="robin").check_password(PASSWORD)


@pytest.mark.django_db(transaction=True)
class TestAnInvitation:
    def invite(self, chief: Client, email: str = "sam@clinic.example") -> Any:
        person = {
            "username": "sam",
            "usable_password": "false",
            "first_name": "Sam",
            "last_name": "Ashgrove",
            "email": email,
            "role": "scheduler",
        }
        return chief.post(ADD, person, follow=True)

    def test_is_mailed_to_who_is_added_without_a_password(self, chief: Client) -> None:
        page = self.invite(chief).content.decode()

        assert mail.outbox[0].to == ["sam@clinic.example"]
        assert "user name is sam" in mail.outbox[0].body
        assert "Invited sam by e-mail." in page
        event = AuditEvent.objects.get(action="user.invited")
        assert event.object_id == str(User.objects.get(username="sam").pk)

    def test_leads_to_a_password_and_then_to_enrolment(self, chief: Client) -> None:
        self.invite(chief)

        assert choose(mailed_path())["Location"] == "/accounts/login/enrol/"
        assert give_password(Client(), "sam", NEW)["Location"] == "/accounts/login/enrol/"

    def test_works_once_and_for_three_days(
        self, chief: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.invite(chief)
        with monkeypatch.context() as later:
            let_pass(later, hours=73)
            assert "This link has ended" in choose(mailed_path()).content.decode()
        let_pass(monkeypatch, hours=71)

        first, second = choose(mailed_path()), choose(mailed_path())

        assert first.status_code == 302
        assert "This link has ended" in second.content.decode()

    def test_sent_again_ends_the_earlier_one(self, chief: Client) -> None:
        self.invite(chief)
        sam = User.objects.get(username="sam")

        chief.post(
            "/admin/accounts/user/",
            {"action": "send_invitations", "_selected_action": [str(sam.pk)]},
        )

        assert "This link has ended" in choose(mailed_path(0)).content.decode()
        assert choose(mailed_path(1)).status_code == 302

    def test_is_not_for_who_has_a_password(self, chief: Client) -> None:
        robin = make_user("robin", email="robin@clinic.example")

        chief.post(
            "/admin/accounts/user/",
            {"action": "send_invitations", "_selected_action": [str(robin.pk)]},
        )

        assert mail.outbox == []
        assert User.objects.get(pk=robin.pk).check_password(PASSWORD)

    def test_needs_an_address(self, chief: Client) -> None:
        page = self.invite(chief, email="").content.decode()

        assert "There is no e-mail address" in page
        assert mail.outbox == []

    def test_that_cannot_be_sent_is_told(
        self, chief: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def no_server(user: User) -> None:
            raise ConnectionRefusedError

        monkeypatch.setattr(reset_mail, "send_invitation", no_server)

        page = self.invite(chief).content.decode()

        assert "could not be sent" in page
        assert not AuditEvent.objects.filter(action="user.invited").exists()
