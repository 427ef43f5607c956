"""Which token ends the model's turn, found by looking at what its chat template writes.

A table of names (<|im_end|>, <|eot_id|>, ...) would be wrong for the next model.
"""

from typing import Any

from antiphon.models.chat_template import ChatTemplate
from antiphon.models.errors import ChatTemplateError
from antiphon.models.tokenizer import Tokenizer

THOUGHT, ANSWER, CALL = "wondering", "answering", "calling"
QUESTION = {"role": "user", "content": "Hello"}
FUNCTION_CALL = {"id": "call_1", "type": "function", "function": {"name": CALL, "arguments": {}}}
SHORT_TURN = {"role": "assistant", "content": ANSWER}
LONG_TURNS = (
    SHORT_TURN | {"reasoning_content": THOUGHT, "reasoning": THOUGHT},
    SHORT_TURN | {"tool_calls": [FUNCTION_CALL]},
)


def end_of_turn_id(chat_template: ChatTemplate, tokenizer: Tokenizer) -> int | None:
    """The special token that is written right behind an assistant's last words, if any.

    None for one that is also written inside a turn, such as between thought and answer: it ends
    a message there, and stopping at it would lose the answer.
    """
    _, answer, behind = _render(chat_template, SHORT_TURN).rpartition(ANSWER)
    following = tokenizer.encode(behind.lstrip())[:1] if answer else []
    inside = "".join(_inside(_render(chat_template, turn)) for turn in LONG_TURNS)
    ends = tokenizer.special_token_ids - set(tokenizer.encode(inside))
    return next((token_id for token_id in following if token_id in ends), None)


def _render(chat_template: ChatTemplate, turn: dict[str, Any]) -> str:
    """Only the end of a conversation is looked at: in the middle gpt-oss writes another token."""
    try:
        return chat_template.render([QUESTION, turn], add_generation_prompt=False)
    except ChatTemplateError:
        return ""  # it wants other messages than these; the configs have to do


def _inside(rendered: str) -> str:
    """What stands between the first and the last part of the turn that the template shows."""
    places = [rendered.find(part) for part in (THOUGHT, ANSWER, CALL) if part in rendered]
    return rendered[min(places) : max(places)] if places else ""
