"""
The background worker: sends messages and sweeps, in as many processes as one likes.

    python -m carematix.worker

Each step of the apps runs on threads of its own, so that a slow or failing one never delays the others. On SIGTERM
or Ctrl-C every thread finishes what it has in hand and the worker ends with status 0; what a killed worker had in
hand is found by its lease (docs/adr/0005).
"""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from types import FrameType
from typing import TYPE_CHECKING

import django
from django.conf import settings

from carematix import production
from carematix.logs import request_id

if TYPE_CHECKING:  # at run time the apps are imported once Django is ready
    from scheduling.services.sweeps import Step

logger = logging.getLogger("carematix.worker")

FINISH_SECONDS = 30.0
"""What a request in hand may still take; each has a timeout below this."""
LONGEST_PAUSE_S = 60.0
BUSY_PAUSE_S = 0.01
LOOK_SECONDS = 0.1


def steps() -> tuple["Step", ...]:
    """Return the steps of all apps, in the order of one pass."""
    from dashboard.sweeps import STEPS as OF_AUDIT
    from scheduling.services.sweeps import STEPS as OF_SCHEDULING
    from voice.sweeps import STEPS as OF_VOICE

    return (*OF_SCHEDULING, *OF_VOICE, *OF_AUDIT)


def run_once(step: "Step") -> tuple[int, bool]:
    """
    Run a step once; return how much it did, and whether it went well. A failure is logged and never ends us.

    Each run has a number as a request has, in the log and in the audit record.
    """
    from django.utils import timezone

    from carematix.edge import new_request_id

    begun = time.monotonic()
    request_id.set(new_request_id())
    try:
        done = step.run(now=timezone.now())
    except Exception:
        logger.exception("carematix.worker.step_failed", extra={"phase": step.name})
        return 0, False
    if done:
        took_ms = int((time.monotonic() - begun) * 1000)
        logger.debug(
            "carematix.worker.step_done",
            extra={"phase": step.name, "count": done, "duration_ms": took_ms},
        )
    return done, True


class Worker:
    """Threads that run steps until told to stop."""

    def __init__(self, steps: Sequence["Step"]) -> None:
        self._told_to_stop = False
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._repeat, args=(step,), name=step.name, daemon=True)
            for step in steps
            for _ in range(step.threads)
        ]

    def stop(self) -> None:
        """Let every thread finish what it has in hand; return at once, as a signal's handler must."""
        self._told_to_stop = (
            True  # an event's lock might be held by the very code that was interrupted
        )

    def run(self) -> bool:
        """Work until `stop` is called; return whether all threads finished in time."""
        for thread in self._threads:
            thread.start()
        while not self._told_to_stop:
            time.sleep(LOOK_SECONDS)
        self._stopping.set()
        give_up = time.monotonic() + FINISH_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, give_up - time.monotonic()))
        finished = not any(thread.is_alive() for thread in self._threads)
        logger.info("carematix.worker.stopped", extra={"status": "ok" if finished else "late"})
        return finished

    def _repeat(self, step: "Step") -> None:
        """Run a step at once while it has work, then every `period_s`; after failures ever more seldom."""
        from django.db import connections

        failures = 0
        while not self._stopping.is_set():
            done, went_well = run_once(step)
            if not done:
                connections.close_all()  # this thread's: a resting step keeps none out of the pool
            failures = 0 if went_well else failures + 1
            pause = BUSY_PAUSE_S if done else step.period_s
            self._stopping.wait(max(pause, _pause_after(failures)))


def _pause_after(failures: int) -> float:
    return min(2.0**failures, LONGEST_PAUSE_S) if failures else 0.0


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "carematix.settings")
    os.umask(0o077)
    if found := production.faults(settings):
        sys.stderr.write("Carematix does not start in production:\n" + "\n".join(found) + "\n")
        return 1
    django.setup()
    worker = Worker(steps())

    def end(number: int, frame: FrameType | None) -> None:
        worker.stop()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    logger.info("carematix.worker.started")
    return 0 if worker.run() else 1


if __name__ == "__main__":
    sys.exit(main())
