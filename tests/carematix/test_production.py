"""Production refuses to start with a fault, names each one and no value (S73, S10, S57, S77)."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.checks import run_checks

from accounts.models import User
from carematix.checks import FLOOR, floor, release
from dashboard.management.commands.create_sample_logins import PASSWORD as SAMPLE_PASSWORD
from tests.dashboard.rows import make_nurse
from tests.settings import _listed

ROOT = Path(settings.BASE_DIR)
KEY = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
CORRECT = {
    "DEBUG": "0",
    "SECRET_KEY": "q7Zr0VtYw3-Lk9PdXc5_Bn1HsGf8JmUe2TaQoRi6Cx4WzNyD",
    "ALLOWED_HOSTS": "clinic.example,127.0.0.1",
    "PUBLIC_BASE_URL": "https://clinic.example",
    "TWILIO_ACCOUNT_SID": "AC" + "0123456789abcdef" * 2,
    "TWILIO_AUTH_TOKEN": "f00dfeedf00dfeedf00dfeedf00dfeed",
    "TWILIO_PHONE_NUMBER": "+12025550199",
    "OPENAI_API_KEY": "model-key-of-the-clinic",
    "OPENAI_BAA_IN_PLACE": "1",
    "AUDIT_KEYS": KEY,
    "RECORDING_KEYS": KEY,
}
CORRECT["SECRET_KEY"] += "vK5b"
BROKEN = {
    "no key": ({"SECRET_KEY": ""}, "SECRET_KEY"),
    "short key": ({"SECRET_KEY": "q7Zr0VtYw3-Lk9PdXc5"}, "SECRET_KEY"),
    "dull key": ({"SECRET_KEY": "ab" * 40}, "SECRET_KEY"),
    "Django's key": ({"SECRET_KEY": "django-insecure-" + CORRECT["SECRET_KEY"]}, "SECRET_KEY"),
    "weak old key": ({"SECRET_KEY_FALLBACKS": "old"}, "SECRET_KEY_FALLBACKS"),
    "no host": ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS"),
    "any host": ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS"),
    "no address": ({"PUBLIC_BASE_URL": ""}, "PUBLIC_BASE_URL"),
    "plain address": ({"PUBLIC_BASE_URL": "http://clinic.example"}, "PUBLIC_BASE_URL"),
    "other host": ({"PUBLIC_BASE_URL": "https://elsewhere.example"}, "ALLOWED_HOSTS"),
    "no carrier token": ({"TWILIO_AUTH_TOKEN": ""}, "TWILIO_AUTH_TOKEN"),
    "no model key": ({"OPENAI_API_KEY": ""}, "OPENAI_API_KEY"),
    "no agreement": ({"OPENAI_BAA_IN_PLACE": "0"}, "OPENAI_BAA_IN_PLACE"),
    "no audit key": ({"AUDIT_KEYS": ""}, "AUDIT_KEYS"),
    "no recording key": ({"RECORDING_KEYS": ""}, "RECORDING_KEYS"),
    "no database": ({"DATABASE_URL": ""}, "DATABASE_URL"),
    "stand-in": ({"ASSISTANT": "standin"}, "ASSISTANT"),
    "stopped clock": ({"CAREMATIX_NOW": "2026-03-05T10:00:00-05:00"}, "CAREMATIX_NOW"),
    "receivers on this machine": ({"WEBHOOK_LOCAL_HOSTS": "127.0.0.1"}, "WEBHOOK_LOCAL_HOSTS"),
    "plain model": ({"OPENAI_REALTIME_URL": "ws://model.example/v1"}, "OPENAI_REALTIME_URL"),
    "plain carrier": ({"TWILIO_API_BASE_URL": "http://api.example"}, "TWILIO_API_BASE_URL"),
    "open Redis": ({"REDIS_URL": "redis://redis.example:6379/0"}, "REDIS_URL"),
    "Redis without TLS": ({"REDIS_URL": "redis://:pw@redis.example:6379/0"}, "REDIS_URL"),
    "Redis without password": ({"REDIS_URL": "rediss://redis.example:6379/0"}, "REDIS_URL"),
    "recordings among the static files": (
        {"MEDIA_ROOT": str(ROOT / "static" / "media")},
        "MEDIA_ROOT",
    ),
}
IMPORT = ("-c", "import carematix.asgi")
CHECK = ("manage.py", "check", "--deploy", "--fail-level", "WARNING")


def run(
    changes: dict[str, str], *arguments: str, database: Path
) -> "subprocess.CompletedProcess[str]":
    given = dict.fromkeys(_listed(), "") | CORRECT | {"DATABASE_URL": f"sqlite:///{database}"}
    environment = os.environ | given | changes | {"DJANGO_SETTINGS_MODULE": "carematix.settings"}
    return subprocess.run(
        [sys.executable, "-W", "ignore", *arguments],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database file that is migrated and empty."""
    file = tmp_path_factory.mktemp("production") / "db.sqlite3"
    done = run({}, "manage.py", "migrate", "-v0", database=file)
    assert done.returncode == 0, done.stderr
    return file


class TestACorrectEnvironment:
    def test_s73_passes_every_check(self, migrated: Path) -> None:
        done = run({}, *CHECK, database=migrated)

        assert done.returncode == 0, done.stderr

    def test_s73_starts(self, migrated: Path) -> None:
        done = run({}, *IMPORT, database=migrated)

        assert done.returncode == 0, done.stderr

    def test_s57_may_use_redis_on_this_machine_or_far_away_with_tls_and_password(
        self, migrated: Path
    ) -> None:
        for address in ("redis://127.0.0.1:6379/0", "rediss://:pw@redis.example:6379/0"):
            assert run({"REDIS_URL": address}, *IMPORT, database=migrated).returncode == 0


class TestABrokenEnvironment:
    @pytest.mark.parametrize("name", BROKEN)
    def test_s73_stops_the_import_and_the_check_and_is_named_without_a_value(
        self, migrated: Path, name: str
    ) -> None:
        changes, variable = BROKEN[name]

        for arguments in (IMPORT, CHECK):
            done = run(changes, *arguments, database=migrated)
            assert done.returncode != 0, arguments
            assert variable in done.stderr
            for value in changes.values():
                assert len(value) < 4 or value not in done.stderr

    def test_s73_is_told_as_a_whole(self, migrated: Path) -> None:
        done = run(
            {"SECRET_KEY": "", "AUDIT_KEYS": "", "ALLOWED_HOSTS": ""}, *IMPORT, database=migrated
        )

        for variable in ("SECRET_KEY", "AUDIT_KEYS", "ALLOWED_HOSTS"):
            assert variable in done.stderr

    @pytest.mark.parametrize("program", ["carematix.server", "carematix.worker"])
    def test_s73_stops_server_and_worker_with_one_line_a_fault(
        self, migrated: Path, program: str
    ) -> None:
        done = run({"AUDIT_KEYS": ""}, "-m", program, database=migrated)

        assert done.returncode == 1
        assert done.stderr.splitlines() == [
            "Carematix does not start in production:",
            "AUDIT_KEYS is missing.",
        ]

    def test_s73_a_database_that_is_not_migrated_is_named(self, tmp_path: Path) -> None:
        done = run({}, *CHECK, database=tmp_path / "empty.sqlite3")

        assert done.returncode != 0
        assert "carematix.E004" in done.stderr


@pytest.mark.django_db
class TestAClinicsData:
    def found(self) -> set[str]:
        return {
            str(message.id)
            for message in run_checks(include_deployment_checks=True)
            if str(message.id).startswith("carematix.")
        }

    def test_s73_is_fine_when_it_is_real(self) -> None:
        make_nurse()
        User.objects.create_user("robin", password="seven quiet herons wade", is_staff=True)

        assert self.found() == set()

    def test_s73_must_not_be_the_sample(self) -> None:
        make_nurse(sample=True)

        assert self.found() == {"carematix.E002"}

    @pytest.mark.parametrize(
        ("password", "fields"),
        [(SAMPLE_PASSWORD, {}), ("boss", {"is_staff": True}), ("admin", {"is_superuser": True})],
    )
    def test_s73_must_not_be_open_to_a_default_password(self, password: str, fields: Any) -> None:
        User.objects.create_user("boss", password=password, **fields)

        assert self.found() == {"carematix.E003"}


class TestThePackages:
    @pytest.mark.parametrize("lock", ["requirements.txt", "requirements-dev.txt"])
    def test_s76_are_locked_with_hashes_at_or_above_the_floor(self, lock: str) -> None:
        lines = (ROOT / lock).read_text(encoding="utf-8").split("\n")
        locked = [
            line.split(" ")[0].split("==") for line in lines if "==" in line and line[0] != " "
        ]
        lowest = floor(FLOOR.read_text(encoding="utf-8"))

        text = (ROOT / lock).read_text(encoding="utf-8")
        assert all(f"{name}=={version}" in text for name, version in locked)
        assert text.count("--hash=sha256:") >= len(locked)
        assert lowest.keys() <= {name for name, _ in locked}
        for name, version in locked:
            assert release(version) >= lowest.get(name, ()), name

    def test_s72_are_checked_at_every_start(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("carematix.checks.version", lambda name: "4.2.1")

        assert "A later release of daphne is needed." in {
            m.msg for m in run_checks(tags=["security"])
        }
