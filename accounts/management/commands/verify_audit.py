"""`manage.py verify_audit`: is the audit record whole and unchanged?"""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.audit.checking import check_record, in_words
from accounts.audit.heads import NoHead, read_head
from accounts.audit.sealing import seal_events


class Command(BaseCommand):
    help = (
        "Seal what waits for it, then check the whole audit record and every stored head. "
        "Ends with status 1 and names the first bad event if something was changed, added or removed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--head",
            metavar="FILE",
            type=Path,
            action="append",
            default=[],
            help="a head that was kept elsewhere; may be given several times",
        )

    def handle(self, *args: Any, head: list[Path], **options: Any) -> None:
        while seal_events():
            pass
        try:
            found = check_record(heads=[read_head(path) for path in head])
        except NoHead as error:
            raise CommandError(error.detail) from error
        if found.fault:
            raise CommandError(f"First bad event: {found.fault.seq}. {in_words(found.fault)}")
        self.stdout.write(f"{found.sealed} events verified, {found.waiting} wait for their seal.")
        if found.head:
            self.stdout.write(f"Head: {found.head.number} {found.head.hash} ({found.head.key_id})")
