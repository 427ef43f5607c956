"""A chat request as the body of `POST /v1/responses`, which is read and refused as any other."""

import json
from dataclasses import dataclass

from pydantic import JsonValue

from antiphon.server.chat_completions.message_items import MessageItems
from antiphon.server.chat_completions.posted_json import (
    Json,
    bool_at,
    list_at,
    object_at,
    picked,
)
from antiphon.server.chat_completions.request_places import RequestPlaces
from antiphon.server.chat_completions.tool_params import ToolParams
from antiphon.server.protocol.errors import InvalidParameter, UnsupportedParameter

# What OpenAI knows and this server does not do, with the values that are served.
SERVED_VALUES: tuple[tuple[str, tuple[JsonValue, ...]], ...] = (
    ("n", (1,)),
    ("store", (False,)),
    ("modalities", (["text"],)),
    ("audio", ()),
    ("prediction", ()),
    ("web_search_options", ()),
    ("functions", ()),
    ("function_call", ()),
)

SAME_KEYS = (
    "model",
    "stream",
    "stream_options",
    "metadata",
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "presence_penalty",
    "frequency_penalty",
    "repetition_penalty",
    "logit_bias",
    "seed",
    "stop",
    "ignore_eos",
    "top_logprobs",
    "parallel_tool_calls",
    "service_tier",
    "safety_identifier",
    "prompt_cache_key",
)


@dataclass(frozen=True, slots=True)
class TranslatedRequest:
    """body: what the request says to a response. includes_usage: what only its stream knows."""

    body: Json
    includes_usage: bool


def translated_request(posted: JsonValue, places: RequestPlaces) -> TranslatedRequest:
    """Raises InvalidParameter or UnsupportedParameter; fills `places` for what is raised later."""
    if not isinstance(posted, dict):
        raise InvalidParameter(None, "The request body should be an object.")
    _refuse_unsupported(posted)
    places.add("input", "messages")
    tools = ToolParams(places)
    body: Json = {
        **picked(posted, **{key: key for key in SAME_KEYS}),
        "store": False,
        "input": MessageItems(places).of(list_at(posted, "messages", "messages")),
        "tools": tools.tools(list_at(posted, "tools", "tools")),
        "tool_choice": tools.choice(posted.get("tool_choice")),
        "max_output_tokens": _max_tokens(posted, places),
        "reasoning": {"effort": _moved(posted, "reasoning_effort", "reasoning.effort", places)},
        "text": _text(posted, places),
        "include": _include(posted),
    }
    stream_options = object_at(posted, "stream_options")
    return TranslatedRequest(
        body, bool_at(stream_options, "include_usage", "stream_options.include_usage")
    )


def _refuse_unsupported(posted: Json) -> None:
    for param, served in SERVED_VALUES:
        value = posted.get(param)
        if value is not None and value not in served:
            raise UnsupportedParameter(param, _sentence(param, served))


def _sentence(param: str, served: tuple[JsonValue, ...]) -> str:
    if not served:
        return f"'{param}' is not supported by this server."
    return f"'{param}' is supported only as {' or '.join(map(json.dumps, served))} by this server."


def _moved(posted: Json, key: str, place: str, places: RequestPlaces) -> JsonValue:
    places.add(place, key)
    return posted.get(key)


def _max_tokens(posted: Json, places: RequestPlaces) -> JsonValue:
    """The newer of the two names counts."""
    is_new = posted.get("max_completion_tokens") is not None
    key = "max_completion_tokens" if is_new else "max_tokens"
    return _moved(posted, key, "max_output_tokens", places)


def _text(posted: Json, places: RequestPlaces) -> Json:
    answer_format = _moved(posted, "response_format", "text.format", places)
    if isinstance(answer_format, dict) and answer_format.get("type") == "json_schema":
        places.add("text.format", "response_format.json_schema")
        places.add("text.format.type", "response_format.type")
        answer_format = {**object_at(answer_format, "json_schema"), "type": "json_schema"}
    verbosity = _moved(posted, "verbosity", "text.verbosity", places)
    return {"format": answer_format, "verbosity": verbosity}


def _include(posted: Json) -> list[JsonValue]:
    if bool_at(posted, "logprobs", "logprobs"):
        return ["message.output_text.logprobs"]
    if posted.get("top_logprobs"):
        raise InvalidParameter("top_logprobs", "'top_logprobs' needs 'logprobs' to be true.")
    return []
