"""`manage.py simulate_call`: one scripted call through the public doors of a running server."""

import asyncio
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from voice import conversations
from voice.standin.scenario_files import find, scenarios
from voice.standin.scenarios import Scenario, ScenarioError
from voice.standin.timeline import transcript
from voice.standin.transports import NetworkTransport


class Command(BaseCommand):
    help = "Place a scripted call to a running server, through its public doors."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("scenario", nargs="?", help="the scenario's name")
        parser.add_argument(
            "--url", default="", help="where the server is reached, if not at PUBLIC_BASE_URL"
        )
        parser.add_argument(
            "--list", action="store_true", dest="names", help="name the scenarios and stop"
        )

    def handle(
        self, *args: Any, scenario: str | None, url: str, names: bool, **options: Any
    ) -> None:
        if names:
            for known in scenarios().values():
                self.stdout.write(f"{known.id:<12}{known.title}")
            return
        if scenario is None:
            raise CommandError("Name a scenario, or use --list.")
        if not settings.TWILIO_AUTH_TOKEN:
            raise CommandError("TWILIO_AUTH_TOKEN is not set, so the call cannot be signed.")
        try:
            chosen = find(scenario)
        except ScenarioError as error:
            raise CommandError(str(error)) from error
        self._call(chosen, url.rstrip("/"))

    def _call(self, scenario: Scenario, url: str) -> None:
        """Hold the call, print what was heard and stored, and fail if an expectation did not hold."""
        self.stdout.write(f"{scenario.id}: {scenario.title}. Calling as {scenario.caller_number} …")
        rivals = conversations.Rivals()
        record = asyncio.run(
            conversations.hold(
                scenario,
                transport=NetworkTransport(url or settings.PUBLIC_BASE_URL),
                rivals=rivals,
                follow=False,
            )
        )
        try:
            held = conversations.graded(scenario, record)
            visits = conversations.stored_visits(record.call_sid)
        except DatabaseError as error:
            raise CommandError("This command needs the server's own database.") from error
        self.stdout.write("")
        for line in transcript(held.lines):
            self.stdout.write(line)
        self.stdout.write("")
        for visit in visits:
            self.stdout.write(visit)
        if held.call is not None:
            self.stdout.write(f"Outcome: {held.call.outcome or 'none'}")
        if held.wrong:
            raise CommandError("\n".join(["The call did not go as expected:", *held.wrong]))
