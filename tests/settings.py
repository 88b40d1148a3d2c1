"""
The product's settings for tests: a fixed environment, then `carematix.settings` as it is.

A developer's `.env` must not decide what a test sees, so every variable that `.env.example` lists is set here,
to the value below or to nothing. Only the variables of `GIVEN` may come from outside: `tests.services` sets them.
"""

import atexit
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
GIVEN = {"CAREMATIX_NOW", "DATABASE_URL", "LOG_LEVEL", "REDIS_URL"}
FIXED = {
    "DEBUG": "1",
    "SECRET_KEY": "tests-only-and-long-enough-for-every-check-of-the-product",
    "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1,clinic.example",
    "PUBLIC_BASE_URL": "https://clinic.example",
    "ASSISTANT": "standin",
    "TWILIO_ACCOUNT_SID": "AC" + "0123456789abcdef" * 2,
    "TWILIO_AUTH_TOKEN": "0123456789abcdef0123456789abcdef",
    "TWILIO_PHONE_NUMBER": "+12025550199",
}


def _listed() -> set[str]:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    return set(re.findall(r"(?m)^([A-Z][A-Z0-9_]+)=", text))


def _prepare_environment() -> None:
    for name in _listed() - GIVEN:
        os.environ[name] = FIXED.get(name, "")
    for name in GIVEN:
        os.environ.setdefault(name, "")
    os.environ.update(FIXED)


_prepare_environment()

from carematix.settings import *  # noqa: E402, F403 - Django reads names of a module, so they are copied
from carematix.settings import DATABASES  # noqa: E402

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # tests log in often


def _use_a_database_file(database: dict[str, Any]) -> None:
    """Threads of one test must share the data, which SQLite's shared memory does without waiting for locks."""
    folder = Path(tempfile.mkdtemp(prefix="carematix-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    database["TEST"] = {"NAME": str(folder / "test.sqlite3")}


if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    _use_a_database_file(DATABASES["default"])
