"""
The production server: uvicorn with the options that long media streams need, and a shutdown that cuts no call.

    HOST=127.0.0.1 PORT=8000 WORKERS=2 python -m carematix.server

On SIGTERM a process takes no new call, lets the running ones finish for at most `DRAIN_SECONDS` and ends with
status 0 (security reference, R13); uvicorn alone would close every stream at once. Ctrl-C ends without waiting.
A worker whose supervisor was killed drains by itself, so that none is left to answer on an address taken over.
"""

import asyncio
import gc
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from types import FrameType
from typing import Any

import django
import uvicorn
from django.conf import settings
from django.core.management import call_command

from carematix import production
from carematix.env import Environment
from carematix.http_protocol import BoundedHttpProtocol
from voice import live_calls

logger = logging.getLogger("carematix.server")

APPLICATION = "carematix.asgi:application"
DRAIN_SECONDS = 600
QUIET_SECONDS = 2.0
"""A call that was answered just before SIGTERM opens its stream within this time, so it is waited for."""
CLOSE_SECONDS = 30
"""What a request or a call's last records may take once the sockets are closed."""
PING_SECONDS = 20.0
RESTART_SECONDS = 1.0
YOUNG_OBJECTS = 10_000
"""How many new objects the collector waits for; a search for free times makes tens of thousands that die at once."""


class DrainingServer(uvicorn.Server):
    """A uvicorn server that outlives SIGTERM, and the `supervisor` with that process id, until its calls are over."""

    supervisor: int | None = None
    _draining_since: float | None = None
    _quiet_since: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Drain on SIGTERM, however often it comes; end on Ctrl-C, and at once on a second one."""
        if sig == signal.SIGTERM:
            self._draining_since = self._draining_since or time.monotonic()
        elif self.should_exit:
            self.force_exit = True
        else:
            self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        """Ask every 100 ms whether a drain is over; in between, serve as ever."""
        if self.supervisor not in (None, os.getppid()):
            self._draining_since = self._draining_since or time.monotonic()
        if self._draining_since is not None and not self.should_exit:
            live_calls.drain()
            self.should_exit = self._drained(time.monotonic(), self._draining_since)
        return await super().on_tick(counter)

    def _drained(self, now: float, since: float) -> bool:
        if live_calls.running():
            self._quiet_since = None
        elif self._quiet_since is None:
            self._quiet_since = now
        quiet = self._quiet_since is not None and now - self._quiet_since >= QUIET_SECONDS
        if quiet or now - since >= DRAIN_SECONDS:
            logger.info("carematix.server.drained", extra={"count": live_calls.running()})
            return True
        return False


def config(application: Any = APPLICATION) -> uvicorn.Config:
    """Return the options measured best for long sockets (docs/adr/0001), each bound stated (S72)."""
    return uvicorn.Config(
        application,
        http=BoundedHttpProtocol,
        loop="uvloop",
        ws="websockets-sansio",
        ws_max_size=settings.LIMIT_FRAME_BYTES,
        ws_max_queue=32,
        ws_per_message_deflate=False,
        ws_ping_interval=PING_SECONDS,
        ws_ping_timeout=PING_SECONDS,
        lifespan="off",
        server_header=False,
        proxy_headers=False,  # Django decides which proxy it believes
        access_log=False,
        log_config=None,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=CLOSE_SECONDS,
    )


def serve(
    listener: socket.socket, application: Any = APPLICATION, *, supervisor: int | None = None
) -> None:
    """Serve on a bound socket until told to end, or until the supervising process is gone."""
    server = DrainingServer(config(application))
    server.supervisor = supervisor
    server.config.load()
    settle_garbage()
    with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        runner.run(server.serve(sockets=[listener]))


def settle_garbage() -> None:
    """
    Take what start-up has made out of the garbage collector's sight; to be called once, when everything is loaded.

    Modules and models live as long as the process. Looking through these hundreds of thousands of objects again and
    again stopped every request and audio stream for 50 to 100 ms each time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 10, 10)


def supervise(listener: socket.socket, workers: int) -> int:
    """
    Run `workers` processes on one socket, replace one that dies, and end when all have drained.

    The status is 0 when each of them ended well.
    """
    ending = False

    def spawn() -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "carematix.server"]
        command += ["--listener", str(listener.fileno()), str(os.getpid())]
        return subprocess.Popen(command, pass_fds=[listener.fileno()], start_new_session=True)

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal ending
        ending = True
        for process in processes:
            process.send_signal(number)

    processes = [spawn() for _ in range(workers)]
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    while any(process.poll() is None for process in processes):
        time.sleep(RESTART_SECONDS / 10)
        for index, process in enumerate(processes):
            if process.poll() is not None and not ending:
                logger.error("carematix.server.worker_died", extra={"status": process.returncode})
                time.sleep(RESTART_SECONDS)
                if not ending:  # SIGTERM may have come meanwhile, and would miss a new process
                    processes[index] = spawn()
    return int(any(process.returncode for process in processes))  # a killed one's is negative


def listen(host: str, port: int) -> socket.socket:
    """
    Return a listening socket.

    Raises:
        OSError: the address is taken or not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=2048)
    listener.setblocking(False)
    return listener


def main(arguments: list[str]) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "carematix.settings")
    os.umask(0o077)
    if found := production.faults(settings):
        sys.stderr.write("Carematix does not start in production:\n" + "\n".join(found) + "\n")
        return 1
    django.setup()
    if arguments[:1] == ["--listener"]:
        serve(socket.socket(fileno=int(arguments[1])), supervisor=int(arguments[2]))
        return 0
    env = Environment(os.environ)
    host, port = env.text("HOST", "127.0.0.1"), env.number("PORT", 8000, most=65_535)
    workers = env.number("WORKERS", 1, least=1, most=256)
    call_command("collectstatic", interactive=False, verbosity=0)
    try:
        listener = listen(host, port)
    except OSError as error:
        sys.stderr.write(
            f"Cannot listen on {host}:{port}: {error.strerror}. Choose another PORT.\n"
        )
        return 1
    sys.stdout.write(f"Carematix serves on http://{host}:{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    if workers > 1:
        return supervise(listener, workers)
    serve(listener)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
