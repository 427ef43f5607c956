"""Bodies that are wrong: each answered 400, naming the field as the client wrote it."""

import copy
import json
import logging
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.server.protocol.errors import (
    InvalidParameter,
    MalformedBody,
    RequestRefused,
    UnsupportedParameter,
)
from antiphon.server.protocol.requests import CreateResponseBody
from antiphon.server.protocol.unsupported import UnsupportedTools
from antiphon.server.protocol.validation import parse_json, read_create_response


def parse_create_response(
    body: bytes, tools: UnsupportedTools = UnsupportedTools.DROP
) -> CreateResponseBody:
    return read_create_response(parse_json(body), tools)


def refused(body: object) -> RequestRefused:
    with pytest.raises(RequestRefused) as caught:
        parse_create_response(json.dumps(body).encode())
    return caught.value


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"input": "a"} trailing',
        b'{"temperature": NaN}',
        b'{"unknown": Infinity}',
        b'{"input": "\\ud800"}',
        b'{"\\udfff": 1}',
        b'{"input": "\xff"}',
        b'\xef\xbb\xbf{"input": "byte order mark"}',
        b'{"input": ' + b"[" * 100_000,
        b'{"unknown": ' + b'{"a":' * 100_000,
        '{"input": "a"}'.encode("utf-16"),
    ],
)
def test_what_is_not_json_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedBody):
        parse_create_response(body)


USER = {"role": "user", "content": "Hi"}
TEXT_PART = {"type": "input_text", "text": "Hi"}
FUNCTION = {"type": "function", "name": "f"}
CALL = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "c", "output": "ok"}
LARK = {"type": "grammar", "syntax": "lark", "definition": "start: /a/"}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ([], None),
        ("text", None),
        (None, None),
        ({"temperature": "0.5"}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"top_p": []}, "top_p"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"max_output_tokens": 10**30}, "max_output_tokens"),
        ({"max_output_tokens": 16.5}, "max_output_tokens"),
        ({"stream": "true"}, "stream"),
        ({"stream": 1}, "stream"),
        ({"model": 5}, "model"),
        ({"instructions": ["a"]}, "instructions"),
        ({"metadata": {"key": 1}}, "metadata.key"),
        ({"metadata": {str(n): "" for n in range(17)}}, "metadata"),
        ({"metadata": {"key": "v" * 513}}, "metadata.key"),
        ({"metadata": {"k" * 65: "v"}}, "metadata." + "k" * 65),
        ({"safety_identifier": "s" * 65}, "safety_identifier"),
        ({"max_tool_calls": 0}, "max_tool_calls"),
        ({"parallel_tool_calls": "yes"}, "parallel_tool_calls"),
        ({"text": "plain"}, "text"),
        ({"text": {"format": "text"}}, "text.format"),
        ({"reasoning": []}, "reasoning"),
        ({"stop": 5}, "stop"),
        ({"stop": ""}, "stop"),
        ({"stop": ["a", ""]}, "stop[1]"),
        ({"stop": ["a", None]}, "stop[1]"),
        ({"stop": ["a"] * 17}, "stop"),
        ({"logit_bias": {"5": "much"}}, "logit_bias.5"),
        ({"logit_bias": {"five": 1}}, "logit_bias.five"),
        ({"logit_bias": {"-5": 1}}, "logit_bias.-5"),
        ({"top_k": -2}, "top_k"),
        ({"top_logprobs": 21}, "top_logprobs"),
        ({"include": "message.output_text.logprobs"}, "include"),
        ({"tools": {}}, "tools"),
        ({"tools": [5]}, "tools[0]"),
        ({"tools": [{"name": "f"}]}, "tools[0].type"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools[0].name"),
        ({"tools": [{**FUNCTION, "name": "f g"}]}, "tools[0].name"),
        ({"tools": [{**FUNCTION, "name": "f" * 129}]}, "tools[0].name"),
        ({"tools": [{**FUNCTION, "parameters": []}]}, "tools[0].parameters"),
        ({"tools": [{"type": "custom"}]}, "tools[0].name"),
        (
            {"tools": [{"type": "custom", "name": "c", "format": {**LARK, "syntax": "ebnf"}}]},
            "tools[0].format.syntax",
        ),
        ({"tool_choice": "sometimes"}, "tool_choice"),
        ({"tool_choice": 5}, "tool_choice"),
        ({"tool_choice": {}}, "tool_choice.type"),
        ({"tool_choice": {"type": "function"}}, "tool_choice.name"),
        ({"tool_choice": {"type": "allowed_tools", "tools": []}}, "tool_choice.tools"),
        (
            {"tool_choice": {"type": "allowed_tools", "tools": [FUNCTION], "mode": "all"}},
            "tool_choice.mode",
        ),
        ({"text": {"format": {"type": "json_schema", "name": "a b"}}}, "text.format.name"),
        (
            {"text": {"format": {"type": "json_schema", "name": "n", "schema": []}}},
            "text.format.schema",
        ),
        ({"reasoning": {"effort": "most"}}, "reasoning.effort"),
        ({"input": [{**CALL, "arguments": {}}]}, "input[0].arguments"),
        ({"input": [{**CALL, "call_id": ""}]}, "input[0].call_id"),
        ({"input": [{"type": "function_call_output", "output": ""}]}, "input[0].call_id"),
        ({"input": [{**OUTPUT, "output": {}}]}, "input[0].output"),
        ({"input": [{"type": "custom_tool_call", "call_id": "c"}]}, "input[0].name"),
        (
            {"input": [{"type": "reasoning", "content": [{"type": "reasoning_text"}]}]},
            "input[0].content[0].text",
        ),
        ({"input": 5}, "input"),
        ({"input": {"role": "user"}}, "input"),
        ({"input": [5]}, "input[0]"),
        ({"input": [USER, {"role": "user"}]}, "input[1].content"),
        ({"input": [{"content": "Hi"}]}, "input[0].role"),
        ({"input": [{"role": "tool", "content": "Hi"}]}, "input[0].role"),
        ({"input": [{"role": "user", "content": 5}]}, "input[0].content"),
        ({"input": [{"role": "user", "content": None}]}, "input[0].content"),
        ({"input": [{"role": "user", "content": [TEXT_PART, 5]}]}, "input[0].content[1]"),
        ({"input": [{"role": "user", "content": [{"text": "Hi"}]}]}, "input[0].content[0].type"),
        (
            {"input": [{"role": "user", "content": [{"type": "text"}]}]},
            "input[0].content[0].text",
        ),
        (
            {"input": [{"role": "user", "content": [TEXT_PART, {"type": "text", "text": 5}]}]},
            "input[0].content[1].text",
        ),
        (
            {"input": [{"role": "user", "content": [{"type": "text", "text": {"text": 5}}]}]},
            "input[0].content[0].text",
        ),
        (
            {"input": [{"role": "assistant", "content": [{"type": "refusal", "refusal": {}}]}]},
            "input[0].content[0].refusal",
        ),
    ],
)
def test_wrong_value_is_named_as_the_client_wrote_it(body: object, param: str | None) -> None:
    error = refused(body)
    assert isinstance(error, InvalidParameter)
    assert error.param == param
    assert str(error).startswith(f"'{param}' " if param else "The request body ")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"prompt": {"id": "p"}}, "prompt"),
        ({"context_management": [{"type": "other"}]}, "context_management[0].type"),
        ({"tools": [FUNCTION], "tool_choice": {"type": "mcp"}}, "tool_choice.type"),
        ({"text": {"format": {"type": "grammar"}}}, "text.format.type"),
        ({"input": [USER, {"type": "web_search_call", "id": "ws_1"}]}, "input[1].type"),
        ({"input": [{**OUTPUT, "output": [{"type": "input_image"}]}]}, "input[0].output[0].type"),
        ({"text": {"verbosity": "low"}}, "text.verbosity"),
        (
            {"input": [{**USER, "content": [{"type": "input_file", "file_id": "file_1"}]}]},
            "input[0].content[0].file_id",
        ),
        (
            {"input": [USER, {"role": "user", "content": [TEXT_PART, {"type": "input_image"}]}]},
            "input[1].content[1].type",
        ),
    ],
)
def test_what_is_known_but_not_served_is_refused_by_name(body: object, param: str) -> None:
    error = refused(body)
    assert isinstance(error, UnsupportedParameter)
    assert error.param == param
    assert f"'{param}'" in str(error)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"tools": [FUNCTION, {"type": "web_search"}]}, "tools[1].type"),
        (
            {"input": [{"type": "additional_tools", "tools": [{"type": "mcp"}]}]},
            "input[0].tools[0].type",
        ),
        (
            {"tool_choice": {"type": "allowed_tools", "tools": [{"type": "mcp"}]}},
            "tool_choice.tools[0].type",
        ),
    ],
)
def test_tools_that_the_server_would_have_to_run_are_refused_only_if_it_is_told_to(
    body: object, param: str
) -> None:
    posted = json.dumps(body).encode()
    parse_create_response(posted)
    with pytest.raises(UnsupportedParameter) as caught:
        parse_create_response(posted, UnsupportedTools.REJECT)
    assert caught.value.param == param


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"previous_response_id": "resp_1", "store": True, "background": True},
        {"conversation": "conv_1", "include": ["file_search_call.results"]},
        {"conversation": {"id": "conv_1"}, "truncation": "auto", "context_management": []},
        {"context_management": [{"type": "compaction", "compact_threshold": 1000}]},
        {"text": {"format": {"type": "json_schema"}}},
        {"reasoning": {"summary": "detailed"}, "stream_options": {"include_obfuscation": True}},
        {"input": [USER, {"type": "item_reference", "id": "msg_1"}, {"id": "msg_2"}]},
        {"input": [{"type": "compaction", "encrypted_content": "x", "id": None}]},
        {"text": {}, "include": [], "tools": [], "tool_choice": "auto", "store": False},
        {"tool_choice": "none", "truncation": "disabled", "service_tier": "auto"},
        {"background": False, "service_tier": "default", "parallel_tool_calls": True},
        {"max_tool_calls": 3, "safety_identifier": "s" * 64, "prompt_cache_key": "p" * 64},
        {"top_logprobs": 0, "text": {"format": {"type": "text"}}, "max_output_tokens": 1},
        {"reasoning": {"effort": "none", "summary": None}, "reasoning.effort": "low"},
        {"stream_options": {"include_obfuscation": False}, "stream": True},
        {"stop": ["a", "b"], "logit_bias": {"5": -100, "7": 1.5}, "seed": -1, "ignore_eos": True},
        {"client_metadata": {"anything": [1, 2]}, "prompt_cache_retention": "24h", "user": None},
        {"input": [{**USER, "id": None, "status": None, "phase": None, "type": None}]},
        {"input": [{**USER, "id": "msg_never_issued", "status": "odd", "extra": {"a": 1}}]},
        {"input": [{"role": "assistant", "phase": "commentary", "content": []}]},
        {"include": ["message.output_text.logprobs", "reasoning.encrypted_content"]},
        {"tools": [{**FUNCTION, "parameters": None, "strict": None, "description": None}]},
        {"tools": [{"type": "custom", "name": "c", "format": LARK}], "top_logprobs": 20},
        {"tools": [FUNCTION], "tool_choice": FUNCTION, "reasoning": {"summary": "auto"}},
        {"tools": [FUNCTION], "tool_choice": {"type": "allowed_tools", "tools": [FUNCTION]}},
        {"text": {"format": {"type": "json_object"}}},
        {"text": {"format": {"type": "json_schema", "name": "n", "schema": {}, "strict": None}}},
        {"input": [CALL, {**OUTPUT, "output": [TEXT_PART], "id": "fco_1", "status": None}]},
        {"input": [{"type": "reasoning", "summary": [], "encrypted_content": None}]},
        {"input": [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "a"}]}]},
        {"input": [{"type": "custom_tool_call", "call_id": "c", "name": "f", "input": "a"}]},
    ],
)
def test_what_clients_really_send_is_taken(body: dict[str, object]) -> None:
    parse_create_response(json.dumps({"model": "m", **body}).encode())


def test_every_field_may_be_null() -> None:
    served = parse_create_response(b"{}").model_dump()
    nulls = dict.fromkeys([*served, "previous_response_id", "conversation", "prompt"])
    assert parse_create_response(json.dumps(nulls).encode()) == parse_create_response(b"{}")


def test_unknown_keys_are_ignored_with_a_word_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.DEBUG):
        parse_create_response(b'{"model": "m", "client_metadata": {}, "abc": 1}')
    assert "abc, client_metadata" in caplog.text


FULL_BODY: dict[str, Any] = {
    "input": [
        {"type": "message", "role": "user", "content": [TEXT_PART, {"type": "text", "text": "a"}]},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
        {"role": "system", "content": "text"},
        {**CALL, "status": "completed"},
        {**OUTPUT, "output": [TEXT_PART]},
        {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "a"}]},
    ],
    "tools": [{**FUNCTION, "parameters": {}}, {"type": "custom", "name": "c", "format": LARK}],
    "tool_choice": {"type": "allowed_tools", "tools": [FUNCTION]},
    "metadata": {"text": "a"},
    "text": {"format": {"type": "json_schema", "name": "n", "schema": {"a": [1]}}},
    "reasoning": {"effort": None},
    "stop": ["a"],
    "logit_bias": {"1": 1},
}


def _places(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    steps: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        steps = list(value.items())
    elif isinstance(value, list):
        steps = list(enumerate(value))
    return [path, *(place for step, inner in steps for place in _places(inner, (*path, step)))]


@given(
    place=st.sampled_from([place for place in _places(FULL_BODY) if place]),
    value=st.sampled_from([None, 5, -1.5, True, "text", "", [], {}, [5], {"text": {}}, {"a": 1}]),
)
def test_param_never_holds_a_step_that_the_client_did_not_write(
    place: tuple[str | int, ...], value: object
) -> None:
    body = copy.deepcopy(FULL_BODY)
    parent: Any = body
    for step in place[:-1]:
        parent = parent[step]
    parent[place[-1]] = value
    param = _refused_param(body)
    assert param is None or _leads_somewhere(param, body)


def _refused_param(body: object) -> str | None:
    try:
        parse_create_response(json.dumps(body).encode())
    except RequestRefused as error:
        return error.param
    return None


def _leads_somewhere(param: str, body: object) -> bool:
    """Every step exists, but for the last: that may be what is missing."""
    steps = re.findall(r"\[\d+\]|[^.\[\]]+", param)
    for step in steps[:-1]:
        body = body[int(step[1:-1])] if isinstance(body, list) else body[step]  # type: ignore[index]
    if isinstance(body, list):
        return int(steps[-1][1:-1]) < len(body)
    return isinstance(body, dict)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"input": [{"role": "user", "content": "x"}] * 10_001}, "input"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_text", "text": ""}] * 1001}]},
            "input[0].content",
        ),
        ({"logit_bias": {str(token_id): 1 for token_id in range(1025)}}, "logit_bias"),
        ({"logit_bias": {f"no id {index}": 1 for index in range(1025)}}, "logit_bias"),
        ({"metadata": {str(index): "x" for index in range(17)}}, "metadata"),
    ],
)
def test_what_would_hold_up_others_is_refused_by_its_size(
    body: dict[str, object], param: str
) -> None:
    with pytest.raises(InvalidParameter, match="at most") as caught:
        parse_create_response(json.dumps(body).encode())
    assert caught.value.param == param
