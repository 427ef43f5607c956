"""gpt-oss's messages: channels, recipients, and headers in all the ways models write them."""

import pytest

from antiphon.models.dialects.output import ParsedCall
from antiphon.models.dialects.tool_types import ToolTypes
from tests.models.dialects.feeding import parsed

TOOLS = ToolTypes.from_schemas({"f": {"a": "integer"}, "get-x.y": {}})
ANALYSIS = "<|channel|>analysis<|message|>Hm.<|end|>"
FINAL = "<|start|>assistant<|channel|>final<|message|>Hello.<|return|>"
F = ParsedCall("f", '{"a": 1}')


def test_analysis_is_thinking_and_final_is_text() -> None:
    output = parsed("gpt_oss", ANALYSIS + FINAL)
    assert (output.reasoning, output.text, output.calls) == ("Hm.", "Hello.", ())


def test_commentary_to_nobody_is_text() -> None:
    raw = f"{ANALYSIS}<|start|>assistant<|channel|>commentary<|message|>I will look.<|end|>"
    assert parsed("gpt_oss", raw, TOOLS).text == "I will look."


@pytest.mark.parametrize(
    "header",
    [
        "<|channel|>commentary to=functions.f <|constrain|>json<|message|>",
        "<|channel|>commentary to=functions.f<|constrain|>json<|message|>",
        "<|channel|>commentary to=functions.f json<|message|>",
        "<|channel|>commentary to=functions.f<|message|>",
        "<|channel|>analysis to=functions.f code<|message|>",
        "<|start|>assistant to=functions.f<|channel|>commentary json<|message|>",
        " to=functions.f<|channel|>commentary <|constrain|>json<|message|>",
        "<|channel|>commentary to=f <|constrain|>json<|message|>",
    ],
)
@pytest.mark.parametrize("end", ["<|call|>", ""])
def test_a_recipient_is_found_wherever_it_stands(header: str, end: str) -> None:
    output = parsed("gpt_oss", f'{header}{{"a": 1}}{end}', TOOLS)
    assert (output.calls, output.text, output.reasoning) == ((F,), "", "")


def test_names_may_have_dots_and_dashes() -> None:
    raw = "<|channel|>commentary to=functions.get-x.y<|message|>{}<|call|>"
    assert parsed("gpt_oss", raw, TOOLS).calls == (ParsedCall("get-x.y", "{}"),)


def test_a_body_without_arguments_is_the_empty_object() -> None:
    raw = "<|channel|>commentary to=functions.f<|message|><|call|>"
    assert parsed("gpt_oss", raw, TOOLS).calls == (ParsedCall("f", "{}"),)


def test_several_calls_follow_each_other() -> None:
    call = '<|channel|>commentary to=functions.f<|message|>{"a": 1}<|call|>'
    output = parsed("gpt_oss", f"{ANALYSIS}<|start|>assistant{call}<|start|>assistant{call}")
    assert (output.reasoning, output.calls) == ("Hm.", (F, F))


def test_a_message_to_a_tool_that_nobody_offered_is_not_shown() -> None:
    raw = f"<|channel|>analysis to=browser.search code<|message|>search()<|call|>{FINAL}"
    output = parsed("gpt_oss", raw, TOOLS)
    assert (output.text, output.calls) == ("Hello.", ())


def test_a_token_in_a_string_does_not_end_the_call() -> None:
    arguments = '{"a": "<|call|><|start|>assistant"}'
    raw = f"<|channel|>commentary to=functions.f<|message|>{arguments}<|call|>"
    assert parsed("gpt_oss", raw, TOOLS).calls == (ParsedCall("f", arguments),)


def test_a_token_that_a_text_only_talks_about_is_text() -> None:
    raw = "<|channel|>final<|message|>A message ends with <|end|>, always.<|return|>"
    assert parsed("gpt_oss", raw).text == "A message ends with <|end|>, always."


def test_arguments_that_are_cut_off_are_incomplete() -> None:
    raw = '<|channel|>commentary to=functions.f<|message|>{"a": '
    output = parsed("gpt_oss", raw, TOOLS, is_cut_off=True)
    assert output.incomplete_calls == (("f", '{"a": '),)


def test_a_body_that_is_no_object_is_no_finished_call() -> None:
    raw = "<|channel|>commentary to=functions.f<|message|>print(1)<|call|>"
    output = parsed("gpt_oss", raw, TOOLS)
    assert (output.calls, [call.name for call in output.incomplete_calls]) == ((), ["f"])


def test_a_prompt_may_have_opened_the_analysis() -> None:
    output = parsed("gpt_oss", f"Hm.<|end|>{FINAL}", opens_reasoning=True)
    assert (output.reasoning, output.text) == ("Hm.", "Hello.")
