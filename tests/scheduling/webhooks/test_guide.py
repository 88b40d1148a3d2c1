"""`docs/webhooks.md`: its example recognises what we sign, its tables name every event."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scheduling.webhooks.events import EVENT_TYPES, TEST_EVENT
from scheduling.webhooks.schedule import WAITS_S
from scheduling.webhooks.signatures import secret_of, signed_headers

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "webhooks.md").read_text(encoding="utf-8")
KEY, OLD_KEY = bytes(range(32)), bytes(range(32, 64))
BODY = b'{"type":"webhook.test"}'


@pytest.fixture(scope="module")
def is_from_the_clinic() -> Callable[[str, dict[str, str], bytes], bool]:
    """Return the function that the page tells authors to use."""
    [code] = re.findall(r"(?ms)^```python\n(.*?)^```", PAGE)
    made: dict[str, Any] = {}
    exec(code, made)
    found: Callable[[str, dict[str, str], bytes], bool] = made["is_from_the_clinic"]
    return found


def headers(*keys: bytes, at: int | None = None) -> dict[str, str]:
    timestamp = int(time.time()) if at is None else at
    return signed_headers(keys=keys, event_id="e1", timestamp=timestamp, body=BODY)


class TestTheExample:
    def test_knows_what_we_sign(self, is_from_the_clinic: Any) -> None:
        assert is_from_the_clinic(secret_of(KEY), headers(KEY), BODY)

    def test_knows_us_by_the_old_secret_after_a_rotation(self, is_from_the_clinic: Any) -> None:
        assert is_from_the_clinic(secret_of(OLD_KEY), headers(KEY, OLD_KEY), BODY)

    @pytest.mark.parametrize(
        ("signed", "body"),
        [
            (headers(OLD_KEY), BODY),
            (headers(KEY), BODY + b" "),
            (headers(KEY) | {"webhook-id": "e2"}, BODY),
            (headers(KEY, at=1_700_000_000), BODY),
        ],
        ids=["another key", "another body", "another id", "long ago"],
    )
    def test_takes_nothing_else_for_ours(
        self, is_from_the_clinic: Any, signed: dict[str, str], body: bytes
    ) -> None:
        assert not is_from_the_clinic(secret_of(KEY), signed, body)


class TestThePage:
    def test_names_every_event(self) -> None:
        named = set(re.findall(r"`((?:\w+)?\.\w+)`", PAGE))

        missing = {
            event
            for event in (*EVENT_TYPES, TEST_EVENT)
            if not {event, f".{event.partition('.')[2]}"} & named
        }

        assert missing == set()

    def test_says_how_long_we_try(self) -> None:
        assert f"about {sum(WAITS_S) // 3600} hours" in PAGE
