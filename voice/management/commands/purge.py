"""`manage.py purge`: delete now what is kept for a time only and is over it."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from voice.privacy import purge_all


class Command(BaseCommand):
    help = (
        "Delete transcripts, records of calls, messages and imports that are over their time, but for what a legal "
        "hold keeps. The background worker does the same every night."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"Deleted: {purge_all(now=timezone.now())}.")
