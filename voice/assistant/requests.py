"""One function call of the model, as it came."""

import re
from dataclasses import dataclass
from hashlib import sha256

from django.utils.crypto import salted_hmac

from voice.protocol.commands import Evidence


@dataclass(frozen=True, slots=True)
class Request:
    """One function call of the model, as it came."""

    call_id: str
    name: str
    arguments: str
    evidence: Evidence
    started_ms: int

    @property
    def key(self) -> str:
        """The function-call id as it is stored."""
        if re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", self.call_id):
            return self.call_id
        return sha256(self.call_id.encode(errors="replace")).hexdigest()

    @property
    def digest(self) -> str:
        """What tells a repeat from another request under the same id; keyed, for the arguments may hold a PIN."""
        text = f"{self.name}\n{self.arguments}"
        return salted_hmac(
            "voice.tool_call", text.encode(errors="replace"), algorithm="sha256"
        ).hexdigest()

    @property
    def shown_name(self) -> str:
        """The tool's name as it is stored: of an unknown one only what a name is made of."""
        return re.sub(r"[^A-Za-z0-9_ -]", "?", self.name)[:64]
