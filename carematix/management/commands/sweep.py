"""`manage.py sweep`: one pass of everything that the background worker does."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from carematix.worker import run_once, steps

MOST_ROUNDS = 100_000


class Command(BaseCommand):
    help = "Do once what the background worker does all the time: messages, holds, visits, calls."

    def handle(self, *args: Any, **options: Any) -> None:
        failed = []
        for step in steps():
            total = 0
            for _ in range(MOST_ROUNDS):
                done, went_well = run_once(step)
                total += done
                if not went_well:
                    failed.append(step.name)
                if not done:
                    break
            self.stdout.write(f"{step.name}: {total}")
        if failed:
            raise CommandError(f"These steps failed: {', '.join(failed)}. The log tells where.")
