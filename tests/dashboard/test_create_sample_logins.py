"""`manage.py create_sample_logins`."""

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from scheduling.clock import clinic_now
from scheduling.models import Nurse
from scheduling.services import load_clinic

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
        assert Client().login(username="sam", password=password)

    def test_is_refused_in_production(self, settings: Settings) -> None:
        settings.DEBUG = False

        with pytest.raises(CommandError, match="DEBUG=1"):
            call_command("create_sample_logins")

        assert not User.objects.exists()

    def test_asks_for_the_sample_clinic_first(self) -> None:
        with pytest.raises(CommandError, match="load_sample_data"):
            call_command("create_sample_logins")
