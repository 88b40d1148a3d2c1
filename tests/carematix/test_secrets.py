"""Secrets stay out of the tree and of the web, and can be changed while the server runs (S74, S75, S77)."""

import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core import signing
from django.core.checks import run_checks
from django.test import Client

from tests.voice.twilio_requests import call_fields, post_signed_as, signature

ROOT = Path(settings.BASE_DIR)
LEFT_OUT = {".venv", ".git", "staticfiles", "media", "node_modules", "__pycache__", ".mypy_cache"}
PATTERNS = {
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "a model key": r"\bsk-(?:proj-|svcacct-|ant-)?[A-Za-z0-9_-]{32,}",
    "an account of Twilio's": r"\b(?:AC|SK)(?!0{8}|0123456789abcdef)[0-9a-f]{32}\b",
    "an AWS key": r"\bAKIA[0-9A-Z]{16}\b",
    "a GitHub token": r"\bgh[pousr]_[A-Za-z0-9]{36}\b",
    "a Slack token": r"\bxox[abprs]-[0-9A-Za-z-]{20,}",
    "a password in an address": r"\b(?:postgres(?:ql)?|rediss?|smtp(?:\+\w+)?)://[^\s:/@{]+:(?!pw@|password@|p%40ss@)[^\s@{]{6,}@",
    "a number that may be somebody's": r"\+1[2-9]\d{2}(?!555)[2-9]\d{6}\b",
}
SAMPLES = re.compile(
    r"0123456789abcdef|f00dfeed|fedcba98|(.)\1{15}|[Ee]xample|only-for|tests-only|django-insecure|q7Zr0VtYw3"
    r"|whsec_AAECAwQF"  # the bytes from 0 on
)
"""What the tests and the documents use as values: a line with one of these holds no secret."""
IN_HISTORY = {
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\\n]+[A-Za-z0-9+/]{40}",
    "a model key": r"\bsk-(?:proj-|svcacct-|ant-)?[A-Za-z0-9_-]{32,}",
    "an account of Twilio's": r"\b(?:AC|SK)[0-9a-f]{32}\b",
    "an AWS key": r"\bAKIA[0-9A-Z]{16}\b",
    "a GitHub token": r"\bgh[pousr]_[A-Za-z0-9]{36}\b",
    "a key of our API": r"\bcmx_[A-Za-z0-9]{8,}_[A-Za-z0-9_-]{40,}",
    "a secret of a webhook": r"\bwhsec_[A-Za-z0-9+/]{24,}",
    "a signing key": r"^\+(?:export )?(?:DJANGO_)?SECRET_KEY=[\"']?[A-Za-z0-9_-]{40,}",
}
NEVER_ADDED = re.compile(
    r"(?:^|/)(?:\.env|id_[rd]sa|.+\.(?:pem|key|p12|sqlite3|jsonl|wav|mp3))$|(?:^|/)transcripts?/"
)
"""Files that no commit may ever have added: secrets, databases, recordings, transcripts."""
PROGRAM = """
import pathlib, sys
from carematix import server
server.serve = lambda listener, supervisor: None
listener = server.socket.socket()
server.main(["--listener", str(listener.detach()), "1"])
pathlib.Path(sys.argv[1]).write_text("made")
"""
TEXT = {
    ".py",
    ".md",
    ".txt",
    ".in",
    ".toml",
    ".html",
    ".js",
    ".json",
    ".css",
    ".ini",
    ".example",
    "",
}


def files() -> list[Path]:
    """Return the text files of the tree that are the project's own."""
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in LEFT_OUT and not name.startswith(".")]
        found += [Path(folder, name) for name in names if Path(name).suffix in TEXT]
    return [file for file in found if file.name != ".env" and "lock" not in file.name]


class TestTheTree:
    @pytest.mark.parametrize("what", PATTERNS)
    def test_s74_holds_no_secret(self, what: str) -> None:
        pattern = re.compile(PATTERNS[what])
        hits = [
            str(file.relative_to(ROOT))
            for file in files()
            if pattern.search(file.read_text(encoding="utf-8", errors="ignore"))
        ]

        assert hits == []

    def test_s74_keeps_what_is_secret_out_of_the_repository(self) -> None:
        ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").split()

        assert {".env", "db.sqlite3*", "media/"} <= set(ignored)


def git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, check=False, timeout=60
    )
    if done.returncode:
        pytest.skip("This copy has no history.")
    return done.stdout.decode("utf-8", errors="ignore")


@pytest.fixture(scope="module")
def added() -> list[str]:
    """Return every line that a commit of this copy added; of a shallow copy, of those that it has."""
    lines = git("log", "-p", "--no-color", "-U0", "--no-textconv", "--no-ext-diff", "HEAD")
    return [line for line in lines.splitlines() if line.startswith("+")]


class TestTheHistory:
    @pytest.mark.parametrize("what", IN_HISTORY)
    def test_s74_holds_no_secret(self, added: list[str], what: str) -> None:
        pattern = re.compile(IN_HISTORY[what])

        hits = [line for line in added if pattern.search(line) and not SAMPLES.search(line)]

        assert len(hits) == 0, f"{len(hits)} lines"  # a hit is not printed

    def test_s74_never_had_a_file_of_secrets_or_transcripts(self) -> None:
        names = git("log", "--format=", "--name-only", "--diff-filter=A", "HEAD").splitlines()

        assert [name for name in names if NEVER_ADDED.search(name)] == []


@pytest.mark.django_db
class TestTheFileOfSecrets:
    @pytest.mark.parametrize(("mode", "told"), [(0o600, False), (0o640, True), (0o644, True)])
    def test_s74_is_for_its_owner_alone(
        self, tmp_path: Path, settings: Any, mode: int, told: bool
    ) -> None:
        settings.BASE_DIR = tmp_path
        file = tmp_path / ".env"
        file.write_text("DEBUG=0\n", encoding="utf-8")
        file.chmod(mode)

        found = {message.id for message in run_checks(include_deployment_checks=True)}

        assert ("carematix.W001" in found) is told


@pytest.mark.django_db
class TestRotation:
    def test_s75_of_the_signing_key_keeps_people_signed_in(self, settings: Any) -> None:
        value = signing.dumps("kept")
        old = settings.SECRET_KEY
        settings.SECRET_KEY = "another key that is long enough for every check of the product"
        settings.SECRET_KEY_FALLBACKS = [old]

        assert signing.loads(value) == "kept"

        settings.SECRET_KEY_FALLBACKS = []
        with pytest.raises(signing.BadSignature):
            signing.loads(value)

    def test_s75_of_twilios_token_loses_no_call(self, settings: Any) -> None:
        old, new = settings.TWILIO_AUTH_TOKEN, "fedcba9876543210fedcba9876543210"
        steps = [((old, ""), (200, 403)), ((old, new), (200, 200)), ((new, ""), (403, 200))]

        for (current, following), expected in steps:
            settings.TWILIO_AUTH_TOKEN, settings.TWILIO_AUTH_TOKEN_NEXT = current, following
            fields = call_fields(CallStatus="ringing")
            answers = [
                post_signed_as("/twilio/voice", fields, signature("/twilio/voice", fields, token))
                for token in (old, new)
            ]
            assert tuple(answer.status_code for answer in answers) == expected


@pytest.mark.django_db
class TestTheWeb:
    @pytest.mark.parametrize(
        "address",
        [
            "/.env", "/.git/config", "/.git/HEAD", "/manage.py", "/carematix/settings.py", "/db.sqlite3",
            "/media/", "/static/", "/static/js/", "/static/../carematix/settings.py",
            "/static/%2e%2e/carematix/settings.py", "/static//etc/passwd", "/static/..%2fmanage.py",
            "/requirements.txt", "/staticfiles/", "/static/staticfiles.json",
        ],
    )  # fmt: skip
    def test_s77_serves_no_source_no_data_and_no_list_of_files(
        self, client: Client, address: str
    ) -> None:
        answer = client.get(address)

        assert answer.status_code in {302, 404} - (
            {302} if address.startswith("/static") else set()
        )

    def test_s77_keeps_recordings_outside_the_static_files(self) -> None:
        static = [Path(settings.STATIC_ROOT), *map(Path, settings.STATICFILES_DIRS)]

        assert not any(folder in Path(settings.MEDIA_ROOT).parents for folder in static)

    def test_s77_the_server_makes_files_for_itself_alone(self, tmp_path: Path) -> None:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", PROGRAM, str(tmp_path / "made")],
            cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
            env=os.environ | {"DJANGO_SETTINGS_MODULE": "carematix.settings"},
        )  # fmt: skip

        assert done.returncode == 0, done.stderr
        assert stat.S_IMODE((tmp_path / "made").stat().st_mode) == 0o600
