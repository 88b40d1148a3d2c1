"""`manage.py run_conversations`: the test conversations of voice-conversation, section 12, with their grading."""

from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.test.utils import override_settings

from scheduling.clock import clinic_now
from scheduling.services import load_clinic
from voice import conversations
from voice.standin import virtual_clock
from voice.standin.scenario_files import find, scenarios
from voice.standin.scenarios import Scenario, ScenarioError
from voice.standin.timeline import transcript

THURSDAY: Final = datetime.fromisoformat("2026-03-05T10:00:00-05:00")
STAND_IN: Final = {
    "TWILIO_AUTH_TOKEN": "conversations",
    "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "TWILIO_PHONE_NUMBER": "+12025550199",
    "STAFF_TRANSFER_NUMBER": "+12025550198",
    "PUBLIC_BASE_URL": "https://clinic.example",
    "ALLOWED_HOSTS": ["clinic.example"],
    "CAREMATIX_NOW": THURSDAY,
}


class Command(BaseCommand):
    help = (
        "Hold the test conversations and grade them, in a database of their own. `scripted` needs no key and no time; "
        "`text` and `voice` ask the configured model, at the pace of speech."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("ids", nargs="*", metavar="ID", help="only these conversations")
        parser.add_argument("--model", choices=("scripted", "text", "voice"), default="scripted")
        parser.add_argument("--transcript", action="store_true", help="print what was heard")

    def handle(self, *args: Any, ids: list[str], model: str, **options: Any) -> None:
        try:
            chosen = [find(name) for name in ids] or [
                scenario for scenario in scenarios().values() if not scenario.demo
            ]
        except ScenarioError as error:
            raise CommandError(str(error)) from error
        if not settings.DEBUG:
            raise CommandError("The conversations pin the clock and need DEBUG=1.")
        if model == "text":
            raise CommandError(
                "The conversations are phone calls; a run by text alone is not part of this version. Use `voice`."
            )
        if model == "voice" and not settings.OPENAI_API_KEY:
            raise CommandError(
                "OPENAI_API_KEY is not set; only `--model scripted` runs without it."
            )
        failed = 0
        assistant = "standin" if model == "scripted" else "openai"
        with override_settings(**STAND_IN, ASSISTANT=assistant), _own_database():
            for scenario in chosen:
                failed += not self._hold(scenario, scripted=model == "scripted", **options)
        self.stdout.write(f"{len(chosen) - failed} of {len(chosen)} conversations held.")
        if failed:
            raise CommandError(f"{failed} did not.")

    def _hold(
        self, scenario: Scenario, *, scripted: bool, transcript: bool, **options: Any
    ) -> bool:
        call_command("flush", interactive=False, verbosity=0)
        load_clinic(now=clinic_now())
        runner = virtual_clock.run if scripted else conversations.run_at_pace
        held = conversations.converse(scenario, runner=runner)
        self.stdout.write(
            f"{'FAILED' if held.wrong else 'held':<8}{scenario.id:<8}{scenario.title}"
        )
        if transcript:
            for line in _printed(held):
                self.stdout.write(f"        {line}")
        for fault in held.wrong:
            self.stdout.write(f"        {fault}")
        return not held.wrong


def _printed(held: conversations.Conversation) -> list[str]:
    return transcript(held.lines)


@contextmanager
def _own_database() -> Iterator[None]:
    """Make a database for the conversations, as the tests do, and leave the clinic's alone."""
    name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        yield
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)
