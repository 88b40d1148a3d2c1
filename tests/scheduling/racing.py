"""
What races and crashes share: a database of their own, programs that run on it, and processes that act at once.

A racer is a program that forks its processes from one that has loaded Django and opened no connection.
"""

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings

ROOT = Path(__file__).resolve().parents[2]
SQLITE, POSTGRESQL = "sqlite", "postgresql"
ON_POSTGRESQL = settings.DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql"
DATABASES = [SQLITE, POSTGRESQL] if ON_POSTGRESQL else [SQLITE]
WAIT_SECONDS = 90.0
RUN_SECONDS = 300
END = "end"

Act = Callable[[], Iterable[str]]
"""What one process does; yields a word for how each of its steps ended."""


def variables(address: str, settings_module: str = "tests.settings") -> dict[str, str]:
    """Return the environment of a program that has a database to itself."""
    return dict(os.environ) | {
        "DATABASE_URL": address,
        "DJANGO_SETTINGS_MODULE": settings_module,
        "LOG_LEVEL": "ERROR",
    }


def run(address: str, *arguments: str, settings_module: str = "tests.settings") -> str:
    """Run Python on a database, to its end, and return what it printed."""
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=variables(address, settings_module),
        capture_output=True, text=True, check=False, timeout=RUN_SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@contextmanager
def database(kind: str, name: str, folder: Path, *, template: str = "") -> Iterator[str]:
    """
    Make a database, a file in `folder` or one beside the configured one, and yield its address.

    It is empty, or a copy of the database with the address `template`.
    """
    if kind == SQLITE:
        file = folder / f"{name}.sqlite3"
        if template:
            file.write_bytes(Path(template.removeprefix("sqlite:///")).read_bytes())
        yield f"sqlite:///{file}"
        return
    copied = f" TEMPLATE {template.rpartition('/')[2]}" if template else ""
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name}{copied}")
        try:
            yield os.environ["DATABASE_URL"].rpartition("/")[0] + f"/{name}"
        finally:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def migrated(address: str) -> str:
    """Make the tables of a database; return its address."""
    run(address, "manage.py", "migrate", "-v0")
    return address


def deadlocks(address: str) -> int:
    """Return how many deadlocks PostgreSQL has broken; a process that has ended has handed in its count."""
    name = address.rpartition("/")[2]
    counted = "SELECT deadlocks FROM pg_stat_database WHERE datname = %s"
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        row = connection.execute(counted, [name]).fetchone()
    assert row is not None
    return int(row[0])


def at_once(acts: Sequence[Act]) -> list[str]:
    """Let each act go in a process of its own once all have a connection; return the words of all."""
    # A pool in every process would only cost threads; here each has the one connection that it uses.
    settings.DATABASES["default"].get("OPTIONS", {}).pop("pool", None)
    forking = multiprocessing.get_context("fork")
    barrier, words = forking.Barrier(len(acts)), forking.Queue()
    processes = [forking.Process(target=_act, args=(barrier, words, act)) for act in acts]
    for process in processes:
        process.start()
    heard: list[str] = []
    while heard.count(END) < len(acts):
        heard.append(words.get(timeout=WAIT_SECONDS))
    for process in processes:
        process.join()
    return [word for word in heard if word != END]


def _act(barrier: Any, words: Any, act: Act) -> None:
    from django.db import connection

    try:
        connection.ensure_connection()
        barrier.wait(WAIT_SECONDS)
        for word in act():
            words.put(word)
    except Exception as error:  # noqa: BLE001 - the race must hear of any other end
        words.put(repr(error))
    finally:
        connection.close()
        words.put(END)
