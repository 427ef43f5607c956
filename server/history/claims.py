"""One response at a time in a conversation: two would each lack what the other says."""

from typing import Self

from antiphon.server.protocol.errors import ConversationBusy

Key = tuple[str, str]


class ConversationClaims:
    """Which conversations a response of this process is being made in, by owner and id."""

    def __init__(self) -> None:
        self._claimed: set[Key] = set()

    def claim(self, owner: str, conversation_id: str | None) -> "ConversationClaim":
        """Raises ConversationBusy. Without a conversation there is nothing to claim."""
        if conversation_id is None:
            return ConversationClaim(set(), ("", ""))
        key = (owner, conversation_id)
        if key in self._claimed:
            raise ConversationBusy(conversation_id)
        return ConversationClaim(self._claimed, key)


class ConversationClaim:
    """Held from when it is made until it is released; releasing it again does nothing."""

    def __init__(self, claimed: set[Key], key: Key) -> None:
        self._claimed: set[Key] | None = claimed
        self._key = key
        claimed.add(key)

    def release(self) -> None:
        if self._claimed is not None:
            self._claimed.remove(self._key)
            self._claimed = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.release()
