"""What coding agents send: namespaces, tools of the conversation, tools nobody here can run."""

import json
from dataclasses import replace
from typing import Any

import pytest

from antiphon.models.dialects.registry import dialect_named
from antiphon.models.language_side import LanguageSide
from antiphon.server.protocol.unsupported import UnsupportedTools
from tests.fake_engine import FakeEngine, Script
from tests.serving import Client, EncodePieces, error_of, make_context

FUNCTION = {"type": "function", "name": "spawn", "parameters": {"type": "object"}}
NAMESPACE = {"type": "namespace", "name": "agents", "description": "Several.", "tools": [FUNCTION]}
WEB_SEARCH = {"type": "web_search", "external_web_access": False}


def call(name: str) -> str:
    return f'<tool_call>{{"name": "{name}", "arguments": {{"a": 1}}}}</tool_call>'


@pytest.fixture(scope="session")
def language_side(language_side: LanguageSide) -> LanguageSide:
    return replace(language_side, dialect=dialect_named("qwen3"))


def client_of(language_side: LanguageSide, script: Script, **changes: Any) -> Client:  # noqa: ANN401
    return Client(make_context(FakeEngine(script), language_side, **changes))


async def test_function_of_a_namespace_comes_back_with_its_own_name(
    language_side: LanguageSide, said: EncodePieces
) -> None:
    client = client_of(language_side, Script(said(call("agents__spawn"), call("spawn"))))
    events = await client.stream(tools=[NAMESPACE, {**FUNCTION, "strict": None}])
    namespaced, plain = events[-1]["response"]["output"]
    assert (namespaced["name"], namespaced["namespace"]) == ("spawn", "agents")
    assert plain["name"] == "spawn"
    assert "namespace" not in plain
    assert events[-1]["response"]["tools"][0]["tools"][0]["name"] == "spawn"


async def test_call_of_a_namespace_can_be_sent_back(
    language_side: LanguageSide, said: EncodePieces
) -> None:
    engine = FakeEngine(Script(said("Done.")))
    item = {
        "type": "function_call",
        "call_id": "c",
        "name": "spawn",
        "namespace": "agents",
        "arguments": "{}",
    }
    output = {"type": "function_call_output", "call_id": "c", "output": "ok"}
    client = Client(make_context(engine, language_side))
    response = await client.respond(input=[item, output], tools=[NAMESPACE])
    prompt = language_side.tokenizer.decode(engine.generations[0].prompt_token_ids)
    assert '"name": "agents__spawn"' in prompt
    path = f"/v1/responses/{response['id']}/input_items?order=asc"
    kept = (await client.http.get(path)).json()["data"]
    assert (kept[0]["name"], kept[0]["namespace"]) == ("spawn", "agents")


async def test_function_of_a_namespace_can_be_chosen(
    language_side: LanguageSide, said: EncodePieces
) -> None:
    client = client_of(language_side, Script(said(call("agents__spawn"))))
    chosen = {"type": "function", "name": "spawn", "namespace": "agents"}
    response = await client.respond(tools=[NAMESPACE], tool_choice=chosen)
    assert response["tool_choice"] == chosen
    await client.respond(
        tools=[NAMESPACE], tool_choice={"type": "allowed_tools", "tools": [chosen]}
    )
    error = await client.refusal(
        400, tools=[NAMESPACE], tool_choice={"type": "function", "name": "spawn"}
    )
    assert error["param"] == "tool_choice.name"


async def test_tools_that_the_server_cannot_run_are_left_out_and_named(
    language_side: LanguageSide, said: EncodePieces
) -> None:
    client = client_of(language_side, Script(said("Hello")))
    tools = [WEB_SEARCH, FUNCTION, {"type": "local_shell"}, WEB_SEARCH]
    for stream in (False, True):
        body = {"input": "Hi", "tools": tools, "stream": stream}
        answer = await client.http.post("/v1/responses", json=body)
        assert answer.headers["antiphon-dropped-tools"] == "web_search, local_shell"
    response = await client.respond(tools=tools, tool_choice="auto")
    assert [tool["type"] for tool in response["tools"]] == ["function"]
    answer = await client.http.post("/v1/responses", json={"input": "Hi", "tools": [FUNCTION]})
    assert "antiphon-dropped-tools" not in answer.headers


@pytest.mark.parametrize(
    ("tool_choice", "param"),
    [
        ({"type": "web_search"}, "tool_choice.type"),
        ({"type": "allowed_tools", "tools": [{"type": "web_search"}]}, "tool_choice.tools"),
        ("required", "tool_choice"),
    ],
)
async def test_demanding_such_a_tool_is_a_400(
    language_side: LanguageSide, tool_choice: object, param: str
) -> None:
    client = client_of(language_side, Script())
    tools = [WEB_SEARCH] if tool_choice == "required" else [FUNCTION, WEB_SEARCH]
    error = await client.refusal(400, tools=tools, tool_choice=tool_choice)
    assert error["param"] == param


@pytest.mark.parametrize("kind", ["工具", "a\r\nX: 1", "", "x" * 65])
async def test_tool_type_that_no_header_could_name_is_refused(
    language_side: LanguageSide, kind: str
) -> None:
    client = client_of(language_side, Script())
    assert (await client.refusal(400, tools=[{"type": kind}]))["param"] == "tools[0].type"


async def test_allowed_tools_are_those_that_are_left(
    language_side: LanguageSide, said: EncodePieces
) -> None:
    client = client_of(language_side, Script(said(call("spawn"))))
    allowed = [{"type": "function", "name": "spawn"}, {"type": "web_search"}]
    response = await client.respond(
        tools=[FUNCTION, WEB_SEARCH], tool_choice={"type": "allowed_tools", "tools": allowed}
    )
    assert response["tool_choice"]["tools"] == allowed[:1]


async def test_server_may_be_told_to_refuse_such_tools(language_side: LanguageSide) -> None:
    client = client_of(language_side, Script(), unsupported_tools=UnsupportedTools.REJECT)
    error = await client.refusal(400, tools=[FUNCTION, WEB_SEARCH])
    assert (error["param"], error["code"]) == ("tools[1].type", "unsupported_parameter")


async def test_tools_that_come_with_the_conversation_can_be_called(
    language_side: LanguageSide, said: EncodePieces
) -> None:
    engine = FakeEngine(Script(said(call("spawn"))))
    client = Client(make_context(engine, language_side))
    tools = {"type": "additional_tools", "role": "developer", "tools": [NAMESPACE, FUNCTION]}
    first = await client.respond(input=[tools, {"role": "user", "content": "Hi"}])
    assert first["output"][0]["name"] == "spawn"
    assert first["tools"] == []
    output = {"type": "function_call_output", "call_id": first["output"][0]["call_id"]}
    await client.respond(
        input=[{**output, "output": "ok"}, tools],
        previous_response_id=first["id"],
        tools=[FUNCTION],
    )
    prompt = language_side.tokenizer.decode(engine.generations[1].prompt_token_ids)
    assert prompt.count('"description"') <= 2, "a tool that comes again is offered once"


async def test_at_most_so_many_calls_are_made(
    language_side: LanguageSide, said: EncodePieces
) -> None:
    script = Script(said(*[call("spawn")] * 4))
    engine = FakeEngine(script)
    client = Client(make_context(engine, language_side))
    response = await client.respond(tools=[FUNCTION], max_tool_calls=2)
    assert len(response["output"]) == 2
    assert response["status"] == "completed"
    assert engine.aborted == [0]


async def test_reasoning_events_have_the_names_that_the_client_knows(
    language_side: LanguageSide, said: EncodePieces
) -> None:
    client = client_of(language_side, Script(said("<think>Hm.</think>Hello")))
    body = {"input": "Hi", "stream": True}
    standard = (await client.http.post("/v1/responses", json=body)).text
    headers = {"x-stainless-lang": "python"}
    openai = (await client.http.post("/v1/responses", json=body, headers=headers)).text
    for text, mine, theirs in (
        (standard, "response.reasoning.", "response.reasoning_text."),
        (openai, "response.reasoning_text.", "response.reasoning."),
    ):
        assert f"event: {mine}delta\n" in text
        assert f'"type":"{mine}done"' in text
        assert theirs not in text
    response_id = json.loads(standard.split("data: ")[1].split("\n")[0])["response"]["id"]
    path = f"/v1/responses/{response_id}?stream=true"
    assert "response.reasoning_text.delta" in (await client.http.get(path, headers=headers)).text
    assert "response.reasoning.delta" in (await client.http.get(path)).text


async def test_deltas_hide_their_length_where_that_is_asked_for(
    language_side: LanguageSide, said: EncodePieces
) -> None:
    client = client_of(language_side, Script(said("<think>Hm.</think>Hello", call("spawn"))))
    options = {"include_obfuscation": True}
    events = await client.stream(tools=[FUNCTION], stream_options=options)
    deltas = [event for event in events if "delta" in event]
    assert len({event["type"] for event in deltas}) == 3
    for event in deltas:
        assert (len(event["delta"]) + len(event["obfuscation"])) % 16 == 0
    assert not any("obfuscation" in event for event in await client.stream(tools=[FUNCTION]))


async def test_form_is_read_like_json(language_side: LanguageSide, said: EncodePieces) -> None:
    client = client_of(language_side, Script(said("Hello")))
    form = {"input": "Hi", "temperature": "0.5", "store": "false", "metadata": '{"a": "b"}'}
    response = (await client.http.post("/v1/responses", data=form)).json()
    assert (response["temperature"], response["store"]) == (0.5, False)
    assert response["metadata"] == {"a": "b"}
    answer = await client.http.post("/v1/responses", data={"input": "Hi", "temperature": "hot"})
    assert error_of(answer, 400)["param"] == "temperature"


async def test_phase_of_a_message_is_what_its_channel_says(
    language_side: LanguageSide, said: EncodePieces
) -> None:
    harmony = replace(language_side, dialect=dialect_named("gpt_oss"))
    text = (
        "<|channel|>analysis<|message|>Hm.<|end|>"
        "<|start|>assistant<|channel|>commentary<|message|>Let me see.<|end|>"
        "<|start|>assistant<|channel|>final<|message|>Hello."
    )
    response = await client_of(harmony, Script(said(text))).respond()
    _, commentary, final = response["output"]
    assert (commentary["phase"], final["phase"]) == ("commentary", "final_answer")
    kept = [{**item, "id": None} for item in response["output"]]
    client = client_of(language_side, Script(said("Hello")))
    again = await client.respond(input=kept)
    path = f"/v1/responses/{again['id']}/input_items?order=asc"
    phases = [item.get("phase") for item in (await client.http.get(path)).json()["data"]]
    assert phases == [None, "commentary", "final_answer"]
    assert "phase" not in again["output"][0]
