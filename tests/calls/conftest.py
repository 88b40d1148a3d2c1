"""The clinic of voice-conversation, section 12, on its Thursday, with a public address and a carrier's account."""

from datetime import datetime

import pytest
from pytest_django.fixtures import Settings

from scheduling.services import load_clinic

THURSDAY = datetime.fromisoformat("2026-03-05T10:00:00-05:00")


@pytest.fixture
def clinic(transactional_db: None, settings: Settings) -> None:
    """Load the sample clinic; calls run in threads, so the data is really committed."""
    settings.CAREMATIX_NOW = THURSDAY
    settings.STAFF_TRANSFER_NUMBER = "+12025550198"
    settings.ASSISTANT = "standin"
    load_clinic(now=THURSDAY)
