"""`manage.py export_csv KIND FILE`: write all records of a kind to a file that did not exist before."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from scheduling import services
from scheduling.exchange.csv_columns import COLUMNS

OWNER_ONLY = 0o600


class Command(BaseCommand):
    help = "Write all patients, nurses, availability or appointments to a new CSV file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", choices=list(COLUMNS))
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, kind: str, file: Path, **options: Any) -> None:
        try:
            file.touch(mode=OWNER_ONLY, exist_ok=False)
            with file.open("wb") as out:
                for part in services.export_csv(kind=kind, surface="cli"):
                    out.write(part)
        except FileExistsError as error:
            raise CommandError("The file exists already; choose another name.") from error
        except OSError as error:
            raise CommandError(f"The file cannot be written: {error.strerror}.") from error
        self.stdout.write(f"Written: {kind}.")
