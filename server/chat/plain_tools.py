"""Tools for a model whose chat template knows none: written out as text, as Hermes and Qwen2.5 do.

Source: the chat template of Qwen2.5-Instruct.
"""

import itertools
import json
from collections.abc import Iterable
from dataclasses import replace
from operator import attrgetter
from typing import Any

from antiphon.server.chat.message import ChatCall, ChatMessage, Role

CALL = "<tool_call>\n{}\n</tool_call>"
RESPONSE = "<tool_response>\n{}\n</tool_response>"
INSTRUCTIONS = """\
# Tools

You may call one or more functions to assist with the user query.

You are provided with function signatures within <tools></tools> XML tags:
<tools>
{}
</tools>

For each function call, return a json object with function name and arguments within \
<tool_call></tool_call> XML tags:
<tool_call>
{{"name": <function-name>, "arguments": <args-json-object>}}
</tool_call>"""


def tools_prompt(tools: Iterable[dict[str, Any]]) -> str:
    """What the model has to be told: one tool a line, and how to call it."""
    return INSTRUCTIONS.format("\n".join(json.dumps(tool, ensure_ascii=False) for tool in tools))


def with_calls_as_text(message: ChatMessage) -> ChatMessage:
    """The calls written where the model itself would have written them."""
    calls = [_written(call) for call in message.calls]
    text = "\n".join(filter(None, [message.text.rstrip() if calls else message.text, *calls]))
    return replace(message, text=text, calls=())


def with_outputs_as_text(messages: Iterable[ChatMessage]) -> list[ChatMessage]:
    """Outputs in a row are one message of the user."""
    written: list[ChatMessage] = []
    for role, group in itertools.groupby(messages, key=attrgetter("role")):
        if role is Role.TOOL:
            text = "\n".join(RESPONSE.format(message.text) for message in group)
            written.append(ChatMessage(Role.USER, text))
        else:
            written += group
    return written


def _written(call: ChatCall) -> str:
    return CALL.format(call.json_text)
