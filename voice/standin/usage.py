"""
Token counts that look like the vendor's: plausible, additive and the same for the same call.

Text is counted at four characters a token, caller audio at 100 ms, assistant audio at 50 ms (openai-realtime, section
10). They are made up: nothing may be billed by them.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from voice.standin.client_events import Event
from voice.standin.items import Item

_CHARACTERS_PER_TOKEN: Final = 4
_CALLER_TOKEN_MS: Final = 100
_ASSISTANT_TOKEN_MS: Final = 50
_CACHE_BLOCK: Final = 64


class UsageMeter:
    """Counts what each response reads; what the one before it had read already is cached."""

    def __init__(self) -> None:
        self._read_text = 0
        self._read_audio = 0

    def usage(
        self,
        *,
        config: Mapping[str, Any],
        items: Iterable[Item],
        output_text_tokens: int,
        output_audio_tokens: int,
    ) -> Event:
        """Return the `usage` of a response over these items, in the shape of `response.done`."""
        text = (
            len(config["instructions"]) + len(json.dumps(config["tools"]))
        ) // _CHARACTERS_PER_TOKEN
        audio = 0
        for item in items:
            caller = item.wire.get("role") == "user"
            audio += item.audio_ms // (_CALLER_TOKEN_MS if caller else _ASSISTANT_TOKEN_MS)
            text += _text_length(item.wire) // _CHARACTERS_PER_TOKEN
        cached_text = min(text, self._read_text) // _CACHE_BLOCK * _CACHE_BLOCK
        cached_audio = min(audio, self._read_audio) // _CACHE_BLOCK * _CACHE_BLOCK
        self._read_text, self._read_audio = text, audio
        return {
            "total_tokens": text + audio + output_text_tokens + output_audio_tokens,
            "input_tokens": text + audio,
            "output_tokens": output_text_tokens + output_audio_tokens,
            "input_token_details": {
                "text_tokens": text,
                "audio_tokens": audio,
                "image_tokens": 0,
                "cached_tokens": cached_text + cached_audio,
                "cached_tokens_details": {
                    "text_tokens": cached_text,
                    "audio_tokens": cached_audio,
                    "image_tokens": 0,
                },
            },
            "output_token_details": {
                "text_tokens": output_text_tokens,
                "audio_tokens": output_audio_tokens,
            },
        }


def _text_length(wire: Mapping[str, Any]) -> int:
    written = [wire.get("arguments", ""), wire.get("output", "")]
    written += [
        part.get("text") or part.get("transcript") or "" for part in wire.get("content", ())
    ]
    return sum(map(len, written))
