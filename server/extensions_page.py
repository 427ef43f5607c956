"""What goes beyond Open Responses, with its schemas: the text of docs/extensions.md.

`python -m antiphon.server.extensions_page > docs/extensions.md` writes the page anew.
"""

import json

from pydantic import TypeAdapter

from antiphon.server.protocol.events import (
    ResponseCustomToolCallInputDeltaStreamingEvent,
    ResponseCustomToolCallInputDoneStreamingEvent,
)
from antiphon.server.protocol.items import CustomToolCall, CustomToolCallOutput
from antiphon.server.protocol.response import ConversationReference
from antiphon.server.protocol.tool_choice import NamedTool
from antiphon.server.protocol.tools import CustomTool, NamespaceTool
from antiphon.server.protocol.wire_model import OutputModel

PAGE = """# Extensions

What antiphon knows beyond the published schema of Open Responses (API version 2026-04-24). None of it shows in an answer
unless a request asked for it. Names and shapes are OpenAI's where OpenAI has them, as its SDKs know these.

## In requests

| field | what it does |
|---|---|
| `conversation` | an id, or an object with one: the response stands on that conversation and adds to it |
| `context_management` | `[{{"type": "compaction", "compact_threshold": N}}]`: from N prompt tokens on, older turns are summarised first |
| `top_k`, `min_p`, `repetition_penalty`, `seed`, `stop`, `logit_bias`, `ignore_eos` | sampling, named as in vLLM |
| `generate` | `false` prefills the prompt and generates nothing: the response has no output and can be continued |
| tools of type `custom`, `namespace`; `tool_choice` that names one | free text in place of arguments; functions under a common name |
| items `custom_tool_call`, `custom_tool_call_output`, `additional_tools`; `namespace` of a `function_call` | what comes of such tools; tools that come with the conversation |
| `text.format` of type `json_object`, `reasoning.effort` `minimal`, `max_output_tokens` below 16, longer names and ids | more than the published request takes |

## In answers

A status `cancelled`, for a background response that was cancelled; its last event is `response.incomplete`.
`incomplete_details.reason` is `max_output_tokens`, `incomplete_tool_call` or `cancelled`. `usage.input_tokens_details` has
`cache_write_tokens`, always 0. Items of all types have a `status`. Clients of OpenAI's SDK family are told
`response.reasoning_text.delta` and `.done` in the place of `response.reasoning.*`: the setting `reasoning_events` says more.

An answer whose request offered tools that the server would have to run names their types in the header
`antiphon-dropped-tools`.

## Endpoints

`GET`, `DELETE /v1/responses/{{id}}`, `POST /v1/responses/{{id}}/cancel`, `GET /v1/responses/{{id}}/input_items`,
`POST /v1/responses/input_tokens`, `/v1/conversations`, `/v1/models`, `/v1/chat/completions`: [protocol.md](protocol.md).

## Schemas

{schemas}

This page is made by `python -m antiphon.server.extensions_page`.
"""

EXTENSIONS: tuple[type[OutputModel], ...] = (
    CustomTool,
    NamespaceTool,
    NamedTool,
    CustomToolCall,
    CustomToolCallOutput,
    ResponseCustomToolCallInputDeltaStreamingEvent,
    ResponseCustomToolCallInputDoneStreamingEvent,
    ConversationReference,
)


def extensions_page() -> str:
    return PAGE.format(schemas="\n\n".join(map(_section, EXTENSIONS)))


def _section(model: type[OutputModel]) -> str:
    schema = TypeAdapter(model).json_schema(mode="serialization")
    return f"### {model.__name__}\n\n```json\n{json.dumps(schema, indent=1)}\n```"


if __name__ == "__main__":
    print(extensions_page(), end="")
