"""A worker is killed in the middle of an import: nothing is stored, and another one does it whole (S68)."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.scheduling import racing

SETTINGS = "carematix.settings"
ROWS = 2_000
PROGRAM = [sys.executable, "-m", "tests.scheduling.dying_import"]
PREPARE = """
import django; django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from scheduling import services
from accounts.models import User
lines = ["reference_number,first_name,date_of_birth"]
lines += [f"R{{number}},Ana,1970-01-02" for number in range({rows})]
user = User.objects.create(username="chief")
services.upload_import(kind="patients", content="\\n".join(lines).encode(), user_id=user.pk)
"""
ACCEPT = """
import django; django.setup()
from django.utils import timezone
from scheduling import services
from scheduling.models import DataImport
record = DataImport.objects.get()
services.accept_import(
    import_id=record.pk, digest=record.digest, user_id=record.created_by_id, now=timezone.now()
)
"""
LOOK = """
import django; django.setup()
from scheduling.models import DataImport, Patient
record = DataImport.objects.get()
print(record.status, record.rows_done > 0, len(record.content) > 0, Patient.objects.count())
"""


def run(address: str, *arguments: str) -> str:
    """Run Python with arguments, as the product itself is set up, and return what it printed."""
    return racing.run(address, *arguments, settings_module=SETTINGS)


def kill_in_the_middle_of(step: str, address: str) -> None:
    """Start a worker, wait until it is in the middle, and kill it with no chance to tidy up."""
    with subprocess.Popen(
        [*PROGRAM, step], cwd=racing.ROOT, env=racing.variables(address, SETTINGS), text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as worker:  # fmt: skip
        assert worker.stdout is not None
        assert worker.stdout.readline() == "here\n"
        worker.kill()


def assert_nothing_is_half_done(address: str) -> None:
    run(address, "-c", PREPARE.format(rows=ROWS))

    kill_in_the_middle_of("check", address)
    seen = [run(address, "-c", LOOK), run(address, *PROGRAM[1:], "resume")]
    run(address, "-c", ACCEPT)
    kill_in_the_middle_of("apply", address)
    seen += [run(address, "-c", LOOK), run(address, *PROGRAM[1:], "resume")]
    seen += [run(address, "-c", LOOK)]

    assert seen == [
        "checking True True 0",
        "checked 0",
        "applying True True 0",
        f"done {ROWS}",
        f"done True False {ROWS}",
    ]


@pytest.mark.timeout(300)  # nine processes, each of which loads Django
@pytest.mark.parametrize("kind", racing.DATABASES)
class TestAnImportWhoseWorkerIsKilled:
    def test_leaves_nothing_and_is_done_whole_by_the_next(self, kind: str, tmp_path: Path) -> None:
        with racing.database(kind, "imports", tmp_path) as address:
            assert_nothing_is_half_done(address)
