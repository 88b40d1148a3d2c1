"""Workers are killed in the middle of five hundred texts: none goes out twice, none is lost unseen (R10)."""

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.scheduling import racing
from tests.twilio_rest import TwilioRest

MESSAGES, KILLS, WORKERS = 500, 14, 2
PATIENCE_S = 60
PREPARE = """
import django; django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from tests.factories import NOW
from scheduling.models import Message
Message.objects.bulk_create(
    Message(channel="sms", kind="reply", to=f"+1202556{{number:04d}}", body="Clinic: thank you.", due_at=NOW)
    for number in range({messages})
)
"""
GIVE_UP_AND_COUNT = """
import django; django.setup()
from datetime import timedelta
from django.utils import timezone
from scheduling.models import Message, StaffTask
from scheduling.services.delivery import deliver_next, resolve_lost
later = timezone.now() + timedelta(hours=1)
unfinished = Message.objects.filter(status__in=["pending", "sending"])
while unfinished.exists():  # PostgreSQL may take a moment to see that the holder of a lock is dead
    deliver_next(channel="sms", now=later, clinic_now=later)
    resolve_lost(now=later, clinic_now=later)
for number, status in Message.objects.values_list("to", "status"):
    print(number, status)
for number in StaffTask.objects.filter(kind="undelivered").values_list("callback_number", flat=True):
    print(number, "task")
"""


def run(variables: dict[str, str], *arguments: str) -> str:
    """Run Python with arguments to its end and return what it printed."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=racing.ROOT, env=variables, capture_output=True, text=True, check=False, timeout=90,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


class Crew:
    """Worker processes that can be killed as a machine's failure kills them."""

    def __init__(self, program: "subprocess.Popen[str]") -> None:
        self._program = program
        self._workers: list[int] = []

    def hire(self) -> None:
        """Start one more worker."""
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        self._program.stdin.write("start\n")
        self._program.stdin.flush()
        self._workers.append(int(self._program.stdout.readline()))

    def kill(self) -> None:
        """Kill the worker that is there longest, with no chance to tidy up."""
        with suppress(ProcessLookupError):
            os.kill(self._workers.pop(0), signal.SIGKILL)

    def kill_all(self) -> None:
        while self._workers:
            self.kill()


@contextmanager
def crew(variables: dict[str, str]) -> Iterator[Crew]:
    command = [sys.executable, "-m", "tests.scheduling.dying_worker"]
    with subprocess.Popen(
        command,
        cwd=racing.ROOT,
        env=variables,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as program:
        workers = Crew(program)
        try:
            yield workers
        finally:
            workers.kill_all()


def deliver_among_crashes(
    address: str, rest: TwilioRest, chance: random.Random
) -> tuple[dict[str, str], Counter[str]]:
    """Kill workers at random moments of the delivery; return how each text ended, and the tasks of each number."""
    variables = racing.variables(address, "carematix.settings") | {
        "TWILIO_API_BASE_URL": rest.url,
        "DATABASE_POOL_MIN": "1",
        "DATABASE_POOL_MAX": "10",
    }
    run(variables, "-c", PREPARE.format(messages=MESSAGES))
    with crew(variables) as workers:
        for _ in range(WORKERS):
            workers.hire()
        for _ in range(KILLS):
            for _ in range(chance.randint(1, MESSAGES // KILLS // 2)):
                assert rest.arrived.acquire(timeout=PATIENCE_S)
            workers.kill()
            workers.hire()
    ends: dict[str, str] = {}
    tasks: Counter[str] = Counter()
    for line in run(variables, "-c", GIVE_UP_AND_COUNT).splitlines():
        number, _, word = line.partition(" ")
        if word == "task":
            tasks[number] += 1
        else:
            ends[number] = word
    return ends, tasks


def assert_nothing_doubled_or_lost(address: str) -> None:
    with TwilioRest() as rest:
        ends, tasks = deliver_among_crashes(address, rest, random.Random(7))
        sent = rest.recipients()

    unresolved = {number for number, end in ends.items() if end == "unresolved"}
    assert rest.violations == []
    assert len(ends) == MESSAGES
    assert Counter(ends.values()).keys() <= {"sent", "unresolved"}
    assert max(sent.values()) == 1
    assert {number for number, end in ends.items() if end == "sent"} <= set(sent)
    assert tasks == dict.fromkeys(unresolved, 1)
    in_hand = 4  # a worker has as many threads for texts
    assert 0 < len(unresolved) <= in_hand * (KILLS + WORKERS)


@pytest.mark.timeout(300)  # some fifteen seconds on an idle machine, but it starts many processes
@pytest.mark.parametrize("kind", racing.DATABASES)
class TestWorkersThatAreKilled:
    def test_send_each_text_once_or_show_it_to_staff(self, kind: str, tmp_path: Path) -> None:
        with racing.database(kind, "crashes", tmp_path) as address:
            assert_nothing_doubled_or_lost(address)
