"""Anticipated failures of phone calls."""

from typing import ClassVar


class StreamRefused(Exception):
    """A media stream may not be opened; `reason` is for the log, the other side learns nothing of it."""

    close_code: ClassVar[int] = 1008

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ModelUnavailable(Exception):
    """The Realtime server could not be reached or refused us; `retry` tells whether another try makes sense."""

    def __init__(self, reason: str, *, retry: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry = retry


class NotAdministrator(Exception):
    """Only an administrator says whose call it was."""

    code = "not_allowed"
    detail = "Only an administrator may do this."
