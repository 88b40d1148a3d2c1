"""The clinic, on its Thursday morning."""

import pytest
from pytest_django.fixtures import Settings

from tests.voice.assistant.clinic import NOW, SampleClinic, open_clinic


@pytest.fixture
def clinic(db: None, settings: Settings) -> SampleClinic:
    """Return the clinic of voice-conversation, section 12; its clock stands at Thursday 10:00."""
    settings.CAREMATIX_NOW = NOW
    settings.STAFF_TRANSFER_NUMBER = "+12025550190"
    settings.CLINIC_PHONE = "+12025550199"
    return open_clinic()
