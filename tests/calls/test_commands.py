"""`simulate_call` and `run_conversations` refuse clearly what they cannot do."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from voice.standin.scenario_files import scenarios


class TestSimulateCall:
    def test_lists_every_scenario_with_its_title(self) -> None:
        out = StringIO()

        call_command("simulate_call", "--list", stdout=out)

        lines = out.getvalue().splitlines()
        assert len(lines) == len(scenarios())
        assert any("book_visit" in line and "The demo" in line for line in lines)

    def test_refuses_an_unknown_scenario_and_names_the_known_ones(self) -> None:
        with pytest.raises(CommandError, match=r"known are .*book_visit"):
            call_command("simulate_call", "BK99")

    def test_refuses_to_call_without_a_token_to_sign_with(self, settings: Settings) -> None:
        settings.TWILIO_AUTH_TOKEN = ""

        with pytest.raises(CommandError, match="TWILIO_AUTH_TOKEN"):
            call_command("simulate_call", "BK1")


class TestRunConversations:
    @pytest.mark.parametrize("model", ["voice", "text"])
    def test_refuses_a_model_without_what_it_needs(self, settings: Settings, model: str) -> None:
        settings.DEBUG = True
        settings.OPENAI_API_KEY = ""

        with pytest.raises(CommandError):
            call_command("run_conversations", "--model", model)

    def test_refuses_outside_of_debug_since_it_pins_the_clock(self, settings: Settings) -> None:
        settings.DEBUG = False

        with pytest.raises(CommandError, match="DEBUG=1"):
            call_command("run_conversations")

    def test_refuses_an_unknown_conversation(self) -> None:
        with pytest.raises(CommandError, match="known are"):
            call_command("run_conversations", "BK99")
