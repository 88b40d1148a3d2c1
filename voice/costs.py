"""
What a call cost, from the usage that the Realtime server reports (openai-realtime reference, section 10).

Input counts include the cached tokens. A missing detail or an unlisted model makes the cost unknown: it is never
guessed. No Django here.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

MILLION = Decimal(1_000_000)
MICRODOLLAR = Decimal("0.000001")
SECONDS_PER_MINUTE = Decimal(60)
MOST_TOKENS = 1_000_000  # of one response; far above any model's window
MOST_SECONDS = 3600.0  # of one turn
MOST_DOLLARS = Decimal(10_000)  # what the record has room for


@dataclass(slots=True)
class Usage:
    """Tokens of all responses of a call and seconds of its transcriptions; `unknown` once a detail was missing."""

    responses: int = 0
    text_in: int = 0
    text_cached: int = 0
    text_out: int = 0
    audio_in: int = 0
    audio_cached: int = 0
    audio_out: int = 0
    transcription_seconds: float = 0.0
    unknown: bool = False

    def add_response(self, usage: Mapping[str, Any] | None) -> None:
        """Add the `usage` of one `response.done`."""
        self.responses += 1
        try:
            self._add_tokens(usage or {})
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError):
            self.unknown = True

    def _add_tokens(self, usage: Mapping[str, Any]) -> None:
        read, written = usage["input_token_details"], usage["output_token_details"]
        cached = read.get("cached_tokens_details") or {}
        audio_in, audio_out = int(read.get("audio_tokens", 0)), int(written.get("audio_tokens", 0))
        # Reasoning tokens have no field of their own: what the parts leave over is priced as text.
        text_in = int(usage["input_tokens"]) - audio_in
        text_out = int(usage["output_tokens"]) - audio_out
        text_cached = int(cached.get("text_tokens", 0))
        audio_cached = int(cached.get("audio_tokens", 0))
        parts = (text_in - text_cached, audio_in - audio_cached, text_out, audio_out)
        if min(*parts, text_cached, audio_cached) < 0 or max(parts) > MOST_TOKENS:
            raise ValueError("the parts exceed their sum, or any sense")
        if read.get("cached_tokens") and not cached:
            raise KeyError("cached_tokens_details")
        self.text_in += text_in
        self.text_cached += text_cached
        self.text_out += text_out
        self.audio_in += audio_in
        self.audio_cached += audio_cached
        self.audio_out += audio_out

    def add_transcription(self, usage: Mapping[str, Any] | None) -> None:
        """Add the `usage` of one completed transcription; only the kind that counts seconds can be priced."""
        try:
            if usage is None or usage["type"] != "duration":
                raise KeyError("seconds")
            seconds = float(usage["seconds"])
            if not 0 <= seconds <= MOST_SECONDS:
                raise ValueError("no length of speech")
            self.transcription_seconds += seconds
        except (KeyError, TypeError, ValueError, OverflowError):
            self.unknown = True

    def as_json(self) -> dict[str, Any]:
        """Return the counts as they are stored with the call."""
        return asdict(self)


def cost_usd(usage: Usage, *, model: str, transcription_model: str, on: date) -> Decimal | None:
    """Return US dollars to six places, or nothing when a price or a detail is missing."""
    if usage.unknown:
        return None
    price = _price("price", model, on)
    minute = _price("transcription", transcription_model, on)
    if price is None or (usage.transcription_seconds and minute is None):
        return None
    tokens = (
        (usage.text_in - usage.text_cached) * _dollars(price["text_in"])
        + usage.text_cached * _dollars(price["text_cached"])
        + usage.text_out * _dollars(price["text_out"])
        + (usage.audio_in - usage.audio_cached) * _dollars(price["audio_in"])
        + usage.audio_cached * _dollars(price["audio_cached"])
        + usage.audio_out * _dollars(price["audio_out"])
    ) / MILLION
    speech = Decimal(0)
    if minute is not None:
        seconds = Decimal(str(usage.transcription_seconds))
        speech = seconds / SECONDS_PER_MINUTE * _dollars(minute["minute"])
    total = (tokens + speech).quantize(MICRODOLLAR)
    return total if total < MOST_DOLLARS else None


def _price(table: str, model: str, on: date) -> Mapping[str, Any] | None:
    entries = [e for e in _prices()[table] if e["model"] == model and e["since"] <= on]
    return max(entries, key=lambda entry: entry["since"]) if entries else None


def _dollars(amount: float) -> Decimal:
    return Decimal(str(amount))


@cache
def _prices() -> Mapping[str, list[Mapping[str, Any]]]:
    return tomllib.loads((Path(__file__).parent / "prices.toml").read_text("utf-8"))
