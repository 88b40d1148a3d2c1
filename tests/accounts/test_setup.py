"""`manage.py setup` and what it calls."""

import io
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command

from accounts import services
from accounts.exceptions import UsernameTaken
from accounts.models import AuditEvent, User
from tests.dashboard.rows import make_user

pytestmark = pytest.mark.django_db
PASSWORD = "nine loud otters run"


def run_setup(**options: Any) -> str:
    output = io.StringIO()
    call_command("setup", stdout=output, no_input=True, **options)
    return output.getvalue()


class TestSetup:
    def test_makes_an_administrator_with_the_password_of_the_environment(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SETUP_PASSWORD", PASSWORD)

        run_setup(username="chief", email="chief@example.org")

        user = User.objects.get()
        assert (user.username, user.email, user.role) == ("chief", "chief@example.org", "admin")
        assert user.is_staff
        assert user.is_superuser
        assert user.check_password(PASSWORD)

    def test_can_be_repeated(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SETUP_PASSWORD", PASSWORD)
        run_setup(username="chief", email="chief@example.org")
        monkeypatch.setenv("SETUP_PASSWORD", "another one entirely")

        said = run_setup(username="chief", email="other@example.org")

        user = User.objects.get()
        assert "is there already" in said
        assert user.check_password(PASSWORD)
        assert user.email == "chief@example.org"

    def test_needs_no_name_once_there_is_an_administrator(self) -> None:
        make_user("chief", "admin", is_superuser=True)

        assert "The administrator chief is there already." in run_setup()

    def test_says_what_is_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("SETUP_PASSWORD", raising=False)
        with pytest.raises(CommandError, match="--username and --email"):
            run_setup()
        with pytest.raises(CommandError, match="SETUP_PASSWORD"):
            run_setup(username="chief", email="chief@example.org")

    def test_refuses_a_weak_password_without_repeating_it(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SETUP_PASSWORD", "hunter2")

        with pytest.raises(CommandError) as refusal:
            run_setup(username="chief", email="chief@example.org")

        assert "hunter2" not in str(refusal.value)
        assert not User.objects.exists()


class TestCreateAdministrator:
    def test_refuses_a_name_that_is_taken_in_any_spelling(self) -> None:
        make_user("chief")

        with pytest.raises(UsernameTaken):
            services.create_administrator(
                username="Chief", email="c@example.org", password=PASSWORD
            )

    def test_refuses_an_address_that_is_none(self) -> None:
        with pytest.raises(ValidationError):
            services.create_administrator(username="chief", email="chief", password=PASSWORD)

    def test_is_recorded_s46(self) -> None:
        user = services.create_administrator(
            username="chief", email="c@example.org", password=PASSWORD
        )

        event = AuditEvent.objects.get(action="user.created")
        assert event.object_id == str(user.pk)
