"""Random requests: most can be answered, some are wrong in one place."""

from random import Random
from typing import Any

Json = dict[str, Any]

PARAMETERS = {"type": "object", "properties": {"a": {"type": "string"}}}
FUNCTION = {"type": "function", "name": "f", "parameters": PARAMETERS, "description": "Does."}
STRICT = {"type": "function", "name": "g", "parameters": PARAMETERS, "strict": True}
BARE = {"type": "function", "name": "h"}
CUSTOM = {"type": "custom", "name": "patch", "description": "Patches."}
WORD: Json = {
    "type": "custom",
    "name": "word",
    "format": {"type": "grammar", "syntax": "regex", "definition": "[a-z]+"},
}
SUM = {
    "type": "custom",
    "name": "sum",
    "format": {"type": "grammar", "syntax": "lark", "definition": 'start: "1" ("+" "1")*'},
}
NAMESPACE = {"type": "namespace", "name": "agents", "tools": [{**FUNCTION, "name": "spawn"}]}
HOSTED = {"type": "web_search"}
TOOLS: tuple[Json, ...] = (FUNCTION, STRICT, BARE, CUSTOM, WORD, SUM, NAMESPACE, HOSTED)

FORMATS = (
    *(None, {"type": "text"}, {"type": "json_object"}),
    {"type": "json_schema", "name": "answer", "schema": PARAMETERS},
    {"type": "json_schema", "name": "answer", "schema": PARAMETERS, "strict": True},
)
INCLUDES = ["message.output_text.logprobs", "reasoning.encrypted_content"]
SUMMARIES = ("concise", "detailed", "auto", None)

QUESTIONS = ("Hi", "Grüße 👋🏽", {"role": "user", "content": "Why?"})
CALL = {"type": "function_call", "call_id": "call_x", "name": "f", "arguments": '{"a": "b"}'}
CALL_OUTPUT = {"type": "function_call_output", "call_id": "call_x", "output": "-3 °C"}
PASTS: tuple[tuple[Json, ...], ...] = (
    ({"role": "developer", "content": "Be brief."},),
    ({"role": "assistant", "content": "Yes."}, {"role": "user", "content": "No."}),
    ({"role": "user", "content": "Call."}, CALL, CALL_OUTPUT),
    ({"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "Hm"}]},),
    ({"role": "user", "content": "Word. " * 60},),
)

WRONG: tuple[Json, ...] = (
    *({"model": "nobody"}, {"input": None}, {"input": 3}, {"input": [CALL_OUTPUT]}),
    {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}]},
    {"input": [{"type": "item_reference", "id": "msg_never"}]},
    *({"temperature": 9}, {"top_p": "x"}, {"max_output_tokens": 0}, {"max_tool_calls": 0}),
    *({"stop": [""]}, {"metadata": {"a": 1}}, {"include": ["everything"]}),
    *({"tools": [FUNCTION, FUNCTION]}, {"tools": [{**FUNCTION, "name": "a b"}]}),
    {"tools": [{**FUNCTION, "parameters": {"type": "array"}}]},
    {"tools": [{**WORD, "format": {**WORD["format"], "definition": "("}}]},
    *({"tool_choice": {"type": "function", "name": "nobody"}}, {"tool_choice": "sometimes"}),
    {"tool_choice": {"type": "web_search"}},
    {"text": {"format": {"type": "json_schema", "name": "a", "schema": {"type": 3}}}},
    *({"text": {"verbosity": "high"}}, {"reasoning": {"effort": "high"}}, {"prompt": {"id": "p"}}),
    *({"previous_response_id": "resp_never"}, {"conversation": "conv_never"}),
    {"previous_response_id": "resp_never", "conversation": "conv_never"},
    {"context_management": [{"type": "forgetting"}]},
)


def random_request(chance: Random) -> Json:
    """A body without what it continues; one of ten is wrong."""
    body = {"input": random_input(chance), **_settings(chance)}
    if chance.random() < 0.75:
        tools = chance.sample(TOOLS, chance.randrange(1, 5))
        body |= {"tools": tools, "tool_choice": _tool_choice(chance, tools)}
    return {**body, **(chance.choice(WRONG) if chance.random() < 0.1 else {})}


def random_input(chance: Random) -> str | list[Json]:
    pasts = chance.sample(PASTS, chance.choice((0, 0, 1, 2)))
    question = chance.choice(QUESTIONS)
    if not pasts and isinstance(question, str):
        return question
    last = {"role": "user", "content": question} if isinstance(question, str) else question
    return [*(item for past in pasts for item in past), last]


def _settings(chance: Random) -> Json:
    """A third of them; none stands in the way of an answer."""
    allowed: dict[str, tuple[object, ...]] = {
        "model": ("tiny", "org/alias", None),
        "instructions": ("Be kind.", None),
        "parallel_tool_calls": (True, False, None),
        "max_tool_calls": (1, 2),
        "text": tuple({"format": kind} for kind in FORMATS),
        "include": ([], INCLUDES[:1], INCLUDES[1:], INCLUDES),
        "top_logprobs": (0, 2),
        "reasoning": tuple({"summary": kind} for kind in SUMMARIES),
        "stop": ("wör", ["</th", "}"], None),
        "metadata": ({}, {"a": "b", "ü": ""}),
        "store": (True, False, None),
        "truncation": ("auto", "disabled", None),
        "context_management": tuple(
            [{"type": "compaction", "compact_threshold": limit}] for limit in (200, 9999)
        ),
        "max_output_tokens": (1, 100),
        "temperature": (0, 0.5, None),
        "seed": (7,),
        "stream_options": ({"include_obfuscation": True},),
        "safety_identifier": ("somebody",),
        "unheard_of": ({"a": 1},),
    }
    return {
        field: chance.choice(values) for field, values in allowed.items() if chance.random() < 1 / 3
    }


def _tool_choice(chance: Random, tools: list[Json]) -> Json | str | None:
    named = _choices(tools)
    mode = chance.choice((None, "auto", "none"))
    if not named:
        return mode
    allowed = {
        "type": "allowed_tools",
        "tools": chance.sample(named, chance.randint(1, len(named))),
        "mode": chance.choice(("auto", "required", "none", None)),
    }
    return chance.choice((mode, mode, "required", chance.choice(named), allowed))


def _choices(tools: list[Json]) -> list[Json]:
    """How each of them that this server has can be chosen."""
    own = [_named(tool) for tool in tools if tool["type"] in ("function", "custom")]
    inner = [
        {**_named(tool), "namespace": space["name"]}
        for space in tools
        for tool in space.get("tools", ())
    ]
    return own + inner


def _named(tool: Json) -> Json:
    return {"type": tool["type"], "name": tool["name"]}
