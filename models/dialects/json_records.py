"""Dialects that write a call as one JSON object, name and arguments together."""

from dataclasses import replace

from antiphon.models.dialects.dialect import CallSpelling, Dialect, JsonBody, Tags

THINK = Tags("<think>", "</think>")
TOOL_CALL = Tags("<tool_call>", "</tool_call>")
TOOL_CALLS = Tags("<tool_calls>", "</tool_calls>")
CHATML_STOPS = ("<|im_end|>", "<|endoftext|>")

NAME_FIRST = '{"name": "{name}", "arguments": '
LINES = CallSpelling(begin=f"<tool_call>\n{NAME_FIRST}", end="}\n</tool_call>", separator="\n")
ONE_LINE = CallSpelling(begin=f"<tool_call>{NAME_FIRST}", end="}</tool_call>", separator="\n")


def _list(first: str, last: str, begin: str = NAME_FIRST) -> CallSpelling:
    return CallSpelling(begin=begin, end="}", separator=", ", first=first, last=last)


def _hermes(
    dialect_id: str, spelling: CallSpelling, stops: tuple[str, ...], *reasoning: Tags
) -> Dialect:
    """The commonest way, first seen in the Hermes models."""
    return Dialect(
        dialect_id,
        JsonBody(),
        calls=(TOOL_CALL,),
        reasoning=reasoning,
        stops=stops,
        spelling=spelling,
    )


JSON_DIALECTS = (
    _hermes("qwen25", LINES, CHATML_STOPS),
    _hermes("qwen3", LINES, CHATML_STOPS, THINK),
    _hermes("qwq", LINES, CHATML_STOPS, THINK),
    _hermes("granite4", LINES, ("<|end_of_text|>",), THINK),
    replace(
        _hermes("ernie45", LINES, ("</s>", "<|im_end|>"), THINK),
        answers=(Tags("<response>", "</response>"),),
    ),
    _hermes("smollm3", ONE_LINE, ("<|im_end|>",), THINK),
    _hermes("exaone4", ONE_LINE, ("[|endofturn|]",), THINK),
    _hermes("smollm2", _list("<tool_call>[", "]</tool_call>"), ("<|im_end|>",)),
    Dialect(
        "llama3",
        JsonBody(),
        calls=(Tags("<|python_tag|>"),),
        starts_bare=True,
        stops=("<|eot_id|>", "<|eom_id|>"),
        spelling=CallSpelling('{"name": "{name}", "parameters": ', "}", separator="; "),
    ),
    Dialect(
        "mistral_v3",
        JsonBody(),
        calls=(Tags("[TOOL_CALLS]"),),
        stops=("</s>",),
        spelling=_list("[TOOL_CALLS][", "]"),
    ),
    Dialect(
        "granite3",
        JsonBody(),
        calls=(Tags("<|tool_call|>"), TOOL_CALL),
        stops=("<|end_of_text|>",),
        spelling=_list("<|tool_call|>[", "]"),
    ),
    Dialect(
        "granite32",
        JsonBody(),
        calls=(Tags("<|tool_call|>"), TOOL_CALL),
        reasoning=(THINK, Tags("Here is my thought process:", "Here is my response:")),
        answers=(Tags("<response>", "</response>"),),
        stops=("<|end_of_text|>",),
        spelling=_list("<|tool_call|>[", "]"),
    ),
    Dialect(
        "phi4mini",
        JsonBody(),
        calls=(Tags("functools["), Tags("<|tool_call|>", "<|/tool_call|>")),
        stops=("<|end|>", "<|endoftext|>"),
        spelling=_list("functools[", "]"),
    ),
    Dialect(
        "command_r7b",
        JsonBody(),
        calls=(Tags("<|START_ACTION|>", "<|END_ACTION|>"),),
        reasoning=(Tags("<|START_THINKING|>", "<|END_THINKING|>"),),
        answers=(
            Tags("<|START_RESPONSE|>", "<|END_RESPONSE|>"),
            Tags("<|START_TEXT|>", "<|END_TEXT|>"),
        ),
        stops=("<|END_OF_TURN_TOKEN|>",),
        spelling=CallSpelling(
            begin='    {"tool_call_id": "{index}", "tool_name": "{name}", "parameters": ',
            end="}",
            separator=",\n",
            first="<|START_ACTION|>[\n",
            last="\n]<|END_ACTION|>",
        ),
    ),
    Dialect(
        "command_r_plus",
        JsonBody(),
        calls=(
            Tags("Action:\n```json", "```", closes_as_text=True),
            Tags("Action: ```json", "```", closes_as_text=True),
        ),
        stops=("<|END_OF_TURN_TOKEN|>",),
        spelling=_list(
            "Action:\n```json\n[\n    ", "\n]```", begin='{"tool_name": "{name}", "parameters": '
        ),
    ),
    Dialect(
        "nemotron_nano_v2",
        JsonBody(),
        calls=(Tags("<TOOLCALL>", "</TOOLCALL>"),),
        reasoning=(THINK,),
        stops=("<SPECIAL_12>",),
        spelling=_list("<TOOLCALL>[", "]</TOOLCALL>"),
    ),
    Dialect(
        "hunyuan_a13b",
        JsonBody(),
        calls=(TOOL_CALLS,),
        reasoning=(THINK,),
        answers=(Tags("<answer>", "</answer>"),),
        stops=("<|eos|>",),
        spelling=_list("<tool_calls>[", "]</tool_calls>"),
    ),
    Dialect(
        "apriel",
        JsonBody(),
        calls=(TOOL_CALLS,),
        reasoning=(Tags("Here are my reasoning steps:", "[BEGIN FINAL RESPONSE]"),),
        answers=(Tags("", "[END FINAL RESPONSE]"),),
        stops=("<|end|>",),
        spelling=_list("<tool_calls>[", "]</tool_calls>"),
    ),
    Dialect(
        "jamba",
        JsonBody(),
        calls=(TOOL_CALLS,),
        reasoning=(THINK,),
        stops=("<|eom|>",),
        spelling=CallSpelling(
            begin=NAME_FIRST,
            end="}",
            separator=",\n",
            first="<tool_calls>[\n",
            last="\n]</tool_calls>",
        ),
    ),
    Dialect(
        "minimax_m1",
        JsonBody(),
        calls=(TOOL_CALLS,),
        reasoning=(THINK,),
        stops=("<end_of_sentence>",),
        spelling=CallSpelling(
            begin=NAME_FIRST,
            end="}",
            separator="\n",
            first="<tool_calls>\n",
            last="\n</tool_calls>",
        ),
    ),
    Dialect(
        "internlm",
        JsonBody(),
        calls=(
            Tags("<|action_start|><|plugin|>", "<|action_end|>"),
            Tags("<|action_start|> <|plugin|>", "<|action_end|>"),
        ),
        reasoning=(THINK,),
        stops=("<|im_end|>",),
        spelling=CallSpelling(
            begin='<|action_start|><|plugin|>\n{"name": "{name}", "parameters": ',
            end="}<|action_end|>",
            separator="\n",
        ),
    ),
    Dialect(
        "xlam",
        JsonBody(),
        calls=(TOOL_CALL, Tags("[TOOL_CALLS]")),
        reasoning=(THINK,),
        starts_bare=True,
        stops=(*CHATML_STOPS, "<|eot_id|>"),
        spelling=_list("[", "]"),
    ),
    Dialect(
        "apertus",
        JsonBody(name_is_key=True),
        calls=(Tags("<|tools_prefix|>", "<|tools_suffix|>"),),
        reasoning=(Tags("<|inner_prefix|>", "<|inner_suffix|>"),),
        stops=("<|assistant_end|>",),
        spelling=_list("<|tools_prefix|>[", "]<|tools_suffix|>", begin='{"{name}": '),
    ),
    Dialect(
        "gigachat",
        JsonBody(),
        calls=(
            Tags("<|function_call|>", "<|message_sep|>"),
            Tags("<|message_sep|>\n\nfunction call<|role_sep|>", "<|message_sep|>"),
        ),
        spelling=CallSpelling(f"<|function_call|>{NAME_FIRST}", "}<|message_sep|>"),
    ),
    # From here on, models whose templates have no word for tools: they get the commonest way.
    _hermes("kimi_vl", LINES, CHATML_STOPS, Tags("◁think▷", "◁/think▷")),
    _hermes("phi4_reasoning", LINES, CHATML_STOPS, THINK),
    _hermes("think", LINES, (), THINK),
    _hermes("plain", LINES, ()),
)
