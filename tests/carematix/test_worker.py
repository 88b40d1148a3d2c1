"""The background worker: ending cleanly, steps that do not delay each other, and one pass by command."""

import io
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from carematix.worker import Worker, steps
from scheduling.models import Message
from scheduling.services.sweeps import Step
from tests.factories import NOW
from tests.twilio_rest import TwilioRest

ROOT = Path(__file__).resolve().parents[2]
WAIT_S = 60
PREPARE = """
import django; django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from scheduling.models import Message
from tests.factories import NOW
Message.objects.create(channel="sms", kind="reply", to="+12025550123", body="Clinic: thank you.", due_at=NOW)
"""
LOOK = """
import django; django.setup()
from scheduling.models import Message
print(*Message.objects.values_list("status", flat=True))
"""


@pytest.fixture
def twilio() -> Iterator[TwilioRest]:
    with TwilioRest() as rest:
        yield rest


def variables_for(rest: TwilioRest, folder: Path) -> dict[str, str]:
    return dict(os.environ) | {
        "DATABASE_URL": f"sqlite:///{folder / 'worker.sqlite3'}",
        "DJANGO_SETTINGS_MODULE": "carematix.settings",
        "TWILIO_API_BASE_URL": rest.url,
        "LOG_LEVEL": "INFO",
    }


def run(variables: dict[str, str], program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT, env=variables, capture_output=True, text=True, check=False, timeout=90,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class TestWorkerProcess:
    def test_finishes_on_sigterm_what_it_has_in_hand(
        self, twilio: TwilioRest, tmp_path: Path
    ) -> None:
        asked, told = threading.Event(), threading.Event()

        def answer_once_told(number: str) -> None:
            asked.set()
            told.wait(WAIT_S)

        twilio.answer = answer_once_told
        variables = variables_for(twilio, tmp_path)
        run(variables, PREPARE)
        command = [sys.executable, "-m", "carematix.worker"]
        with subprocess.Popen(
            command, cwd=ROOT, env=variables, text=True, stderr=subprocess.PIPE
        ) as worker:
            assert asked.wait(WAIT_S)
            worker.send_signal(signal.SIGTERM)
            told.set()
            _, written = worker.communicate(timeout=WAIT_S)

        assert worker.returncode == 0
        assert run(variables, LOOK) == "sent"
        assert twilio.recipients() == {"+12025550123": 1}
        assert "carematix.worker.stopped" in written
        assert "+1202555" not in written
        assert "thank you" not in written


class TestWorker:
    def test_lets_no_step_wait_for_one_that_hangs_or_fails(self) -> None:
        release, often = threading.Event(), threading.Event()
        rounds = 0

        def hang(*, now: datetime) -> int:
            release.wait(WAIT_S)
            return 0

        def fail(*, now: datetime) -> int:
            raise RuntimeError

        def work(*, now: datetime) -> int:
            nonlocal rounds
            rounds += 1
            if rounds == 5:
                often.set()
            return 1

        worker = Worker([Step("hang", hang), Step("fail", fail), Step("work", work)])
        running = threading.Thread(target=worker.run)
        running.start()

        assert often.wait(WAIT_S)
        worker.stop()
        release.set()
        running.join(WAIT_S)
        assert not running.is_alive()

    def test_runs_the_steps_of_all_apps(self) -> None:
        names = [step.name for step in steps()]

        assert {"texts", "mails", "lost_messages", "holds", "outcomes", "lost_calls"} <= set(names)
        assert len(names) == len(set(names))


@pytest.mark.django_db
class TestSweep:
    def test_does_everything_that_is_due_once(self, settings: Settings, twilio: TwilioRest) -> None:
        for number in range(3):
            Message.objects.create(
                channel="sms", kind="reply", to=f"+1202555011{number}", body="x", due_at=NOW
            )
        settings.TWILIO_API_BASE_URL = twilio.url
        written = io.StringIO()

        call_command("sweep", stdout=written)

        assert "texts: 3" in written.getvalue()
        assert len(twilio.recipients()) == 3

    def test_goes_on_after_a_step_that_fails_and_says_so(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*, now: datetime) -> int:
            raise RuntimeError

        def work(*, now: datetime) -> int:
            return 0

        chosen = (Step("bad", fail), Step("good", work))
        monkeypatch.setattr("carematix.management.commands.sweep.steps", lambda: chosen)
        written = io.StringIO()

        with pytest.raises(CommandError, match="bad"):
            call_command("sweep", stdout=written)

        assert "good: 0" in written.getvalue()
