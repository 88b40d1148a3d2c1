"""Make the identifiers of one session: in OpenAI's style, the same for the same seed."""

import random
import string

_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase


class Ids:
    """A source of unique identifiers; equal seeds give equal sequences, so that a failing call can be replayed."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)

    def new(self, prefix: str, length: int = 21) -> str:
        """Return `prefix_` and `length` base62 characters (`sess event resp item conv`: 21)."""
        return f"{prefix}_{''.join(self._random.choices(_BASE62, k=length))}"

    def call(self) -> str:
        """Return a function-call id: `call_` and 16 characters."""
        return self.new("call", 16)

    def chance(self, probability: float) -> bool:
        """Return true with this probability, decided by the seed."""
        return self._random.random() < probability
