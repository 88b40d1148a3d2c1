"""`make test` runs on what production runs on; a plain `pytest` on what a developer has."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from channels.layers import get_channel_layer
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]
PROBE = """
import django; django.setup()
from channels.layers import get_channel_layer
from django.db import connection
connection.ensure_connection()
print(connection.vendor, type(get_channel_layer()).__module__)
"""


@pytest.mark.django_db
class TestServicesOfThisRun:
    def test_the_database_is_the_one_that_was_named(self) -> None:
        named = os.environ["DATABASE_URL"].partition(":")[0] or "sqlite"

        connection.ensure_connection()

        assert connection.vendor == named

    def test_the_channel_layer_is_redis_wherever_one_was_named(self) -> None:
        module = type(get_channel_layer()).__module__

        assert module == ("channels_redis.core" if os.environ["REDIS_URL"] else "channels.layers")


class TestStarter:
    def test_gives_a_command_real_postgresql_and_real_redis(self) -> None:
        program = [sys.executable, "-m", "tests.services", "--without-browser", "--"]
        environment = dict(os.environ, DATABASE_URL="", REDIS_URL="", PYTHONWARNINGS="ignore")

        done = subprocess.run(
            [*program, sys.executable, "-c", PROBE],
            cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=100,
        )  # fmt: skip

        assert done.stdout.split() == ["postgresql", "channels_redis.core"], done.stderr

    def test_ends_with_the_status_of_the_command(self) -> None:
        program = [sys.executable, "-m", "tests.services", "--without-browser", "--"]
        named = dict(os.environ, DATABASE_URL="sqlite:///x", REDIS_URL="redis://127.0.0.1:1")

        done = subprocess.run(
            [*program, sys.executable, "-c", "raise SystemExit(7)"],
            cwd=ROOT, env=named, check=False, timeout=100,
        )  # fmt: skip

        assert done.returncode == 7

    def test_says_what_to_install_when_a_server_is_missing(self) -> None:
        program = [sys.executable, "-m", "tests.services", "--without-browser", "--"]
        empty = dict(
            os.environ, DATABASE_URL="", REDIS_URL="redis://127.0.0.1:1", PG_BIN="/nowhere"
        )
        hidden = "import tests.services as s, sys; s._postgresql_folders = lambda: iter(()); "
        call = "sys.exit(s.main(['--without-browser', '--', 'true']))"

        done = subprocess.run(
            [program[0], "-c", hidden + call],
            cwd=ROOT, env=empty, capture_output=True, text=True, check=False, timeout=100,
        )  # fmt: skip

        assert done.returncode == 1
        assert done.stderr.strip() == (
            "PostgreSQL is missing: apt-get install postgresql postgresql-contrib"
        )
