"""One running server, as `make serve` starts it, takes twenty calls at once on PostgreSQL and Redis."""

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.e2e import many_callers
from tests.services import free_port, services
from voice.standin.caller import Account, CallRecord, PhoneCall, known_lines
from voice.standin.transports import NetworkTransport

ROOT = Path(__file__).resolve().parents[2]
BASE_URL = "https://many.example"
ACCOUNT_SID = "AC" + "e" * 32
AUTH_TOKEN = "e" * 32
OUR_NUMBER = "+12025550199"
BLOCKED = 0
"""The caller whose nurse's row another transaction holds."""
HELD_SECONDS = 3.0
GIVE_UP_SECONDS = 240


@dataclass(frozen=True, slots=True)
class Place:
    """Where the server of this test runs, and on which database."""

    port: int
    database_url: str
    variables: dict[str, str]

    def clinic(self, task: str) -> str:
        """Run `many_callers_clinic` against the server's database."""
        done = subprocess.run(
            [sys.executable, "-m", "tests.e2e.many_callers_clinic", task],
            cwd=ROOT, env=self.variables, check=True, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        return done.stdout


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with ExitStack() as stack:
        given = dict(os.environ)
        if not given.get("DATABASE_URL", "").startswith("postgres"):
            given["DATABASE_URL"] = given["REDIS_URL"] = ""
        given |= stack.enter_context(services(given, browser=False))
        name = f"many_calls_{os.getpid()}"
        with psycopg.connect(given["DATABASE_URL"], autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        port, model_port = free_port(), free_port()
        variables = given | {
            "DATABASE_URL": given["DATABASE_URL"].rpartition("/")[0] + "/" + name,
            "DEBUG": "1",
            "DJANGO_SETTINGS_MODULE": "carematix.settings",
            "PUBLIC_BASE_URL": BASE_URL,
            "ALLOWED_HOSTS": "127.0.0.1",
            "ASSISTANT": "openai",
            "OPENAI_API_KEY": "stand-in",
            "OPENAI_REALTIME_URL": f"ws://127.0.0.1:{model_port}/v1/realtime",
            "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
            "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
            "TWILIO_PHONE_NUMBER": OUR_NUMBER,
            "LOG_LEVEL": "WARNING",
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "WORKERS": "1",
        }
        place = Place(port, variables["DATABASE_URL"], variables)
        place.clinic("fill")
        programs = (["tests.e2e.many_callers", str(model_port)], ["carematix.server"])
        for program in programs:
            process = subprocess.Popen([sys.executable, "-m", *program], cwd=ROOT, env=variables)
            stack.callback(process.wait)
            stack.callback(process.kill)
        _wait_for(port)
        yield place


def _wait_for(port: int) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/accounts/login/", timeout=5).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise AssertionError("the server did not start")


def hold_nurse(database_url: str, name: str, ready: threading.Event) -> None:
    """Hold a nurse's row until a call has waited for it `HELD_SECONDS` long."""
    with (
        psycopg.connect(database_url) as holder,
        psycopg.connect(database_url, autocommit=True) as eye,
    ):
        holder.execute(
            "SELECT id FROM scheduling_nurse WHERE last_name = %s FOR UPDATE", [name.split()[1]]
        )
        ready.set()
        give_up = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < give_up:
            waiting = eye.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))",
                [holder.info.backend_pid],
            ).fetchone()
            if waiting and waiting[0]:
                time.sleep(HELD_SECONDS)
                return
            time.sleep(0.05)


async def place_calls(place: Place) -> list[CallRecord]:
    """Let everybody phone within two seconds and return the records of the calls."""
    account = Account(ACCOUNT_SID, AUTH_TOKEN, OUR_NUMBER, BASE_URL)

    async def phone(index: int) -> CallRecord:
        await asyncio.sleep(index * 0.1)
        scenario = many_callers.scenario(index)
        return await PhoneCall(
            scenario=scenario,
            account=account,
            transport=NetworkTransport(f"http://127.0.0.1:{place.port}"),
            recognition=known_lines(scenario, follow=False),
        ).place()

    async with asyncio.timeout(GIVE_UP_SECONDS):
        return await asyncio.gather(*(phone(index) for index in range(many_callers.CALLERS)))


@pytest.mark.timeout(2 * GIVE_UP_SECONDS)
async def test_twenty_callers_at_once_each_book_a_visit_and_none_waits_for_anothers_tool(
    place: Place,
) -> None:
    ready = threading.Event()
    blocked = many_callers.nurse_name(BLOCKED)
    holding = asyncio.to_thread(hold_nurse, place.database_url, blocked, ready)
    holder = asyncio.create_task(holding)
    await asyncio.to_thread(ready.wait)

    records = await place_calls(place)
    await holder

    for record in records:
        assert not record.faults
        assert not record.violations
        assert not record.stuck
    left: dict[str, Any] = json.loads(await asyncio.to_thread(place.clinic, "report"))
    people = range(many_callers.CALLERS)
    wanted = [[many_callers.patient_name(i), many_callers.nurse_name(i)] for i in people]
    assert sorted(left["visits"]) == sorted(wanted)
    assert left["outcomes"] == ["booked"] * many_callers.CALLERS
    assert left["statuses"] == ["completed"] * many_callers.CALLERS
    waited = dict.fromkeys(map(many_callers.number, people), 0)
    for who, _, _, milliseconds in left["tools"]:
        waited[who] = max(waited[who], milliseconds)
    longest = waited.pop(many_callers.number(BLOCKED))
    assert longest >= HELD_SECONDS * 1000 - 100
    assert max(waited.values()) < HELD_SECONDS * 1000
