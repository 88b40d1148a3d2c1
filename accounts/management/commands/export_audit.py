"""`manage.py export_audit`: a copy of the audit record, whole or in part."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from accounts.audit.export import FORMATS
from accounts.audit.selectors import audit_events
from accounts.services import record_event


def instant(text: str) -> datetime:
    """Return a date or a date-time; without an offset it is UTC."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Command(BaseCommand):
    help = "Write events of the audit record with their seals and the record's head, as JSON Lines or CSV."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--patient", metavar="ID", default="", help="only events about a patient"
        )
        parser.add_argument("--user", metavar="ID", default="", help="only what this person did")
        parser.add_argument("--since", type=instant, help="a date or date-time")
        parser.add_argument("--until", type=instant, help="a date or date-time, exclusive")
        parser.add_argument("--format", choices=sorted(FORMATS), default="jsonl")
        parser.add_argument("--output", type=Path, help="a file instead of the terminal")

    def handle(self, *args: Any, patient: str, user: str, **options: Any) -> None:
        record_event(
            action="audit.exported",
            outcome="ok",
            surface="cli",
            patient_ids=[patient] if patient else [],
            object_type="audit",
            reason=options["format"],
        )
        events = audit_events(
            actor=user,
            patient_ids=[patient] if patient else None,
            since=options["since"],
            until=options["until"],
        )
        lines = FORMATS[options["format"]](events)
        if options["output"] is None:
            for line in lines:
                self.stdout.write(line, ending="")
            return
        with options["output"].open("w", encoding="utf-8", newline="") as file:
            file.writelines(lines)
