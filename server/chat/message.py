"""A message of the conversation, before anybody asks what the template can show."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

PARAGRAPH = "\n\n"


class Role(StrEnum):
    SYSTEM = "system"
    DEVELOPER = "developer"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


@dataclass(frozen=True, slots=True)
class ChatCall:
    """A call that the model made. arguments: the text of a JSON object, as it was written."""

    call_id: str
    name: str
    arguments: str

    @property
    def json_text(self) -> str:
        """Name and arguments, the latter letter for letter."""
        name = json.dumps(self.name, ensure_ascii=False)
        return f'{{"name": {name}, "arguments": {self.arguments}}}'


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """Everything that one role said in a row.

    reasoning, calls  of an assistant's turn.
    answered          the call whose output a tool's message is.
    """

    role: Role
    text: str = ""
    reasoning: str | None = None
    calls: tuple[ChatCall, ...] = ()
    answered: ChatCall | None = None


def joined(messages: Sequence[ChatMessage]) -> ChatMessage:
    """What one role said in a row, as one message."""
    return ChatMessage(
        messages[0].role,
        PARAGRAPH.join(message.text for message in messages if message.text),
        "\n".join(message.reasoning for message in messages if message.reasoning) or None,
        tuple(call for message in messages for call in message.calls),
    )
