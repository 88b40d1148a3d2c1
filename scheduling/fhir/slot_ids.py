"""
The id of a slot, which is computed and not stored: a reversible code of nurse, start and kind of visit.

36 bytes (16 of the nurse, 4 of the start in minutes since 1970, 16 of the kind) in base 32 make 58 of the 64
characters that an id may have. Time off has no kind: its bytes are zero.
"""

import re
from base64 import b32decode, b32encode
from dataclasses import dataclass
from uuid import UUID

NO_KIND = UUID(int=0)
FORM = re.compile(r"[a-z2-7]{58}")
PADDING = "=" * 6
LATEST_MINUTE = 3_690_000_000
"""In the year 8985; later instants may be more than a calendar can hold."""


@dataclass(frozen=True, slots=True)
class SlotId:
    """What a slot's id says; `start` is in minutes since 1970, UTC."""

    nurse_id: UUID
    start: int
    visit_type_id: UUID = NO_KIND

    def __str__(self) -> str:
        packed = self.nurse_id.bytes + self.start.to_bytes(4, "big") + self.visit_type_id.bytes
        return b32encode(packed).decode("ascii").rstrip("=").lower()


def read(text: str) -> SlotId | None:
    """Return what an id says, or nothing if it is none of ours; each slot has one spelling."""
    if not FORM.fullmatch(text):
        return None
    packed = b32decode(text.upper() + PADDING)
    found = SlotId(
        UUID(bytes=packed[:16]), int.from_bytes(packed[16:20], "big"), UUID(bytes=packed[20:])
    )
    return found if str(found) == text and found.start <= LATEST_MINUTE else None
