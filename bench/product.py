"""The product as it runs in production, for a bench: PostgreSQL, Redis, the real server, one core."""

import os
import secrets
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from bench import peers
from tests.services import free_port

ROOT = Path(__file__).resolve().parent.parent
ENDING_SECONDS = 20
READY_SECONDS = 60
MANY = "100000"


def on_core(core: int, command: Sequence[str]) -> list[str]:
    """Return the command bound to a core, where the machine has `taskset` and more than one."""
    bound = shutil.which("taskset") and core < (os.cpu_count() or 1)
    return ["taskset", "-c", str(core), *command] if bound else list(command)


def new_database(name: str) -> str:
    """
    Make an empty database beside the one that DATABASE_URL names and return its address.

    Raises:
        RuntimeError: DATABASE_URL names no PostgreSQL; `make bench` does.
    """
    given = os.environ.get("DATABASE_URL", "")
    if not given.startswith("postgres"):
        raise RuntimeError("The benches need PostgreSQL: run them with `make bench`.")
    with psycopg.connect(given, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"')
    return given.rpartition("/")[0] + "/" + name


def environment(database_url: str, model_url: str) -> dict[str, str]:
    """Return production-like variables; only the limits on calls per minute are out of the way."""
    ours = {
        "DEBUG": "0",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "ALLOWED_HOSTS": f"127.0.0.1,localhost,{urlsplit(peers.PUBLIC_BASE_URL).hostname}",
        "PUBLIC_BASE_URL": peers.PUBLIC_BASE_URL,
        "DATABASE_URL": database_url,
        "AUDIT_KEYS": "bench:" + b64encode(bytes(32)).decode(),
        "RECORDING_KEYS": "bench:" + b64encode(bytes(32)).decode(),
        "OPENAI_BAA_IN_PLACE": "1",
        "ASSISTANT": "openai",
        "OPENAI_API_KEY": "bench",
        "OPENAI_REALTIME_URL": model_url,
        "OPENAI_REALTIME_AUTH": "none",
        "TWILIO_ACCOUNT_SID": peers.ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": peers.AUTH_TOKEN,
        "TWILIO_PHONE_NUMBER": peers.OUR_NUMBER,
        "MAX_CONCURRENT_CALLS": "500",
        "LIMIT_STREAMS_WITHOUT_START": "500",
        "CAREMATIX_NOW": "",
        "LOG_LEVEL": "WARNING",
        "WORKERS": "1",
        "DJANGO_SETTINGS_MODULE": "carematix.settings",
    }
    return dict(os.environ) | ours


def prepare(variables: dict[str, str]) -> None:
    """Migrate the bench's database and load the sample clinic."""
    for step in (("migrate", "-v0"), ("load_sample_data",)):
        command = [sys.executable, "manage.py", *step]
        loading = variables | {"DEBUG": "1"}
        subprocess.run(command, cwd=ROOT, env=loading, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def server(variables: dict[str, str], *, pinned: bool = True) -> Iterator[tuple[int, int]]:
    """Run the server, if `pinned` on the first core alone; yield its port and process id once it answers."""
    port = free_port()
    command = [sys.executable, "-m", "carematix.server"]
    command = on_core(0, command) if pinned else command
    listening = variables | {"HOST": "127.0.0.1", "PORT": str(port)}
    with running(command, listening, port) as pid:
        yield port, pid


@contextmanager
def running(command: Sequence[str], variables: Mapping[str, str], port: int) -> Iterator[int]:
    """Run a server that listens there; yield its process id once it answers, and end it in the end."""
    process = subprocess.Popen(command, cwd=ROOT, env=variables, stdout=subprocess.DEVNULL)
    try:
        give_up = time.monotonic() + READY_SECONDS
        while not answers(port):
            if process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError("the server does not answer")
            time.sleep(0.1)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def answers(port: int) -> bool:
    """Tell whether an HTTP server answers there, with whatever status."""
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/health/live", timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True
