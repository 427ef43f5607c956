"""A chat request as the body of a response's request, and errors that lead back."""

from typing import Any

import pytest

from antiphon.server.chat_completions.request_places import RequestPlaces
from antiphon.server.chat_completions.request_translation import translated_request
from antiphon.server.error_table import error_payload
from antiphon.server.protocol.errors import RequestRefused
from antiphon.server.protocol.requests import CreateResponseBody
from antiphon.server.protocol.unsupported import UnsupportedTools
from antiphon.server.protocol.validation import read_create_response

USER: Any = {"role": "user", "content": "Hi"}
FUNCTION: Any = {"name": "look", "description": "Looks.", "parameters": {"type": "object"}}
GRAMMAR: Any = {"syntax": "regex", "definition": "[a-z]+"}


def read(posted: Any, places: RequestPlaces) -> CreateResponseBody:  # noqa: ANN401
    request = translated_request(posted, places)
    return read_create_response(request.body, UnsupportedTools.REJECT)


def body_of(**posted: Any) -> CreateResponseBody:  # noqa: ANN401 - any JSON value
    return read({"messages": [USER], **posted}, RequestPlaces())


def items_of(*messages: Any) -> list[Any]:  # noqa: ANN401 - any JSON value
    items = body_of(messages=list(messages)).input
    assert isinstance(items, list)
    return [item.model_dump(exclude_none=True, exclude={"id", "status"}) for item in items]


def message(role: str, content: object) -> dict[str, object]:
    return {"type": "message", "role": role, "content": content}


def test_messages_of_all_speakers_are_messages() -> None:
    assert items_of(
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": [{"type": "text", "text": "Be kind."}]},
        {"role": "user", "name": "Ann", "content": [{"type": "text", "text": "Hi"}]},
        {"role": "assistant", "content": "Hello.", "refusal": None, "tool_calls": None},
    ) == [
        message("system", "Be brief."),
        message("developer", [{"type": "text", "text": "Be kind."}]),
        message("user", [{"type": "text", "text": "Hi"}]),
        message("assistant", "Hello."),
    ]


def test_a_message_is_nothing_but_a_message_whatever_it_says_of_itself() -> None:
    assert items_of({"type": "item_reference", "id": "msg_1", **USER}) == [message("user", "Hi")]


def test_what_an_assistant_thought_said_and_called_are_items_in_that_order() -> None:
    calls = [
        {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}},
        {"id": "c2", "type": "custom", "custom": {"name": "patch", "input": "a"}},
    ]
    spoken = {"role": "assistant", "reasoning_content": "Hm.", "content": "So."}
    assert items_of(
        {**spoken, "tool_calls": calls},
        {"role": "tool", "tool_call_id": "c1", "content": "-3"},
        {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "ok"}]},
    ) == [
        {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "Hm."}]},
        message("assistant", "So."),
        {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "c2", "name": "patch", "input": "a"},
        {"type": "function_call_output", "call_id": "c1", "output": "-3"},
        {
            "type": "function_call_output",
            "call_id": "c2",
            "output": [{"type": "text", "text": "ok"}],
        },
    ]


@pytest.mark.parametrize("content", [None, "", []])
def test_calls_without_a_word_come_with_no_message(content: object) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    (item,) = items_of({"role": "assistant", "content": content, "tool_calls": [call]})
    assert item["type"] == "function_call"


def test_refusal_is_content_of_its_own() -> None:
    part = {"type": "refusal", "refusal": "No."}
    refused = message("assistant", [part])
    assert items_of({"role": "assistant", "content": None, "refusal": "No."}) == [refused]
    assert items_of({"role": "assistant", "content": [part]}) == [refused]


def test_file_is_the_same_file() -> None:
    file = {"filename": "a.txt", "file_data": "aGk="}
    part = {"type": "file", "file": file}
    (item,) = items_of({"role": "user", "content": [part]})
    assert item["content"] == [{"type": "input_file", **file}]


def test_tools_are_taken_out_of_their_wrapping() -> None:
    custom_format = {"type": "grammar", "grammar": GRAMMAR}
    body = body_of(
        tools=[
            {"type": "function", "function": {**FUNCTION, "strict": True}},
            {"type": "custom", "custom": {"name": "patch", "format": custom_format}},
            {"type": "custom", "custom": {"name": "note", "format": {"type": "text"}}},
        ]
    )
    assert [tool.model_dump(exclude_none=True) for tool in body.tools or ()] == [
        {"type": "function", **FUNCTION, "strict": True},
        {"type": "custom", "name": "patch", "format": {"type": "grammar", **GRAMMAR}},
        {"type": "custom", "name": "note", "format": {"type": "text"}},
    ]


NAMED = {"type": "function", "function": {"name": "look"}}


@pytest.mark.parametrize(
    ("posted", "choice"),
    [
        (None, None),
        ("required", "required"),
        (NAMED, {"type": "function", "name": "look"}),
        ({"type": "custom", "custom": {"name": "a"}}, {"type": "custom", "name": "a"}),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [NAMED]}},
            {
                "type": "allowed_tools",
                "mode": "required",
                "tools": [{"type": "function", "name": "look"}],
            },
        ),
    ],
)
def test_tool_choice_is_taken_out_of_its_wrapping(posted: object, choice: object) -> None:
    body = body_of(tool_choice=posted).model_dump(exclude_none=True)
    assert body.get("tool_choice") == choice


def test_answer_format_keeps_its_schema() -> None:
    schema = {"name": "city", "strict": True, "schema": {"type": "object"}}
    body = body_of(response_format={"type": "json_schema", "json_schema": schema})
    assert body.text is not None
    assert body.text.format is not None
    assert body.text.format.model_dump(by_alias=True, exclude_none=True) == {
        "type": "json_schema",
        **schema,
    }
    assert body_of(response_format={"type": "json_object"}).text is not None


def test_numbers_and_names_go_through() -> None:
    asked: dict[str, Any] = {
        "model": "tiny",
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 5,
        "min_p": 0.1,
        "presence_penalty": 1,
        "frequency_penalty": -1,
        "repetition_penalty": 1.1,
        "seed": 7,
        "stop": ["a", "b"],
        "ignore_eos": True,
        "parallel_tool_calls": False,
        "metadata": {"a": "b"},
        "service_tier": "auto",
        "safety_identifier": "me",
        "prompt_cache_key": "key",
        "stream": True,
    }
    assert asked.items() <= body_of(**asked).model_dump().items()
    assert body_of(logit_bias={"5": 1}).logit_bias == {5: 1}
    assert body_of(reasoning_effort="low").reasoning is not None
    assert body_of(verbosity="medium").text is not None


def test_newer_name_of_the_token_limit_counts() -> None:
    assert body_of(max_tokens=5).max_output_tokens == 5
    assert body_of(max_tokens=5, max_completion_tokens=6).max_output_tokens == 6
    assert body_of(max_tokens=5, max_completion_tokens=None).max_output_tokens == 5


def test_nothing_is_stored() -> None:
    assert not body_of().is_stored
    assert not body_of(store=False).is_stored


def test_log_probabilities_are_included_where_they_are_asked_for() -> None:
    assert body_of(logprobs=True, top_logprobs=2).include == ["message.output_text.logprobs"]
    assert body_of(logprobs=True, top_logprobs=2).top_logprobs == 2
    assert not body_of(logprobs=False, top_logprobs=0).include


def test_null_is_as_good_as_nothing() -> None:
    keys = (
        "n store audio functions stop tools stream_options logprobs response_format max_tokens "
        "modalities user stream verbosity"
    )
    assert body_of(**dict.fromkeys(keys.split())) == body_of()


def test_unknown_keys_and_values_that_are_served_are_no_errors() -> None:
    body_of(n=1, store=False, modalities=["text"], user={"id": 1}, surprise=[{}])


def test_usage_is_included_in_a_stream_that_asks_for_it() -> None:
    asked: Any = {"messages": [USER], "stream_options": {"include_usage": True}}
    assert translated_request(asked, RequestPlaces()).includes_usage
    assert not translated_request({"messages": [USER]}, RequestPlaces()).includes_usage


def call_of(**call: object) -> dict[str, object]:
    return {"messages": [USER, {"role": "assistant", "tool_calls": [call]}]}


def part_of(**part: object) -> dict[str, object]:
    return {"messages": [USER, {"role": "user", "content": [{"type": "text", "text": ""}, part]}]}


@pytest.mark.parametrize(
    ("posted", "param"),
    [
        ([], None),
        ({"messages": "Hi"}, "messages"),
        ({"messages": [USER, "Hi"]}, "messages[1]"),
        ({"messages": [{"content": "Hi"}]}, "messages[0].role"),
        ({"messages": [{"role": "function", "name": "f", "content": ""}]}, "messages[0].role"),
        ({"messages": [USER, {"role": "user"}]}, "messages[1].content"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"messages": [{"role": "assistant", "content": None}]}, "messages[0].content"),
        (part_of(type="text"), "messages[1].content[1].text"),
        (part_of(type="image_url", image_url={"url": "x"}), "messages[1].content[1].type"),
        (part_of(type="input_audio", input_audio={}), "messages[1].content[1].type"),
        (part_of(type="video_url", video_url={}), "messages[1].content[1].type"),
        (part_of(type="surprise"), "messages[1].content[1].type"),
        (part_of(type="file", file={"file_id": "f"}), "messages[1].content[1].file.file_id"),
        (part_of(type="file", file={"file_data": 5}), "messages[1].content[1].file.file_data"),
        (
            {"messages": [{"role": "assistant", "content": "", "reasoning_content": 5}]},
            "messages[0].reasoning_content",
        ),
        ({"messages": [{"role": "assistant", "refusal": 5}]}, "messages[0].refusal"),
        ({"messages": [{"role": "assistant", "audio": {"id": "a"}}]}, "messages[0].audio"),
        (
            {"messages": [{"role": "assistant", "function_call": {}}]},
            "messages[0].function_call",
        ),
        ({"messages": [{"role": "assistant", "tool_calls": 5}]}, "messages[0].tool_calls"),
        ({"messages": [{"role": "assistant", "tool_calls": [5]}]}, "messages[0].tool_calls[0]"),
        (call_of(function={"name": "f", "arguments": "{}"}), "messages[1].tool_calls[0].id"),
        (call_of(id="c", function={"name": "f"}), "messages[1].tool_calls[0].function.arguments"),
        (call_of(id="c"), "messages[1].tool_calls[0].function.name"),
        (
            call_of(id="c", type="custom", custom={"name": "f"}),
            "messages[1].tool_calls[0].custom.input",
        ),
        ({"messages": [{"role": "tool", "content": ""}]}, "messages[0].tool_call_id"),
        ({"messages": [{"role": "tool", "tool_call_id": "c"}]}, "messages[0].content"),
        (
            {"messages": [{"role": "tool", "tool_call_id": "c", "content": [{"type": "x"}]}]},
            "messages[0].content[0].type",
        ),
        ({"tools": {}}, "tools"),
        ({"tools": [5]}, "tools[0]"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"tools": [{"type": "function", **FUNCTION}]}, "tools[0].function.name"),
        (
            {"tools": [{"type": "function", "function": {"name": "a b"}}]},
            "tools[0].function.name",
        ),
        (
            {"tools": [{"type": "function", "function": {"name": "a", "parameters": 5}}]},
            "tools[0].function.parameters",
        ),
        (
            {"tools": [{"type": "custom", "custom": {"name": "a", "format": {"type": "x"}}}]},
            "tools[0].custom.format.type",
        ),
        (
            {
                "tools": [
                    {
                        "type": "custom",
                        "custom": {
                            "name": "a",
                            "format": {"type": "grammar", "grammar": {"syntax": "x"}},
                        },
                    }
                ]
            },
            "tools[0].custom.format.grammar.syntax",
        ),
        ({"tool_choice": "surprise"}, "tool_choice"),
        ({"tool_choice": {"type": "web_search"}}, "tool_choice.type"),
        ({"tool_choice": {"type": "function"}}, "tool_choice.function.name"),
        (
            {"tool_choice": {"type": "allowed_tools", "allowed_tools": {"tools": 5}}},
            "tool_choice.allowed_tools.tools",
        ),
        (
            {
                "tool_choice": {
                    "type": "allowed_tools",
                    "allowed_tools": {"mode": 5, "tools": [NAMED]},
                }
            },
            "tool_choice.allowed_tools.mode",
        ),
        (
            {
                "tool_choice": {
                    "type": "allowed_tools",
                    "allowed_tools": {"tools": [NAMED, {"type": "function"}]},
                }
            },
            "tool_choice.allowed_tools.tools[1].function.name",
        ),
        ({"response_format": "json"}, "response_format"),
        ({"response_format": {"type": "yaml"}}, "response_format.type"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "a b"}}},
            "response_format.json_schema.name",
        ),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"schema": 1}}},
            "response_format.json_schema.schema",
        ),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_completion_tokens": 0}, "max_completion_tokens"),
        ({"reasoning_effort": "wild"}, "reasoning_effort"),
        ({"verbosity": "high"}, "verbosity"),
        ({"logprobs": 5}, "logprobs"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        ({"stream_options": 5}, "stream_options"),
        ({"stream_options": {"include_usage": "yes"}}, "stream_options.include_usage"),
        ({"temperature": "hot"}, "temperature"),
        ({"stop": [""]}, "stop[0]"),
        ({"service_tier": "scale"}, "service_tier"),
        ({"n": 2}, "n"),
        ({"store": True}, "store"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"audio": {}}, "audio"),
        ({"prediction": {}}, "prediction"),
        ({"web_search_options": {}}, "web_search_options"),
        ({"functions": []}, "functions"),
        ({"function_call": "auto"}, "function_call"),
    ],
)
def test_error_names_the_field_as_it_was_sent(posted: Any, param: str | None) -> None:  # noqa: ANN401
    if isinstance(posted, dict):
        posted = {"messages": [USER], **posted}
    places = RequestPlaces()
    with pytest.raises(RequestRefused) as raised, places.in_errors():
        read(posted, places)
    payload = error_payload(raised.value)
    assert payload.param == param
    assert param is None or f"'{param}'" in payload.message


def test_error_of_later_work_is_renamed_too() -> None:
    places = RequestPlaces()
    translated_request({"messages": [USER]}, places)
    for error, param in (
        (RequestRefused("input", "'input' is required."), "messages"),
        (RequestRefused("max_output_tokens", "Too many."), "max_tokens"),
        (RequestRefused("input[0].content[3].text", "Odd."), "messages[0].content[3].text"),
        (RequestRefused("input[01]", "Odd."), "messages[01]"),
        (RequestRefused("model", "Unknown."), "model"),
        (RequestRefused(None, "Odd."), None),
    ):
        with pytest.raises(RequestRefused) as raised, places.in_errors():
            raise error
        assert raised.value.param == param
    assert "input" not in str(raised.value)
