"""A call as each model's own template writes it, letter for letter, is read by its dialect.

Most dialects show two calls, the second without arguments; the others have one call a turn.
"""

import json

import pytest

from antiphon.models.dialects.registry import DIALECTS
from antiphon.models.dialects.tool_types import ToolTypes
from tests.models.dialects.feeding import parsed

TOOLS = ToolTypes.from_schemas(
    {
        "f": {"type": "object", "properties": {"a": {"type": "integer"}, "s": {"type": "string"}}},
        "g": {"type": "object", "properties": {}},
    }
)
Call = tuple[str, dict[str, object]]
F: Call = ("f", {"a": 1})
G: Call = ("g", {})
TEXT: Call = ("f", {"s": "text"})

LINES = """<tool_call>
{"name": "f", "arguments": {"a": 1}}
</tool_call>
<tool_call>
{"name": "g", "arguments": {}}
</tool_call>"""
ONE_LINE = """<tool_call>{"name": "f", "arguments": {"a": 1}}</tool_call>
<tool_call>{"name": "g", "arguments": {}}</tool_call>"""
LIST = '[{"name": "f", "arguments": {"a": 1}}, {"name": "g", "arguments": {}}]'
FUNCTION = """<tool_call>
<function=f>
<parameter=a>
1
</parameter>
</function>
</tool_call>
<tool_call>
<function=g>
</function>
</tool_call>"""
WITHOUT_OPENER = FUNCTION.removeprefix("<tool_call>\n")
MIMO = (
    "<tool_call><function=f><parameter=a>1</parameter></function></tool_call>"
    "<tool_call><function=g></function></tool_call>"
)
SEED_OSS = """<seed:tool_call>
<function=f>
<parameter=a>1</parameter>
</function>
</seed:tool_call>
<seed:tool_call>
<function=g>
</function>
</seed:tool_call>"""
LLAMA_4 = "[f(a=1), g()]"
FENCED = """<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>f
```json
{"a": 1}
```<｜tool▁call▁end｜>
<｜tool▁call▁begin｜>function<｜tool▁sep｜>g
```json
{}
```<｜tool▁call▁end｜><｜tool▁calls▁end｜>"""
DEEPSEEK_V31 = (
    '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>{"a": 1}<｜tool▁call▁end｜>'
    "<｜tool▁call▁begin｜>g<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜>"
)
DEEPSEEK_V32 = """<｜DSML｜function_calls>
<｜DSML｜invoke name="f">
<｜DSML｜parameter name="a" string="false">1</｜DSML｜parameter>
</｜DSML｜invoke>
<｜DSML｜invoke name="g">
</｜DSML｜invoke>
</｜DSML｜function_calls>"""
DEEPSEEK_V4 = DEEPSEEK_V32.replace("function_calls", "tool_calls")
DEEPSEEK_V41 = (
    DEEPSEEK_V32.replace("function_calls", " calls")
    .replace("｜invoke", "｜ invoke")
    .replace("｜parameter", "｜ parameter")
)
GPT_OSS = '<|channel|>commentary to=functions.f <|constrain|>json<|message|>{"a": 1}<|call|>'
GPT_OSS_ROLE = '<|start|>assistant to=functions.f<|channel|>commentary json<|message|>{"a": 1}'
GLM_45 = """<tool_call>f
<arg_key>a</arg_key>
<arg_value>1</arg_value>
</tool_call>
<tool_call>g
</tool_call>"""
GLM_47 = (
    "<tool_call>f<arg_key>a</arg_key><arg_value>1</arg_value></tool_call><tool_call>g</tool_call>"
)
KIMI_K2 = (
    "<|tool_calls_section_begin|><|tool_call_begin|>functions.f:0<|tool_call_argument_begin|>"
    '{"a": 1}<|tool_call_end|><|tool_call_begin|>functions.g:1<|tool_call_argument_begin|>{}'
    "<|tool_call_end|><|tool_calls_section_end|>"
)
KIMI_K3 = (
    '<|open|>tools<|sep|><|open|>call tool="f" index="1"<|sep|>'
    '<|open|>argument key="a" type="number"<|sep|>1<|close|>argument<|sep|><|close|>call<|sep|>'
    '<|open|>call tool="g" index="2"<|sep|><|close|>call<|sep|>'
    "<|close|>tools<|sep|><|close|>message<|sep|>"
)
MINIMAX_M1 = """<tool_calls>
{"name": "f", "arguments": {"a": 1}}
{"name": "g", "arguments": {}}
</tool_calls>"""
MINIMAX_M2 = """<minimax:tool_call>
<invoke name="f">
<parameter name="a">1</parameter>
</invoke>
<invoke name="g">
</invoke>
</minimax:tool_call>"""
FUNCTIONGEMMA = (
    "<start_function_call>call:f{s:<escape>text<escape>}<end_function_call>"
    "<start_function_call>call:g{}<end_function_call>"
)
GEMMA_4 = (
    '<|tool_call>call:f{a:1,s:<|"|>text<|"|>}<tool_call|><|tool_call>call:g{}<tool_call|>'
)  # fmt: skip
COMMAND_R7B = """<|START_ACTION|>[
    {"tool_call_id": "0", "tool_name": "f", "parameters": {"a": 1}},
    {"tool_call_id": "1", "tool_name": "g", "parameters": {}}
]<|END_ACTION|>"""
HY3 = """<tool_calls>
<tool_call>f<tool_sep>
<arg_key>a</arg_key>
<arg_value>1</arg_value>
</tool_call>
<tool_call>g<tool_sep>
</tool_call>
</tool_calls>"""
STEP_3 = """<｜tool_calls_begin｜>
<｜tool_call_begin｜>function<｜tool_sep｜><steptml:invoke name="f">
<steptml:parameter name="a">1</steptml:parameter>
</steptml:invoke><｜tool_call_end｜>
<｜tool_call_begin｜>function<｜tool_sep｜><steptml:invoke name="g">
</steptml:invoke><｜tool_call_end｜>
<｜tool_calls_end｜>"""
OLMO_3 = """<function_calls>
f(s='text')
g()
</function_calls>"""
JAMBA = """<tool_calls>[
{"name": "f", "arguments": {"a": 1}},
{"name": "g", "arguments": {}}
]</tool_calls>"""
INTERNLM = '<|action_start|><|plugin|>\n{"name": "f", "parameters": {"a": 1}}<|action_end|>'

CALLS = [
    ("qwen25", LINES, [F, G]),
    ("qwen3", LINES, [F, G]),
    ("qwq", LINES, [F, G]),
    ("qwen3_coder", FUNCTION, [F, G]),
    ("qwen3_coder", WITHOUT_OPENER, [F, G]),
    ("qwen35", FUNCTION, [F, G]),
    ("nemotron3", FUNCTION, [F, G]),
    ("step35", FUNCTION, [F, G]),
    ("mimo", MIMO, [F, G]),
    ("seed_oss", SEED_OSS, [F, G]),
    ("llama3", '{"name": "f", "parameters": {"a": 1}}', [F]),
    ("llama3", '<|python_tag|>{"name": "f", "parameters": {"a": 1}}', [F]),
    (
        "llama3",
        '{"name": "f", "parameters": {"a": 1}}; {"name": "g", "parameters": {}}',
        [F, G],
    ),
    ("llama3", '<|python_tag|>brave_search.call(query="x")', [("brave_search", {"query": "x"})]),
    ("llama4", LLAMA_4, [F, G]),
    ("llama4", f"<|python_start|>{LLAMA_4}<|python_end|>", [F, G]),
    ("llama4", '{"name": "f", "parameters": {"a": 1}}', [F]),
    ("mistral_v3", '[TOOL_CALLS] [{"name": "f", "arguments": {"a": 1}, "id": "abcdefgh1"}]', [F]),
    ("mistral", '[TOOL_CALLS]f[ARGS]{"a": 1}[TOOL_CALLS]g[ARGS]{}', [F, G]),
    ("mistral", '[TOOL_CALLS]f[CALL_ID]abcdefgh1[ARGS]{"a": 1}', [F]),
    ("magistral", '[TOOL_CALLS]f[ARGS]{"a": 1}[TOOL_CALLS]g[ARGS]{}', [F, G]),
    ("deepseek_r1", FENCED, [F, G]),
    ("deepseek_v3", FENCED, [F, G]),
    ("deepseek_v31", DEEPSEEK_V31, [F, G]),
    ("deepseek_v32", DEEPSEEK_V32, [F, G]),
    ("deepseek_v4", DEEPSEEK_V4, [F, G]),
    ("deepseek_v41", DEEPSEEK_V41, [F, G]),
    ("gpt_oss", GPT_OSS, [F]),
    ("gpt_oss", GPT_OSS_ROLE, [F]),
    ("glm45", GLM_45, [F, G]),
    ("glm47", GLM_47, [F, G]),
    ("kimi_k2", KIMI_K2, [F, G]),
    ("kimi_k3", KIMI_K3, [F, G]),
    ("kimi_vl", LINES, [F, G]),
    ("minimax_m1", MINIMAX_M1, [F, G]),
    ("minimax_m2", MINIMAX_M2, [F, G]),
    ("gemma3", LLAMA_4, [F, G]),
    ("gemma3", f"```tool_code\n{LLAMA_4}\n```", [F, G]),
    ("gemma4", GEMMA_4, [("f", {"a": 1, "s": "text"}), G]),
    ("functiongemma", FUNCTIONGEMMA, [TEXT, G]),
    ("granite3", f"<|tool_call|>{LIST}", [F, G]),
    ("granite3", f"<tool_call>{LIST}", [F, G]),
    ("granite32", f"<|tool_call|>{LIST}", [F, G]),
    ("granite4", LINES, [F, G]),
    ("phi4mini", f"functools{LIST}", [F, G]),
    ("phi4mini", f"<|tool_call|>{LIST}<|/tool_call|>", [F, G]),
    ("phi4_reasoning", LINES, [F, G]),
    ("smollm2", f"<tool_call>{LIST}</tool_call>", [F, G]),
    ("smollm3", ONE_LINE, [F, G]),
    ("exaone4", ONE_LINE, [F, G]),
    ("command_r7b", COMMAND_R7B, [F, G]),
    ("nemotron_nano_v2", f"<TOOLCALL>{LIST}</TOOLCALL>", [F, G]),
    ("hunyuan_a13b", f"<tool_calls>{LIST}</tool_calls>", [F, G]),
    ("hy3", HY3, [F, G]),
    ("hy3", HY3.replace(">", ":opensource>"), [F, G]),
    ("ernie45", LINES, [F, G]),
    ("step3", STEP_3, [F, G]),
    ("lfm2", f"<|tool_call_start|>{LLAMA_4}<|tool_call_end|>", [F, G]),
    ("lfm2", f"<|tool_call_start|>{LIST}<|tool_call_end|>", [F, G]),
    ("olmo3", OLMO_3, [TEXT, G]),
    ("jamba", JAMBA, [F, G]),
    ("internlm", INTERNLM, [F]),
    ("internlm", INTERNLM.replace("><|plugin|>", "> <|plugin|>"), [F]),
    ("xlam", LIST, [F, G]),
    ("xlam", f"<tool_call>{LIST}</tool_call>", [F, G]),
    ("xlam", f"[TOOL_CALLS]{LIST}", [F, G]),
    ("apertus", '<|tools_prefix|>[{"f": {"a": 1}}, {"g": {}}]<|tools_suffix|>', [F, G]),
]


@pytest.mark.parametrize(("dialect_id", "raw", "expected"), CALLS)
def test_native_calls_are_read(dialect_id: str, raw: str, expected: list[Call]) -> None:
    for stop in ("", *DIALECTS[dialect_id].stops):
        output = parsed(dialect_id, raw + stop, TOOLS)
        assert [(call.name, json.loads(call.arguments)) for call in output.calls] == expected
        assert (output.text, output.reasoning, output.incomplete_calls) == ("", "", ())


@pytest.mark.parametrize(
    ("dialect_id", "raw", "expected"),
    [case for case in CALLS if DIALECTS[case[0]].reasoning and case[0] != "gpt_oss"],
)
def test_calls_are_read_behind_thinking_and_text(
    dialect_id: str, raw: str, expected: list[Call]
) -> None:
    dialect = DIALECTS[dialect_id]
    tags = dialect.reasoning[0]
    has_tag = not dialect.starts_bare or raw.startswith(tuple(tag.open for tag in dialect.calls))
    text = "I will call." if has_tag else ""
    output = parsed(dialect_id, f"{tags.open}\nHm.\n{tags.close}\n\n{text}\n{raw}", TOOLS)
    assert [(call.name, json.loads(call.arguments)) for call in output.calls] == expected
    assert (output.reasoning, output.text) == ("Hm.", text)
    opened = parsed(dialect_id, f"Hm.\n{tags.close}\n\n{text}\n{raw}", TOOLS, opens_reasoning=True)
    assert opened == output


def test_every_dialect_with_a_form_of_its_own_is_here() -> None:
    others = {"think", "plain", "apriel", "command_r_plus", "functionary_v31", "gigachat"}
    others |= {"minicpm5", "solar_open"}
    assert {dialect_id for dialect_id, _, _ in CALLS} | others == DIALECTS.keys()
