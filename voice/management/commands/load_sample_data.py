"""Load the sample clinic, and other invented people, visits and calls by number."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from scheduling import services
from scheduling.clock import clinic_now
from scheduling.exceptions import DatabaseNotEmpty
from voice.sample import load_calls


class Command(BaseCommand):
    help = "Load the sample clinic, then invented people, visits and calls up to the numbers asked."

    def add_arguments(self, parser: CommandParser) -> None:
        """Say which numbers may be asked."""
        for name in ("patients", "nurses", "appointments", "calls"):
            parser.add_argument(f"--{name}", type=self.number, default=0, metavar="N")
        parser.add_argument("--seed", type=int, default=1, metavar="S")
        parser.add_argument(
            "--reset",
            action="store_true",
            help="first remove the visits of the sample clinic's nurses and six patients",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Load, and say what was added."""
        try:
            added = self.load(**options)
        except DatabaseNotEmpty as error:
            raise CommandError(error.detail) from error
        counts = ", ".join(f"{number} {name}" for name, number in added.items())
        self.stdout.write(f"Added {counts}.")

    def load(
        self,
        *,
        patients: int,
        nurses: int,
        appointments: int,
        calls: int,
        seed: int,
        reset: bool,
        **options: Any,
    ) -> dict[str, int]:
        """Return how many rows of each kind were added."""
        added = services.load_clinic(
            now=clinic_now(),
            patients=patients,
            nurses=nurses,
            appointments=appointments,
            seed=seed,
            reset=reset,
        )
        return {
            "patients": added.patients,
            "nurses": added.nurses,
            "appointments": added.appointments,
            "calls": load_calls(wanted=calls, seed=seed, now=timezone.now()),
        }

    @staticmethod
    def number(text: str) -> int:
        """Read a number that is not negative."""
        value = int(text)
        if value < 0:
            raise ValueError
        return value
