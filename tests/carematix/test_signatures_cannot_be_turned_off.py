"""S10: no variable, whatever it is called, makes an unsigned request welcome."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SWITCHES = {
    name: value
    for subject in ("TWILIO_SIGNATURE", "TWILIO_SIGNATURES", "SIGNATURE_CHECK", "TWILIO_REQUEST")
    for verb, value in (("SKIP_", "1"), ("DISABLE_", "1"), ("VALIDATE_", "0"), ("CHECK_", "0"))
    for name in (f"{verb}{subject}", f"{subject}_{verb.rstrip('_')}")
} | {"TWILIO_VALIDATION": "0", "TWILIO_INSECURE": "1", "INSECURE": "1", "TESTING": "1"}
PROBE = """
import django; django.setup()
from django.test import Client
statuses = {
    Client(headers=headers).post(f"/twilio/voice{rest}", {"CallSid": "CA" + "0" * 32}).status_code
    for rest in ("", "/status", "/after-stream", "/no-such-address")
    for headers in ({}, {"X-Twilio-Signature": "AAAAAAAAAAAAAAAAAAAAAAAAAAA="})
}
print(*statuses)
"""


class TestSwitch:
    @pytest.mark.parametrize("debug", ["0", "1"])
    @pytest.mark.parametrize("token", ["", "0123456789abcdef0123456789abcdef"])
    def test_s10_of_no_name_opens_a_door_to_unsigned_requests(self, debug: str, token: str) -> None:
        environment = os.environ | SWITCHES
        environment |= {
            "DEBUG": debug,
            "ASSISTANT": "",
            "TWILIO_AUTH_TOKEN": token,
            "DJANGO_SETTINGS_MODULE": "carematix.settings",
            "LOG_LEVEL": "ERROR",
        }

        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", PROBE],
            cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=100,
        )  # fmt: skip

        assert done.stdout.split() == ["403"], done.stderr

    def test_s10_is_known_to_no_setting(self) -> None:
        listed = (ROOT / ".env.example").read_text(encoding="utf-8").upper()

        assert not any(word in listed for word in ("SKIP_", "INSECURE", "VALIDATE", "VERIFY_"))
