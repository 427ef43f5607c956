"""What can go wrong in the store, as one tree.

StoreError
├── ResponseNotFound       this owner has no response with this id
├── ConversationNotFound   this owner has no conversation with this id
├── ItemNotFound           this owner, conversation or list has no item with this id
├── ChainBroken            an earlier response of the chain was deleted or has expired
├── TooLargeToStore        what is to be kept exceeds the whole bound alone
└── StoreUnavailable       disk full, database gone or locked: the operation did not happen
"""


class StoreError(Exception):
    """Base of every error the store raises on purpose."""


class ResponseNotFound(StoreError):
    """This owner has no response with this id."""

    def __init__(self, response_id: str) -> None:
        super().__init__(f"There is no response {response_id!r}.")
        self.response_id = response_id


class ConversationNotFound(StoreError):
    """This owner has no conversation with this id."""

    def __init__(self, conversation_id: str) -> None:
        super().__init__(f"There is no conversation {conversation_id!r}.")
        self.conversation_id = conversation_id


class ItemNotFound(StoreError):
    """There is no item with this id where it was looked for."""

    def __init__(self, item_id: str) -> None:
        super().__init__(f"There is no item {item_id!r}.")
        self.item_id = item_id


class ChainBroken(StoreError):
    """A response can't be continued: one before it is gone."""

    def __init__(self, response_id: str, missing_id: str) -> None:
        super().__init__(
            f"The response {response_id!r} can't be continued: {missing_id!r}, which came before "
            "it, was deleted or has expired."
        )
        self.response_id = response_id
        self.missing_id = missing_id


class TooLargeToStore(StoreError):
    """A response, or a conversation with all its items, exceeds the whole bound alone."""

    def __init__(self, num_bytes: int, max_bytes: int) -> None:
        super().__init__(f"{num_bytes} bytes are more than the {max_bytes} that the store keeps.")
        self.num_bytes = num_bytes
        self.max_bytes = max_bytes


class StoreUnavailable(StoreError):
    """The database does not do it now; nothing of the operation happened."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The store is not available: {reason}.")
        self.reason = reason
