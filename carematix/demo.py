"""
What `make demo` runs: a fresh clinic on SQLite, the real server, and one patient's call that books a visit.

    PORT=8000 ONCE=1 python -m carematix.demo

No key and no account is needed: the stand-ins of `voice.standin` take Twilio's and OpenAI's places, and the secrets
that sign the call are made up for this run. With ONCE=1 it ends with the call's status, else it serves on.
"""

import http.client
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from carematix.env import Environment

ROOT = Path(__file__).resolve().parent.parent
WORKER_LOG = ROOT / "demo-worker.log"
SCENARIO = "book_visit"
READY_SECONDS = 60
STOP_SECONDS = 10
FILLING = (
    "--reset",
    "--patients",
    "300",
    "--nurses",
    "12",
    "--appointments",
    "600",
    "--calls",
    "200",
)


class DemoFailed(Exception):
    """A step of the demo failed; the text is for the person at the terminal."""


def demo_environment(outer: dict[str, str], port: int) -> dict[str, str]:
    """Return the variables of a server that needs nothing from outside, whatever `.env` says."""
    ours = {
        "DEBUG": "1",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "PUBLIC_BASE_URL": f"http://127.0.0.1:{port}",
        "DATABASE_URL": f"sqlite:///{ROOT / 'db.sqlite3'}",
        "REDIS_URL": "",
        "ASSISTANT": "standin",
        "OPENAI_API_KEY": "",
        "TWILIO_ACCOUNT_SID": "AC" + secrets.token_hex(16),
        "TWILIO_AUTH_TOKEN": secrets.token_hex(16),
        "TWILIO_AUTH_TOKEN_NEXT": "",
        "TWILIO_PHONE_NUMBER": "+12025550199",
        "CLINIC_PHONE": "+12025550199",
        "STAFF_TRANSFER_NUMBER": "+12025550198",
        "LOG_LEVEL": "WARNING",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "WORKERS": "1",
        "DJANGO_SETTINGS_MODULE": "carematix.settings",
    }
    return outer | ours


def manage(environment: dict[str, str], *arguments: str) -> int:
    """Run a management command in the terminal and return its status."""
    sys.stdout.flush()
    command = [sys.executable, str(ROOT / "manage.py"), *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def prepare(environment: dict[str, str]) -> None:
    """
    Migrate the database, load the sample clinic and make its logins; all may be repeated.

    Raises:
        DemoFailed: one of them failed, and has said why.
    """
    steps = (("migrate", "-v0"), ("load_sample_data", *FILLING), ("create_sample_logins",))
    for step in steps:
        if manage(environment, *step):
            raise DemoFailed(f"manage.py {step[0]} failed.")


@contextmanager
def worker(environment: dict[str, str]) -> Iterator[None]:
    """Run the background worker; without an account it prints texts, which go to a log of its own."""
    without_account = environment | {"TWILIO_ACCOUNT_SID": "", "EMAIL_URL": "console://"}
    with WORKER_LOG.open("w", encoding="utf-8") as log:
        command = [sys.executable, "-m", "carematix.worker"]
        process = subprocess.Popen(
            command, cwd=ROOT, env=without_account, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            yield
        finally:
            _end(process)


@contextmanager
def server(environment: dict[str, str], port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """
    Run the server as `make serve` does and wait until it answers.

    Raises:
        DemoFailed: it ended or did not answer in time.
    """
    command = [sys.executable, "-m", "carematix.server"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        give_up = time.monotonic() + READY_SECONDS
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > give_up:
                raise DemoFailed(f"The server does not answer. Is port {port} taken? Try PORT=…")
            time.sleep(0.1)
        yield process
    finally:
        _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a process, by force if it does not listen."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/accounts/login/")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


def run(outer: dict[str, str], *, port: int, once: bool) -> int:
    """Show the whole path once and return the status of the call."""
    environment = demo_environment(outer, port)
    url = environment["PUBLIC_BASE_URL"]
    _say("Preparing the sample clinic …")
    prepare(environment)
    with worker(environment), server(environment, port) as process:
        _say(
            f"The server answers on {url}. A patient calls; the call takes as long as a real one.\n"
        )
        status = manage(environment, "simulate_call", SCENARIO, "--url", url)
        _say("")
        if status:
            _say("The call did not end as expected.")
        _say(f"Dashboard: {url}/ (log in with a sample login from above).")
        _say(f"Texts to patients, which nobody gets here: {WORKER_LOG.name}")
        if once:
            return status
        _say("Ctrl-C ends the demo.")
        try:
            process.wait()
        except KeyboardInterrupt:
            _say("")
    return status


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(arguments: Sequence[str]) -> int:
    env = Environment(os.environ)
    port = env.number("PORT", 8000, least=1, most=65_535)
    try:
        return run(dict(os.environ), port=port, once=env.flag("ONCE"))
    except DemoFailed as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
