"""The events of a caller's transcript, which a separate model makes after the turn (openai-realtime, section 7)."""

from voice.standin.client_events import Event
from voice.standin.faults import Behaviour
from voice.standin.items import Item

_PREFIX = "conversation.item.input_audio_transcription"


def transcription_events(item: Item, words: str, behaviour: Behaviour) -> list[Event]:
    """Return the events for a turn that was recognised as `words`: delta and completed, or failed, or none."""
    place: Event = {"item_id": item.id, "content_index": 0}
    match behaviour.transcripts:
        case "never":
            return []
        case "failed":
            error = {
                "type": "transcription_error",
                "code": "audio_unintelligible",
                "message": "The audio could not be transcribed.",
                "param": None,
            }
            return [{"type": f"{_PREFIX}.failed", **place, "error": error}]
        case "completed":
            usage = {"type": "duration", "seconds": round(item.audio_ms / 1000, 2)}
            events: list[Event] = []
            if words:
                events.append({"type": f"{_PREFIX}.delta", **place, "delta": words})
            completed = {"type": f"{_PREFIX}.completed", **place, "transcript": words}
            return [*events, {**completed, "usage": usage}]
