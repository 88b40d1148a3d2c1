"""What a call begins with: its greeting, and the session that the model is held in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings

from scheduling.clock import clinic_now, clinic_zone
from scheduling.selectors import staffed
from voice import services
from voice.assistant import prompt
from voice.assistant.session import session_config
from voice.assistant.tools import declarations
from voice.models import CallLog
from voice.standin import clips

GREETING = (
    "{clinic} nursing line. I'm an automated assistant. This call may be recorded; say 'don't record' if you'd"
    " rather not. If this is an emergency, hang up and dial 9 1 1. Para español, diga 'español' o marque dos."
    " How can I help?"
)


@dataclass(frozen=True, slots=True)
class CallSetup:
    """
    The start of a call.

    `session` is the whole object of the first `session.update`. `greeting_audio` is mu-law, or nothing when nobody
    has recorded the greeting of this clinic; the model then speaks `greeting_text`.
    """

    session: Mapping[str, Any]
    greeting_text: str
    greeting_audio: bytes | None
    language: str


def prepare_call(call_id: UUID) -> CallSetup:
    """Read what the call needs and link it to the version of its prompt."""
    call = CallLog.objects.get(pk=call_id)
    now = clinic_now()
    instructions = prompt.instructions(
        clinic=settings.CLINIC_NAME,
        now=now.astimezone(clinic_zone()),
        staffed=staffed(now=now).open,
        language=call.language,
        outbound=call.direction == CallLog.Direction.OUTBOUND,
    )
    tools = declarations()
    services.use_prompt(
        call_id=call_id,
        digest=prompt.digest(prompt.INSTRUCTIONS, tools),
        instructions=prompt.INSTRUCTIONS,
        tools=tools,
    )
    greeting = GREETING.format(clinic=settings.CLINIC_NAME)
    return CallSetup(
        session=session_config(
            voice=settings.OPENAI_REALTIME_VOICE,
            transcription_model=settings.OPENAI_TRANSCRIPTION_MODEL,
            language=call.language,
            instructions=instructions,
            tools=tools,
        ),
        greeting_text=greeting,
        greeting_audio=recorded_greeting(greeting),
        language=call.language,
    )


def recorded_greeting(text: str) -> bytes | None:
    """Return the recording of a greeting, if somebody has made one for exactly this text."""
    return clips.clip(text, "assistant") if clips.is_recorded(text, "assistant") else None
