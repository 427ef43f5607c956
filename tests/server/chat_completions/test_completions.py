"""Chat completions over HTTP: whole, in chunks, and refused."""

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from antiphon.engine.errors import EngineDied, EngineOverloaded, PromptTooLong
from antiphon.engine.outputs import FinishReason, TokenLogprobs
from antiphon.models.dialects.registry import dialect_named
from antiphon.models.language_side import LanguageSide
from antiphon.server.app import create_app
from tests.fake_engine import FakeEngine, Script
from tests.serving import EncodePieces, error_of, make_context

USER = {"role": "user", "content": "Hi"}
FUNCTION = {"name": "get_weather", "parameters": {"type": "object"}}
TOOLS = [
    {"type": "function", "function": FUNCTION},
    {"type": "custom", "custom": {"name": "patch"}},
]
CALL = '<tool_call>{"name": "get_weather", "arguments": {"city": "Oslo"}}</tool_call>'
CUSTOM_CALL = '<tool_call>{"name": "patch", "arguments": {"input": "a\\nb"}}</tool_call>'


@pytest.fixture(scope="session")
def thinking(language_side: LanguageSide) -> LanguageSide:
    return replace(language_side, dialect=dialect_named("qwen3"))


class ChatClient:
    """Asks one engine, in memory."""

    def __init__(self, engine: FakeEngine, language_side: LanguageSide) -> None:
        app = create_app(make_context(engine, language_side))
        transport = httpx.ASGITransport(app=app)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://test")

    async def post(self, **body: object) -> httpx.Response:
        return await self.http.post("/v1/chat/completions", json={"messages": [USER], **body})

    async def complete(self, **body: object) -> dict[str, Any]:
        answer = await self.post(**body)
        assert answer.status_code == 200, answer.text
        completion: dict[str, Any] = answer.json()
        return completion

    async def stream(self, **body: object) -> list[dict[str, Any]]:
        answer = await self.post(stream=True, **body)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("text/event-stream")
        return chunks_of(answer.text)


def chunks_of(text: str) -> list[dict[str, Any]]:
    *events, done, rest = text.split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    assert all(event.startswith("data: {") and "\n" not in event for event in events)
    return [json.loads(event.removeprefix("data: ")) for event in events]


def folded(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    """The choice that a client puts together from its deltas."""
    message: dict[str, Any] = {"content": "", "refusal": None}
    calls: list[dict[str, Any]] = []
    logprobs: list[Any] = []
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    for choice in choices:
        for key, value in choice["delta"].items():
            if key != "tool_calls":
                message[key] = (message.get(key) or "") + value
        for call in choice["delta"].get("tool_calls", ()):
            add_call(calls, dict(call))
        logprobs += (choice["logprobs"] or {"content": []})["content"]
    if calls:
        message["tool_calls"] = calls
        message["content"] = message["content"] or None
    return {
        "index": 0,
        "message": message,
        "logprobs": {"content": logprobs, "refusal": None} if logprobs else None,
        "finish_reason": choices[-1]["finish_reason"],
    }


def add_call(calls: list[dict[str, Any]], delta: dict[str, Any]) -> None:
    index = delta.pop("index")
    if "id" in delta:
        assert index == len(calls)
        calls.append(delta)
        return
    for kind, text in (("function", "arguments"), ("custom", "input")):
        if kind in delta:
            calls[index][kind][text] += delta[kind][text]


async def completed(script: Script, language_side: LanguageSide, **body: object) -> dict[str, Any]:
    """The choice, the same whole and in chunks."""
    completion = await ChatClient(FakeEngine(script), language_side).complete(**body)
    chunks = await ChatClient(FakeEngine(script), language_side).stream(**body)
    choice: dict[str, Any] = completion["choices"][0]
    assert folded(chunks) == choice
    return choice


async def test_completion_is_whole(language_side: LanguageSide, said: EncodePieces) -> None:
    script = Script(said("Hello", " world"), num_cached_tokens=3)
    client = ChatClient(FakeEngine(script), language_side)
    completion = await client.complete(model="org/alias", temperature=0)
    usage = completion.pop("usage")
    assert completion.pop("id").startswith("chatcmpl-")
    assert completion == {
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "org/alias",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hello world", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "service_tier": "default",
        "system_fingerprint": None,
    }
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert usage["prompt_tokens_details"] == {"cached_tokens": 3}
    assert usage["completion_tokens_details"] == {"reasoning_tokens": 0}


async def test_stream_begins_with_the_role_and_ends_with_the_reason(
    language_side: LanguageSide, said: EncodePieces
) -> None:
    client = ChatClient(FakeEngine(Script(said("Hello", " world"))), language_side)
    chunks = await client.stream()
    assert [chunk["choices"] for chunk in chunks] == [
        [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}]
        for delta, reason in (
            ({"role": "assistant", "content": ""}, None),
            ({"content": "Hello"}, None),
            ({"content": " world"}, None),
            ({}, "stop"),
        )
    ]
    assert len({chunk["id"] for chunk in chunks}) == 1
    assert all(chunk["object"] == "chat.completion.chunk" for chunk in chunks)
    assert all("usage" not in chunk for chunk in chunks)


async def test_usage_comes_last_in_a_stream_that_asks_for_it(
    language_side: LanguageSide, said: EncodePieces
) -> None:
    script = Script(said("Hello"))
    client = ChatClient(FakeEngine(script), language_side)
    *chunks, last = await client.stream(stream_options={"include_usage": True})
    assert all(chunk["usage"] is None for chunk in chunks)
    assert last["choices"] == []
    completion = await ChatClient(FakeEngine(script), language_side).complete()
    assert last["usage"] == completion["usage"]


async def test_lengths_of_deltas_are_hidden_where_that_is_asked_for(
    language_side: LanguageSide, said: EncodePieces
) -> None:
    client = ChatClient(FakeEngine(Script(said("Hello"))), language_side)
    chunks = await client.stream(stream_options={"include_obfuscation": True})
    assert [bool(chunk.get("obfuscation")) for chunk in chunks] == [False, True, False]


async def test_thinking_text_and_calls_are_one_message(
    thinking: LanguageSide, said: EncodePieces
) -> None:
    script = Script(said("<think>Weather", "?</think>", "One moment.", CALL, CUSTOM_CALL))
    choice = await completed(script, thinking, tools=TOOLS)
    assert choice["message"] | {"tool_calls": None} == {
        "role": "assistant",
        "content": "One moment.",
        "refusal": None,
        "reasoning_content": "Weather?",
        "tool_calls": None,
    }
    function, custom = choice["message"]["tool_calls"]
    assert function.pop("id") != custom.pop("id")
    assert function == {
        "type": "function",
        "function": {"name": "get_weather", "arguments": '{"city": "Oslo"}'},
    }
    assert custom == {"type": "custom", "custom": {"name": "patch", "input": "a\nb"}}
    assert choice["finish_reason"] == "tool_calls"


async def test_calls_alone_have_no_content(thinking: LanguageSide, said: EncodePieces) -> None:
    choice = await completed(Script(said(CALL)), thinking, tools=TOOLS)
    assert choice["message"]["content"] is None


async def test_texts_around_a_call_do_not_run_together(
    thinking: LanguageSide, said: EncodePieces
) -> None:
    script = Script(said("Let me see.", CALL, "Do", "ne."))
    choice = await completed(script, thinking, tools=TOOLS)
    assert choice["message"]["content"] == "Let me see.\n\nDone."


async def test_model_that_says_nothing_has_empty_content(
    language_side: LanguageSide, said: EncodePieces
) -> None:
    choice = await completed(Script(said("")), language_side)
    assert choice["message"]["content"] == ""


async def test_answer_that_is_cut_off_says_so(thinking: LanguageSide) -> None:
    script = Script([thinking.tokenizer.encode("Hello")], FinishReason.LENGTH)
    assert (await completed(script, thinking))["finish_reason"] == "length"
    token_ids = [thinking.tokenizer.encode(CALL[:-20])]
    choice = await completed(Script(token_ids, FinishReason.LENGTH), thinking, tools=TOOLS)
    assert choice["finish_reason"] == "length"
    assert len(choice["message"]["tool_calls"]) == 1


async def test_log_probabilities_are_those_of_the_text(
    thinking: LanguageSide, said: EncodePieces
) -> None:
    token_ids = said("<think>Hm.</think>", "Hello, Ægir 👋")
    likely = TokenLogprobs(-0.25, ((70, -0.25), (71, -2.5)))
    script = Script(token_ids, logprobs=[[likely] * len(ids) for ids in token_ids])
    choice = await completed(script, thinking, logprobs=True, top_logprobs=2)
    entries = choice["logprobs"]["content"]
    assert b"".join(bytes(e["bytes"]) for e in entries).decode() == "Hello, Ægir 👋"
    assert [top["logprob"] for top in entries[0]["top_logprobs"]] == [-0.25, -2.5]
    engine = FakeEngine(script)
    await ChatClient(engine, thinking).complete(logprobs=True)
    assert engine.generations[0].params.num_top_logprobs == 0


async def test_conversation_reaches_the_prompt(thinking: LanguageSide, said: EncodePieces) -> None:
    engine = FakeEngine(Script(said(CALL)))
    client = ChatClient(engine, thinking)
    first = await client.complete(tools=TOOLS)
    message = first["choices"][0]["message"]
    output = {
        "role": "tool",
        "tool_call_id": message["tool_calls"][0]["id"],
        "content": "-3 °C",
    }
    await client.complete(messages=[USER, message, output], tools=TOOLS)
    prompt = thinking.tokenizer.decode(engine.generations[1].prompt_token_ids)
    assert '{"name": "get_weather", "arguments": {"city": "Oslo"}}' in prompt
    assert "-3 °C" in prompt


async def test_demands_become_a_grammar(thinking: LanguageSide, said: EncodePieces) -> None:
    schema = {"type": "object", "properties": {"city": {"enum": ["Oslo"]}}}
    named = {"type": "function", "function": {"name": "get_weather"}}
    for asked, word in (
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "a", "schema": schema},
                }
            },
            "Oslo",
        ),
        ({"response_format": {"type": "json_object"}}, "object"),
        ({"tools": TOOLS, "tool_choice": named}, "get_weather"),
    ):
        engine = FakeEngine(Script(said("{}")))
        await ChatClient(engine, thinking).complete(**asked)
        grammar = engine.generations[0].params.grammar
        assert grammar is not None
        assert word in grammar


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({"messages": []}, "messages", "invalid_parameter"),
        ({"messages": None}, "messages", "invalid_parameter"),
        ({"tool_choice": "required"}, "tool_choice", "invalid_parameter"),
        ({"tools": [TOOLS[0], TOOLS[0]]}, "tools[1].function.name", "invalid_parameter"),
        (
            {"tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "a"}}},
            "tool_choice.function.name",
            "invalid_parameter",
        ),
        (
            {"messages": [{"role": "tool", "tool_call_id": "c", "content": ""}]},
            "messages[0].tool_call_id",
            "invalid_parameter",
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "file", "file": {"file_data": "?"}}],
                    }
                ]
            },
            "messages[0].content[0].file.file_data",
            "invalid_parameter",
        ),
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "a", "schema": {"$ref": "#/nowhere"}},
                }
            },
            "response_format.json_schema.schema",
            "invalid_parameter",
        ),
        ({"reasoning_effort": "high"}, "reasoning_effort", "unsupported_parameter"),
        ({"temperature": 3}, "temperature", "invalid_parameter"),
        ({"n": 2}, "n", "unsupported_parameter"),
        ({"max_tokens": -1}, "max_tokens", "invalid_parameter"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_what_cannot_be_served_is_a_400_that_names_it(
    body: dict[str, object], param: str, code: str, stream: bool, language_side: LanguageSide
) -> None:
    engine = FakeEngine()
    answer = await ChatClient(engine, language_side).post(stream=stream, **body)
    error = error_of(answer, 400)
    assert (error["param"], error["code"]) == (param, code)
    assert engine.generations == []


@pytest.mark.parametrize(
    ("refusal", "status", "param"),
    [(PromptTooLong(9, 8), 400, "messages"), (EngineOverloaded("Full."), 429, None)],
)
async def test_refusal_of_the_engine_comes_before_the_first_byte(
    refusal: Exception, status: int, param: str | None, language_side: LanguageSide
) -> None:
    client = ChatClient(FakeEngine(refusal=refusal), language_side)
    error = error_of(await client.post(stream=True), status)
    assert (error["param"], error["message"]) == (param, str(refusal))


async def test_unknown_model_is_a_404(language_side: LanguageSide) -> None:
    error = error_of(await ChatClient(FakeEngine(), language_side).post(model="gpt-5"), 404)
    assert (error["param"], error["code"]) == ("model", "model_not_found")


async def test_failure_ends_a_stream_with_an_error(language_side: LanguageSide) -> None:
    script = Script([language_side.tokenizer.encode("Hello")], error=EngineDied("It ended."))
    *chunks, last = await ChatClient(FakeEngine(script), language_side).stream()
    assert folded([*chunks])["message"]["content"] == "Hello"
    assert last["error"]["message"] == "It ended."
    assert last["error"].keys() == {"type", "code", "message", "param"}


async def test_failure_of_a_whole_completion_is_a_500(language_side: LanguageSide) -> None:
    script = Script([language_side.tokenizer.encode("Hello")], error=EngineDied("It ended."))
    error = error_of(await ChatClient(FakeEngine(script), language_side).post(), 500)
    assert (error["type"], error["message"]) == ("server_error", "It ended.")


async def test_what_is_no_object_is_a_400(language_side: LanguageSide) -> None:
    client = ChatClient(FakeEngine(), language_side)
    for content in (b"[]", b"{"):
        answer = await client.http.post(
            "/v1/chat/completions", content=content, headers={"content-type": "application/json"}
        )
        assert error_of(answer, 400)["param"] is None


async def test_route_is_described(language_side: LanguageSide) -> None:
    document = (await ChatClient(FakeEngine(), language_side).http.get("/openapi.json")).json()
    operation = document["paths"]["/v1/chat/completions"]["post"]
    assert operation["operationId"] == "createChatCompletion"
    assert "ChatCompletion" in document["components"]["schemas"]
