"""`manage.py import_csv KIND FILE [--apply]`: check a file, and import it if asked to."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from scheduling import services
from scheduling.clock import clinic_now
from scheduling.exceptions import SchedulingError
from scheduling.exchange.csv_columns import COLUMNS
from scheduling.exchange.csv_text import FileRefused, Problem

SHOWN = 50


class Command(BaseCommand):
    help = (
        "Check a CSV file and say what would change; with --apply, store it: all of it or nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", choices=list(COLUMNS))
        parser.add_argument("file", type=Path)
        parser.add_argument("--apply", action="store_true", help="store it, not only check it")

    def handle(self, *args: Any, kind: str, file: Path, apply: bool, **options: Any) -> None:
        try:
            with file.open("rb") as opened:
                content = opened.read(services.most_bytes() + 1)
        except OSError as error:
            raise CommandError(f"The file cannot be read: {error.strerror}.") from error
        try:
            if apply:
                result = services.import_file(
                    kind=kind, content=content, actor="command:import_csv", now=clinic_now()
                )
            else:
                result = services.check_file(kind=kind, content=content, now=clinic_now())
        except FileRefused as refused:
            for problem in refused.problems[:SHOWN]:
                self.stderr.write(_line(problem))
            raise CommandError(
                f"Problems: {len(refused.problems)}. Nothing was stored."
            ) from refused
        except SchedulingError as error:
            raise CommandError(f"{error.detail} Nothing was stored.") from error
        self.stdout.write(
            f"{result.new} new, {result.changed} changed, {result.unchanged} unchanged."
        )
        self.stdout.write("Stored." if apply else "Nothing was stored; add --apply to store it.")


def _line(problem: Problem) -> str:
    place = [f"row {problem.row}"] if problem.row else []
    place += [problem.column] if problem.column else []
    return f"{', '.join(place) or 'file'}: {problem.detail}"
