"""What the parser once got wrong: mostly found in what other engines' tests feed theirs."""

import json

import pytest

from antiphon.models.dialects.output import ParsedCall, ParsedOutput
from antiphon.models.dialects.tool_types import ToolTypes
from tests.models.dialects.feeding import parsed

CALL = '<tool_call>{"name": "f", "arguments": {}}</tool_call>'


def calls_of(output: ParsedOutput) -> list[tuple[str, object]]:
    assert not output.incomplete_calls
    return [(name, json.loads(arguments)) for name, arguments in output.calls]


def pythonic(source: str) -> ParsedOutput:
    return parsed("lfm2", f"<|tool_call_start|>{source}<|tool_call_end|>")


def test_text_that_goes_on_behind_a_call_keeps_its_line_end() -> None:
    output = parsed("qwen3", f"Let me check.\n{CALL}\n\nDone.")
    assert output.text == "Let me check.\n\nDone."


def test_line_ends_around_calls_are_no_text_by_themselves() -> None:
    output = parsed("qwen3", f"Let me check.\n{CALL}\n{CALL}\n")
    assert output.text == "Let me check."


@pytest.mark.parametrize(
    ("dialect", "raw"),
    [
        ("phi4mini", 'A\nfunctools[{"name": "f", "arguments": {}}]\nB'),
        ("granite3", 'A\n<|tool_call|>[{"name": "f", "arguments": {}}]\nB'),
        ("mistral", "A\n[TOOL_CALLS]f[ARGS]{}\nB"),
    ],
)
def test_a_call_without_a_closing_tag_leaves_the_space_behind_it_to_the_text(
    dialect: str, raw: str
) -> None:
    output = parsed(dialect, raw)
    assert output.text == "A\nB"
    assert calls_of(output) == [("f", {})]


def test_a_channel_of_gemma_without_a_name_is_thinking_too() -> None:
    output = parsed("gemma4", "<|channel>one<channel|><|channel>two<channel|>Final.")
    assert (output.reasoning, output.text) == ("onetwo", "Final.")


def test_a_channel_that_gemma_opens_twice_is_one() -> None:
    output = parsed("gemma4", "<|channel><|channel>thought\n<channel|>Hello")
    assert (output.reasoning, output.text) == ("", "Hello")


def test_gemma_calls_between_one_pair_of_tags_are_all_read() -> None:
    output = parsed("gemma4", "<|tool_call>call:f{a:1}call:g{b:2}<tool_call|>")
    assert calls_of(output) == [("f", {"a": 1}), ("g", {"b": 2})]


def test_a_step3_header_may_repeat_the_tools_name() -> None:
    raw = (
        "<｜tool_calls_begin｜><｜tool_call_begin｜>function<｜tool_sep｜>f\n"
        '<steptml:invoke name="f"></steptml:invoke><｜tool_call_end｜><｜tool_calls_end｜>'
    )
    output = parsed("step3", raw)
    assert calls_of(output) == [("f", {})]
    assert output.text == ""


def test_a_separator_between_step3_calls_is_not_shown() -> None:
    call = '<｜tool_call_begin｜><steptml:invoke name="f"></steptml:invoke><｜tool_call_end｜>'
    output = parsed(
        "step3", f"<｜tool_calls_begin｜>{call}<｜tool_sep｜>{call}<｜tool_calls_end｜>"
    )
    assert calls_of(output) == [("f", {}), ("f", {})]
    assert output.text == ""


@pytest.mark.parametrize(
    ("written", "meant"), [("x\n", "x\n"), ("\nx\n", "x"), ("x", "x"), ("\nx\ny\n\n", "x\ny\n")]
)
@pytest.mark.parametrize("tag", ["tool_call", "seed:tool_call"])
def test_a_value_on_the_line_of_its_tag_keeps_the_line_end_behind_it(
    tag: str, written: str, meant: str
) -> None:
    dialect = "mimo" if tag == "tool_call" else "seed_oss"
    raw = f"<{tag}><function=f><parameter=a>{written}</parameter></function></{tag}>"
    assert calls_of(parsed(dialect, raw)) == [("f", {"a": meant})]


def test_a_hunyuan_call_may_lack_its_separator() -> None:
    raw = "<tool_call>f<arg_key>a</arg_key><arg_value>b</arg_value></tool_call>"
    assert calls_of(parsed("hy3", raw)) == [("f", {"a": "b"})]


def test_a_name_in_an_attribute_is_unescaped() -> None:
    raw = '<|open|>call tool="a&amp;b" index="1"<|sep|><|close|>call<|sep|>'
    assert calls_of(parsed("kimi_k3", raw)) == [("a&b", {})]


def test_a_word_between_harmony_messages_does_not_hide_the_end_of_a_call() -> None:
    call = "<|channel|>commentary to=functions.f<|message|>{}<|call|>"
    output = parsed("gpt_oss", f"{call}commentary{call}<|start|>assistant{call}")
    assert calls_of(output) == [("f", {})] * 3
    assert output.text == ""


@pytest.mark.parametrize(
    ("source", "arguments"),
    [
        ("""[ f(a=1) ]""", {"a": 1}),
        ("""[f(a="x" 'y')]""", {"a": "xy"}),
        ("""[f(a=["one\ntwo"])]""", {"a": ["one\ntwo"]}),
        ("""[f(a=07, b=-05)]""", {"a": 7, "b": -5}),
    ],
)
def test_python_as_models_write_it_is_understood(source: str, arguments: object) -> None:
    assert calls_of(pythonic(source)) == [("f", arguments)]


def test_python_calls_in_a_list_may_lack_the_comma() -> None:
    assert calls_of(pythonic("[f(a=1)\ng()]")) == [("f", {"a": 1}), ("g", {})]


def test_an_empty_list_of_python_calls_calls_nothing() -> None:
    output = pythonic("[ ]")
    assert (output.text, output.calls) == ("", ())


def test_an_empty_list_is_an_answer_where_calls_have_no_marker() -> None:
    output = parsed("llama4", "[]", ToolTypes({"f": {}}))
    assert (output.text, output.calls) == ("[]", ())


def test_a_number_too_long_for_python_keeps_its_digits() -> None:
    output = pythonic('[f(a={"x": 3E638})]')
    assert output.calls == (ParsedCall("f", '{"a": {"x": 3E638}}'),)


@pytest.mark.parametrize(
    ("dialect", "raw"),
    [
        ("lfm2", r"<|tool_call_start|>[f(a='\ud83d', b=['\ud83d'])]<|tool_call_end|>"),
        ("qwen3", r'<tool_call>{"name": "f", "arguments": "{\"a\": \"\ud83d\"}"}</tool_call>'),
        ("qwen3", r'<tool_call>{"name": "\ud83d", "arguments": {}}</tool_call>'),
    ],
)
def test_half_a_surrogate_pair_can_be_sent(dialect: str, raw: str) -> None:
    output = parsed(dialect, raw)
    shown = [output.text, *(text for call in output.calls for text in call)]
    assert "".join(shown).encode().decode() == "".join(shown) != ""


@pytest.mark.parametrize("keyword", ["anyOf", "oneOf", "allOf"])
def test_parameters_declared_in_alternatives_have_their_types(keyword: str) -> None:
    schema = {
        keyword: [
            {"type": "object", "properties": {"n": {"type": "integer"}, "s": {"type": "string"}}},
            {"$ref": "#/$defs/other"},
        ],
        "$defs": {"other": {"properties": {"ok": {"type": "boolean"}}}},
    }
    types = ToolTypes.from_schemas({"f": schema}).parameters("f")
    assert types == {
        "n": frozenset({"integer"}),
        "s": frozenset({"string"}),
        "ok": frozenset({"boolean"}),
    }


def test_a_schema_that_refers_to_itself_comes_to_an_end() -> None:
    schema = {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}
    assert ToolTypes.from_schemas({"f": schema}).parameters("f") == {}


def test_a_declared_number_may_have_leading_zeros() -> None:
    tools = ToolTypes.from_schemas({"f": {"n": "integer", "s": "string"}})
    raw = (
        "<tool_call>f<arg_key>n</arg_key><arg_value>007</arg_value>"
        "<arg_key>s</arg_key><arg_value>007</arg_value></tool_call>"
    )
    assert calls_of(parsed("glm47", raw, tools)) == [("f", {"n": 7, "s": "007"})]


@pytest.mark.parametrize(
    ("dialect", "raw"),
    [
        ("glm45", "Hi. <tool_call>f\n"),
        ("deepseek_v3", "Hi. <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>f\n"),
        ("kimi_k3", 'Hi. <|open|>tools<|sep|><|open|>call tool="f" '),
        ("step3", "Hi. <｜tool_calls_begin｜>\n<｜tool_call_begin｜>\nfunction<｜tool_sep｜>"),
    ],
)
def test_a_call_cut_off_in_its_header_is_no_text(dialect: str, raw: str) -> None:
    output = parsed(dialect, raw, is_cut_off=True)
    assert (output.text.strip(), output.calls) == ("Hi.", ())


def test_words_behind_a_marker_survive_a_cut_if_they_begin_no_call() -> None:
    output = parsed("glm45", "The tag <tool_call> begins a call and", is_cut_off=True)
    assert output.text == "The tag <tool_call> begins a call and"


@pytest.mark.parametrize("dialect", ["qwen3_coder", "qwen35", "nemotron3", "step35"])
@pytest.mark.parametrize(
    "quoted",
    [
        "<tool_call>\n<function=g>\n</function>\n</tool_call>",
        "<tool_call>\n<function=g>\n<parameter=b>\n1\n</parameter>\n</function>\n</tool_call>",
    ],
)
def test_a_value_may_spell_out_a_whole_call(dialect: str, quoted: str) -> None:
    tools = ToolTypes.from_schemas({"f": {"a": "string", "b": "string"}})
    raw = (
        f"<tool_call>\n<function=f>\n<parameter=a>\n{quoted}\n</parameter>\n"
        "</function>\n</tool_call>"
    )
    assert calls_of(parsed(dialect, raw, tools)) == [("f", {"a": quoted})]


def test_a_value_that_lacks_its_closing_tag_ends_with_its_call() -> None:
    raw = "<tool_call>\n<function=f>\n<parameter=a>\nuse <function= here\n</function>\n</tool_call>"
    assert calls_of(parsed("qwen3_coder", raw)) == [("f", {"a": "use <function= here"})]


def test_closing_tags_written_twice_do_not_reach_into_the_value() -> None:
    closers = "\n</parameter>\n</function>\n</tool_call>"
    output = parsed("qwen3_coder", f"<tool_call>\n<function=f>\n<parameter=a>\nx{closers}{closers}")
    assert calls_of(output) == [("f", {"a": "x"})]


def test_a_bare_call_that_was_finished_stays_one_when_the_next_is_cut_off() -> None:
    raw = '{"name": "f", "parameters": {"a": 1}}; {"name": "f", "para'
    output = parsed("llama3", raw, ToolTypes.from_schemas({"f": {"a": "integer"}}), is_cut_off=True)
    assert output.calls == (("f", '{"a": 1}'),)
    assert output.text == ""


def test_a_closing_tag_that_is_cut_off_is_no_text() -> None:
    raw = '<tool_call>\n{"name": "f", "arguments": {}}\n</tool'
    output = parsed("qwen25", raw, is_cut_off=True)
    assert (output.calls, output.text) == ((("f", "{}"),), "")


def test_what_is_broken_behind_the_calls_of_a_list_is_text_without_them() -> None:
    output = parsed("qwen25", '<tool_call>[{"name": "f", "arguments": {}}, oops]</tool_call>')
    assert output.calls == (("f", "{}"),)
    assert output.text == ", oops]</tool_call>"
