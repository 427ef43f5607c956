"""Where new ids come from, as a seam: tests bring ids that count."""

import secrets
from typing import Protocol


class IdSource(Protocol):
    def new(self, prefix: str) -> str:
        """An id that was never given before, such as `resp_...` for the prefix `resp`."""
        ...


class RandomIds:
    """Ids of 192 random bits: nobody guesses another's response."""

    def new(self, prefix: str) -> str:
        return f"{prefix}_{secrets.token_hex(24)}"
