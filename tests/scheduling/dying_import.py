"""
An import that stops in the middle, so that a test can kill it there.

    python -m tests.scheduling.dying_import check|apply|resume

`check` halts while rows are being checked, `apply` when all of them are written and nothing is committed; both print a
line first and wait for ever. `resume` works off what there is, after the lease, and prints what is stored.
"""

import sys
from typing import Any

import django

MOST_LOOKS = 100_000


def main(step: str) -> None:
    django.setup()
    from django.utils import timezone

    from scheduling.models import DataImport, Patient
    from scheduling.services import imports

    def halt(*args: Any, **values: Any) -> None:
        print("here", flush=True)  # noqa: T201 - what the test reads
        sys.stdin.read()

    now = timezone.now()
    if step == "check":
        update = imports._update

        def update_and_halt(record: DataImport, **values: Any) -> None:
            update(record, **values)
            if values.get("rows_done"):
                halt()

        imports._update = update_and_halt
    elif step == "apply":
        imports._mark_done = halt
    else:
        now += 2 * imports.LEASE
    for _ in range(MOST_LOOKS):  # the database may need a moment to notice the death of a client
        imports.run_next_import(now=now, clinic_now=now)
        record = DataImport.objects.get()
        if record.status in {"checked", "done", "failed"}:
            break
    print(record.status, Patient.objects.count(), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1])
