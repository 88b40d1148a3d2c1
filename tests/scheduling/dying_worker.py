"""
Background workers that a test kills: each is forked from one process that has loaded Django and opened no connection.

    python -m tests.scheduling.dying_worker

Reads commands, one a line: `start` forks a worker and answers with its process id; the end of the input ends us.
"""

import os
import sys

import django


def main() -> None:
    django.setup()
    from twilio.rest import Client  # loaded once, before the processes part

    import carematix.worker
    from scheduling.services.sweeps import STEPS

    assert Client
    delivering = [step for step in STEPS if step.name == "texts"]
    for _ in sys.stdin:
        process = os.fork()
        if not process:
            carematix.worker.Worker(delivering).run()
            os._exit(0)
        print(process, flush=True)  # noqa: T201 - what the test reads


if __name__ == "__main__":
    main()
