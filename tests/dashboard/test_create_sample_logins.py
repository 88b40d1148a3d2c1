"""`manage.py create_sample_logins`."""

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from dashboard.management.commands.create_sample_logins import PASSWORD, TOTP_SECRET
from scheduling.clock import clinic_now
from scheduling.models import Nurse
from scheduling.services import load_clinic
from tests.sign_in import give_password

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _development(settings: Settings) -> None:
    settings.DEBUG = True


class TestCreateSampleLogins:
    def test_makes_one_login_for_each_role_and_links_the_nurse(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        load_clinic(now=clinic_now())

        call_command("create_sample_logins")
        call_command("create_sample_logins")

        assert set(User.objects.values_list("role", flat=True)) == set(User.Role.values)
        assert User.objects.count() == 3
        nurse = Nurse.objects.get(last_name="Reyes")
        assert nurse.user == User.objects.get(username="ana")
        password = capsys.readouterr().out.splitlines()[0].split()[-1].rstrip(":")
        assert User.objects.get(username="sam").check_password(password)

    def test_gives_them_an_app_whose_code_another_command_prints(
        self, client: Client, capsys: pytest.CaptureFixture[str]
    ) -> None:
        load_clinic(now=clinic_now())
        call_command("create_sample_logins")
        printed = capsys.readouterr().out
        call_command("sample_login_code")
        code = capsys.readouterr().out.strip()

        give_password(client, "sam", PASSWORD)
        answer = client.post("/accounts/login/code/", {"code": code})

        assert answer["Location"] == "/"
        assert TOTP_SECRET in printed

    def test_is_refused_in_production(self, settings: Settings) -> None:
        settings.DEBUG = False

        for command in ("create_sample_logins", "sample_login_code"):
            with pytest.raises(CommandError, match="DEBUG=1"):
                call_command(command)

        assert not User.objects.exists()

    def test_asks_for_the_sample_clinic_first(self) -> None:
        with pytest.raises(CommandError, match="load_sample_data"):
            call_command("create_sample_logins")
