"""What a call cost (openai-realtime reference, section 10)."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from voice.costs import Usage, cost_usd

ON = date(2026, 11, 24)
RESPONSE: dict[str, Any] = {
    "total_tokens": 253,
    "input_tokens": 132,
    "output_tokens": 121,
    "input_token_details": {
        "text_tokens": 119,
        "audio_tokens": 13,
        "cached_tokens": 64,
        "cached_tokens_details": {"text_tokens": 64, "audio_tokens": 0},
    },
    "output_token_details": {"text_tokens": 30, "audio_tokens": 91},
}


def cost(usage: Usage, model: str = "gpt-realtime-2.1", on: date = ON) -> Decimal | None:
    return cost_usd(usage, model=model, transcription_model="gpt-transcribe", on=on)


class TestCost:
    def test_prices_cached_and_fresh_text_and_audio_apart(self) -> None:
        usage = Usage()

        usage.add_response(RESPONSE)

        # (119-64)·4.00 + 64·0.40 + 13·32.00 + 30·24.00 + 91·64.00 = 7,205.6 per million
        assert cost(usage) == Decimal("0.007206")

    def test_adds_up_every_response_and_transcription(self) -> None:
        usage = Usage()

        usage.add_response(RESPONSE)
        usage.add_response(RESPONSE)
        usage.add_transcription({"type": "duration", "seconds": 60})

        assert cost(usage) == Decimal("0.018911")
        assert usage.responses == 2

    def test_prices_tokens_without_a_part_of_their_own_as_text(self) -> None:
        usage = Usage()

        usage.add_response(RESPONSE | {"output_tokens": 131})

        assert usage.text_out == 40

    @pytest.mark.parametrize(
        "odd",
        [
            None,
            {},
            {"input_tokens": 5},
            RESPONSE | {"input_token_details": None},
            RESPONSE | {"input_tokens": 3},
            RESPONSE | {"input_tokens": "many"},
            RESPONSE | {"input_tokens": 10**18},
            RESPONSE | {"output_tokens": float("inf")},
        ],
    )
    def test_is_unknown_when_a_detail_is_missing_or_odd(self, odd: Any) -> None:
        usage = Usage()

        usage.add_response(odd)

        assert usage.unknown
        assert cost(usage) is None

    def test_is_unknown_for_a_model_without_a_listed_price(self) -> None:
        assert cost(Usage(), model="standin") is None

    def test_is_unknown_before_the_first_listed_price(self) -> None:
        assert cost(Usage(), on=date(2020, 1, 1)) is None

    def test_is_unknown_when_a_transcription_counts_tokens(self) -> None:
        usage = Usage()

        usage.add_transcription({"type": "tokens", "input_tokens": 5})

        assert cost(usage) is None

    @pytest.mark.parametrize("seconds", [-1, 1e300, float("inf"), float("nan")])
    def test_is_unknown_when_the_length_of_speech_makes_no_sense(self, seconds: float) -> None:
        usage = Usage()

        usage.add_transcription({"type": "duration", "seconds": seconds})

        assert cost(usage) is None

    def test_is_unknown_when_it_is_more_than_the_record_has_room_for(self) -> None:
        usage = Usage()

        for _ in range(200):
            usage.add_response(
                RESPONSE
                | {"output_tokens": 900_000, "output_token_details": {"audio_tokens": 900_000}}
            )

        assert cost(usage) is None
