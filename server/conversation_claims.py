"""One response at a time in a conversation: two would each lack what the other says."""

from dataclasses import dataclass, field
from typing import Self

from antiphon.server.protocol.errors import ConversationBusy


@dataclass(frozen=True, slots=True)
class ConversationClaims:
    """Which conversations a response of this process is being made in, by owner and id."""

    _claimed: set[tuple[str, str]] = field(default_factory=set)

    def claim(self, owner: str, conversation_id: str | None) -> "ConversationClaim":
        """Raises ConversationBusy."""
        if conversation_id is None:
            return ConversationClaim(self._claimed, None)
        key = (owner, conversation_id)
        if key in self._claimed:
            raise ConversationBusy(conversation_id)
        self._claimed.add(key)
        return ConversationClaim(self._claimed, key)


@dataclass(frozen=True, slots=True)
class ConversationClaim:
    """Held until it is released, which may happen more than once."""

    _claimed: set[tuple[str, str]]
    _key: tuple[str, str] | None

    def release(self) -> None:
        if self._key is not None:
            self._claimed.discard(self._key)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.release()
