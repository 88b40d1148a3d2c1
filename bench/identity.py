"""
Whether the time of a failed check of identity tells why it failed (security reference, S15 and N16).

Every case is tried equally often, in turn, through the helper of a call of its own, several calls at once, with a
wrong PIN. First as callers get it, on a fixed time after the start; then without that time, so that the work itself
is seen. The PIN's hash is of the product's kind with fewer rounds: with all of them the two cores do nothing else.
"""

import argparse
import asyncio
import itertools
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import django
from django.core.management import call_command

from bench import figures, product

DATABASES = ("postgresql", "sqlite")
CASES = (
    "unknown",
    "wrong birth date",
    "wrong PIN",
    "two matches",
    "locked",
    "inactive",
    "deceased",
)
BORN, ANOTHER_DAY = date(1958, 4, 12), date(1958, 4, 13)
PIN, WRONG_PIN = "4711", "4712"
HASH_ROUNDS = 20_000
WORK_SHARE = 0.25  # of the trials is tried again without the fixed time
MOST_DIFFERENCE_MS = 10.0
LIMITS = {
    "LIMIT_IDENTITY_ATTEMPTS_PER_HOUR": "1000000",
    "LIMIT_IDENTITY_ATTEMPTS_PER_NUMBER_DAY": "1000000",
    "LOG_LEVEL": "ERROR",
}


def run(*, database: str, trials: int, at_once: int) -> dict[str, Any]:
    """Make the people, try each case `trials` times with and without the fixed time, and return the medians."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/bench.sqlite3"
        if database == "postgresql":
            url = product.new_database("bench_identity")
        variables = product.environment(url, "ws://127.0.0.1:1/unused") | LIMITS
        os.environ.update(variables)
        django.setup()
        call_command("migrate", verbosity=0)
        return _measured(trials=trials, at_once=at_once)


def _measured(*, trials: int, at_once: int) -> dict[str, Any]:
    from django.conf import settings
    from django.contrib.auth.hashers import PBKDF2PasswordHasher
    from django.db import connection, connections
    from django.test.utils import override_settings

    PBKDF2PasswordHasher.iterations = HASH_ROUNDS
    _add_people(trials)
    fixed_ms = settings.LIMIT_IDENTITY_ANSWER_MS
    found: dict[str, Any] = {"database": connection.vendor, "trials": trials, "at_once": at_once}
    calls = iter(_add_calls(2 * trials * len(CASES)))
    heard = _tried(_trials(trials, calls), at_once, apart_s=fixed_ms / 1000 / at_once)
    found["heard"] = _row(asyncio.run(heard))
    with override_settings(LIMIT_IDENTITY_ANSWER_MS=0):
        work = _tried(_trials(math.ceil(trials * WORK_SHARE), calls), 1, apart_s=0)
        found["work"] = _row(asyncio.run(work))
    connections.close_all()
    return found


def _row(took: dict[str, list[float]]) -> dict[str, float]:
    medians = {case: figures.quantile(times, 0.50) for case, times in took.items()}
    return medians | {"difference": max(medians.values()) - min(medians.values())}


def _add_people(trials: int) -> None:
    """Store a person of their own for each trial, so that no limit of a name is reached but where it is meant."""
    from django.contrib.auth.hashers import make_password

    from scheduling.models import Patient
    from voice.assistant.identity import name_digest
    from voice.models import CallLog, IdentityAttempt

    pin_hash = make_password(PIN)
    people = []
    attempts = []
    call = CallLog.objects.create(call_sid="CA-earlier", account_sid="AC")
    for case, trial in itertools.product(CASES, range(trials)):
        if case == "unknown":
            continue
        first, last = _name(case, trial)
        people += [
            Patient(
                first_name=first,
                last_name=last,
                date_of_birth=BORN,
                pin_hash=pin_hash,
                active=case != "inactive",
                deceased=case == "deceased",
            )
            for _ in range(2 if case == "two matches" else 1)
        ]
        if case == "locked":
            digest = name_digest(f"{first} {last}")
            attempts += [IdentityAttempt(call=call, name_digest=digest) for _ in range(10)]
    for person in people:
        person.save()  # it makes the key of the name
    IdentityAttempt.objects.bulk_create(attempts)


def _name(case: str, trial: int) -> tuple[str, str]:
    return case.title().replace(" ", ""), f"Bench{trial}"


def _add_calls(number: int) -> list[UUID]:
    """Store phone calls, each from a number of its own."""
    from voice.models import CallLog

    calls = [
        CallLog(
            call_sid=f"CA{index}",
            account_sid="AC",
            from_number=f"+1{201 + index // 100}55501{index % 100:02}",
            caller_attested=True,
        )
        for index in range(number)
    ]
    return [call.pk for call in CallLog.objects.bulk_create(calls)]


def _trials(trials: int, calls: Iterator[UUID]) -> Iterator[tuple[str, int, UUID]]:
    """Yield the case, its person and the call, the cases in turn."""
    for trial, case in itertools.product(range(trials), CASES):
        yield case, trial, next(calls)


async def _tried(
    trials: Iterator[tuple[str, int, UUID]], at_once: int, *, apart_s: float
) -> dict[str, list[float]]:
    """Let `at_once` callers work through the trials, begun `apart_s` seconds apart; return the times in ms by case."""
    took: dict[str, list[float]] = {case: [] for case in CASES}

    async def caller(index: int) -> None:
        await asyncio.sleep(index * apart_s)
        for case, person, call in trials:
            took[case].append(await _trial(case, person, call))

    await asyncio.gather(*(caller(index) for index in range(at_once)))
    return took


async def _trial(case: str, person: int, call: UUID) -> float:
    from voice.database_helper import VoiceAgentDatabaseHelper
    from voice.protocol.commands import Evidence

    born = ANOTHER_DAY if case == "wrong birth date" else BORN
    said = {
        "full_name": " ".join(_name(case, person)),
        "date_of_birth": born.isoformat(),
        "calling_for": "self",
        "second_factor": PIN if case == "locked" else WRONG_PIN,
    }
    helper = VoiceAgentDatabaseHelper(call)
    begin = time.perf_counter()
    answer = await helper.run(
        call_id="call_1",
        name="verify_identity",
        arguments=json.dumps(said),
        evidence=Evidence(),
        started_ms=0,
    )
    took = (time.perf_counter() - begin) * 1000
    if '"code":"not_verified"' not in answer.output:
        raise RuntimeError(f"{case}: {answer.output}")
    return took


def _of_each_database(arguments: Sequence[str]) -> int:
    """Run once for each database, each in a process of its own; the status is 0 when all ended well."""
    failed = False
    for database in DATABASES:
        command = [sys.executable, "-m", "bench.identity", "--database", database, *arguments]
        failed = subprocess.run(command, cwd=product.ROOT, check=False).returncode != 0 or failed
    return int(failed)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench.identity", description=__doc__)
    parser.add_argument("--database", choices=DATABASES)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--at-once", type=int, default=8)
    options = parser.parse_args(arguments)
    if options.database is None:
        return _of_each_database(arguments)
    found = run(**vars(options))
    kinds = ("heard", "work")
    rows = [{"median ms": kind} | found[kind] for kind in kinds]
    print(figures.table(rows))
    print(f"{found['database']}, {options.trials} trials a case, {options.at_once} at once")
    print(f"written to {figures.write_results(f'identity-{options.database}', found)}")
    return int(found["heard"]["difference"] > MOST_DIFFERENCE_MS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
