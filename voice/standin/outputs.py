"""What a session asks its connection to do."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SendText:
    """Write one text frame."""

    text: str


@dataclass(frozen=True, slots=True)
class CloseSocket:
    """Send a closing frame; nothing follows."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class DropSocket:
    """Cut the connection without a closing frame."""


@dataclass(frozen=True, slots=True)
class StallSocket:
    """Read no more from the connection; it stays open."""


Output = SendText | CloseSocket | DropSocket | StallSocket
