"""Dialects that write a tag for each argument, and bare text in between."""

from dataclasses import replace

import regex

from antiphon.models.dialects.dialect import (
    CallSpelling,
    Dialect,
    TaggedBody,
    Tags,
    ValueTrim,
    ValueTypes,
)
from antiphon.models.dialects.json_records import CHATML_STOPS, THINK, TOOL_CALL

FUNCTION_BODY = TaggedBody(
    header=regex.compile(r"\s{0,64}<function=(?P<name>[^>\n<]{1,256})>"),
    parameter=regex.compile(r"<parameter=(?P<key>[^>\n]{1,256})>"),
    parameter_closes=("</parameter>",),
    closes=("</function>",),
    trim=ValueTrim.EACH_SIDE,
)
# Where the template writes values on the tags' own line, a line end behind one is its own.
INLINE_FUNCTION_BODY = replace(FUNCTION_BODY, trim=ValueTrim.PAIR)
FUNCTION_LINES = CallSpelling(
    begin="<tool_call>\n<function={name}>\n",
    end="</function>\n</tool_call>",
    separator="\n",
    parameter="<parameter={key}>\n",
    parameter_end="\n</parameter>\n",
)


def _function_dialect(dialect_id: str, *reasoning: Tags) -> Dialect:
    return Dialect(
        dialect_id,
        FUNCTION_BODY,
        calls=(TOOL_CALL,),
        bare_calls=("<function=",),
        reasoning=reasoning,
        stops=CHATML_STOPS,
        spelling=FUNCTION_LINES,
    )


def _dsml_dialect(dialect_id: str, space: str, section: str) -> Dialect:
    """DeepSeek's markup; its versions differ in the section's name and in a space."""
    mark = f"｜DSML｜{space}"
    return Dialect(
        dialect_id,
        TaggedBody(
            header=regex.compile(
                r'<｜DSML｜ ?invoke name="(?P<name>[^"]{1,256})"\s?(?P<empty>/)?>'
            ),
            parameter=regex.compile(
                r'<｜DSML｜ ?parameter name="(?P<key>[^"]{1,256})"'
                r'(?: string="(?P<string>true|false)")?>'
            ),
            parameter_closes=("</｜DSML｜parameter>", "</｜DSML｜ parameter>"),
            closes=("</｜DSML｜invoke>", "</｜DSML｜ invoke>"),
            types=ValueTypes.ATTRIBUTE,
        ),
        bare_calls=("<｜DSML｜invoke", "<｜DSML｜ invoke"),
        sections=(
            Tags("<｜DSML｜function_calls>", "</｜DSML｜function_calls>"),
            Tags("<｜DSML｜tool_calls>", "</｜DSML｜tool_calls>"),
            Tags("<｜DSML｜ calls>", "</｜DSML｜ calls>"),
        ),
        reasoning=(THINK,),
        stops=("<｜end▁of▁sentence｜>",),
        spelling=CallSpelling(
            begin=f'<{mark}invoke name="{{name}}">\n',
            end=f"</{mark}invoke>\n",
            first=f"<{mark}{section}>\n",
            last=f"</{mark}{section}>",
            parameter=f'<{mark}parameter name="{{key}}" string="{{string}}">',
            parameter_end=f"</{mark}parameter>\n",
        ),
    )


def _key_value_dialect(dialect_id: str, spelling: CallSpelling) -> Dialect:
    """GLM's: a tag for the key, and one for the value."""
    return Dialect(
        dialect_id,
        TaggedBody(
            header=regex.compile(
                r"\s{0,64}(?P<name>[^\s<{]{1,256})(?=\s{0,64}(?:<arg_key>|</tool_call>))"
            ),
            parameter=regex.compile(
                r"<arg_key>\s{0,8}(?P<key>[^<]{1,256})</arg_key>\s{0,64}<arg_value>"
            ),
            parameter_closes=("</arg_value>",),
            closes=("</tool_call>",),
        ),
        calls=(TOOL_CALL,),
        reasoning=(THINK,),
        stops=("<|user|>", "<|observation|>", "<|endoftext|>", "</assistant>"),
        spelling=spelling,
    )


HY3_SUFFIX = "(?::opensource)?"

TAGGED_DIALECTS = (
    _function_dialect("qwen3_coder"),
    _function_dialect("qwen35", THINK),
    _function_dialect("nemotron3", THINK),
    _function_dialect("step35", THINK),
    Dialect(
        "mimo",
        INLINE_FUNCTION_BODY,
        calls=(TOOL_CALL,),
        bare_calls=("<function=",),
        reasoning=(THINK,),
        stops=CHATML_STOPS,
        spelling=CallSpelling(
            begin="<tool_call><function={name}>",
            end="</function></tool_call>",
            separator="\n",
            parameter="<parameter={key}>",
            parameter_end="</parameter>",
        ),
    ),
    Dialect(
        "seed_oss",
        INLINE_FUNCTION_BODY,
        calls=(Tags("<seed:tool_call>", "</seed:tool_call>"),),
        bare_calls=("<function=",),
        reasoning=(Tags("<seed:think>", "</seed:think>"),),
        stops=("<seed:eos>",),
        spelling=CallSpelling(
            begin="<seed:tool_call>\n<function={name}>\n",
            end="</function>\n</seed:tool_call>",
            separator="\n",
            parameter="<parameter={key}>",
            parameter_end="</parameter>\n",
        ),
    ),
    _key_value_dialect(
        "glm45",
        CallSpelling(
            begin="<tool_call>{name}\n",
            end="</tool_call>",
            separator="\n",
            parameter="<arg_key>{key}</arg_key>\n<arg_value>",
            parameter_end="</arg_value>\n",
        ),
    ),
    _key_value_dialect(
        "glm47",
        CallSpelling(
            begin="<tool_call>{name}",
            end="</tool_call>",
            parameter="<arg_key>{key}</arg_key><arg_value>",
            parameter_end="</arg_value>",
        ),
    ),
    Dialect(
        "hy3",
        TaggedBody(
            header=regex.compile(
                rf"\s{{0,64}}(?P<name>[^\s<{{]{{1,256}})\s{{0,64}}"
                rf"(?:<tool_sep{HY3_SUFFIX}>|(?=<arg_key{HY3_SUFFIX}>|</tool_call))"
            ),
            parameter=regex.compile(
                rf"<arg_key{HY3_SUFFIX}>\s{{0,8}}(?P<key>[^<]{{1,256}})</arg_key{HY3_SUFFIX}>"
                rf"\s{{0,64}}<arg_value{HY3_SUFFIX}>"
            ),
            parameter_closes=("</arg_value>", "</arg_value:opensource>"),
            closes=("</tool_call>", "</tool_call:opensource>"),
        ),
        calls=(TOOL_CALL, Tags("<tool_call:opensource>", "</tool_call:opensource>")),
        sections=(
            Tags("<tool_calls>", "</tool_calls>"),
            Tags("<tool_calls:opensource>", "</tool_calls:opensource>"),
        ),
        reasoning=(THINK, Tags("<think:opensource>", "</think:opensource>")),
        answers=(
            Tags("<answer>", "</answer>"),
            Tags("<answer:opensource>", "</answer:opensource>"),
        ),
        stops=("<|eos|>", "<｜hy_eos｜>", "<｜hy_eos:opensource｜>"),
        spelling=CallSpelling(
            begin="<tool_call:opensource>{name}<tool_sep:opensource>\n",
            end="</tool_call:opensource>",
            separator="\n",
            first="<tool_calls:opensource>\n",
            last="\n</tool_calls:opensource>",
            parameter="<arg_key:opensource>{key}</arg_key:opensource>\n<arg_value:opensource>",
            parameter_end="</arg_value:opensource>\n",
        ),
    ),
    Dialect(
        "minimax_m2",
        TaggedBody(
            header=regex.compile(r'<invoke name="?(?P<name>[^">\n]{1,256})"?>'),
            parameter=regex.compile(r'<parameter name="?(?P<key>[^">\n]{1,256})"?>'),
            parameter_closes=("</parameter>",),
            closes=("</invoke>",),
        ),
        bare_calls=("<invoke name=",),
        sections=(Tags("<minimax:tool_call>", "</minimax:tool_call>"),),
        reasoning=(THINK,),
        stops=("[e~[",),
        spelling=CallSpelling(
            begin='<invoke name="{name}">\n',
            end="</invoke>\n",
            first="<minimax:tool_call>\n",
            last="</minimax:tool_call>",
            parameter='<parameter name="{key}">',
            parameter_end="</parameter>\n",
        ),
    ),
    Dialect(
        "step3",
        TaggedBody(
            header=regex.compile(
                r"\s{0,8}(?:function<｜tool_sep｜>[^<]{0,256})?\s{0,8}"
                r'<steptml:invoke name="(?P<name>[^"]{1,256})">'
            ),
            parameter=regex.compile(r'<steptml:parameter name="(?P<key>[^"]{1,256})">'),
            parameter_closes=("</steptml:parameter>",),
            closes=("</steptml:invoke>",),
        ),
        calls=(Tags("<｜tool_call_begin｜>", "<｜tool_call_end｜>"),),
        bare_calls=("<steptml:invoke ",),
        sections=(Tags("<｜tool_calls_begin｜>", "<｜tool_calls_end｜>"), Tags("<｜tool_sep｜>")),
        reasoning=(THINK,),
        stops=("<|im_end|>",),
        spelling=CallSpelling(
            begin='<｜tool_call_begin｜>\nfunction<｜tool_sep｜><steptml:invoke name="{name}">\n',
            end="</steptml:invoke><｜tool_call_end｜>",
            separator="\n",
            first="<｜tool_calls_begin｜>\n",
            last="\n<｜tool_calls_end｜>",
            parameter='<steptml:parameter name="{key}">',
            parameter_end="</steptml:parameter>\n",
        ),
    ),
    _dsml_dialect("deepseek_v32", "", "function_calls"),
    _dsml_dialect("deepseek_v4", "", "tool_calls"),
    _dsml_dialect("deepseek_v41", " ", "calls"),
    Dialect(
        "kimi_k3",
        TaggedBody(
            header=regex.compile(
                r'<\|open\|>call tool="(?P<name>[^"]{1,256})"(?: index="\d{1,6}")?<\|sep\|>'
            ),
            parameter=regex.compile(
                r'<\|open\|>argument key="(?P<key>[^"]{1,256})"'
                r'(?: type="(?P<type>[a-z]{1,16})")?<\|sep\|>'
            ),
            parameter_closes=("<|close|>argument<|sep|>",),
            closes=("<|close|>call<|sep|>",),
            types=ValueTypes.ATTRIBUTE,
        ),
        bare_calls=("<|open|>call ",),
        sections=(
            Tags("<|open|>tools<|sep|>", "<|close|>tools<|sep|>"),
            Tags("", "<|close|>message<|sep|>"),
        ),
        reasoning=(Tags("<|open|>think<|sep|>", "<|close|>think<|sep|>"),),
        answers=(Tags("<|open|>response<|sep|>", "<|close|>response<|sep|>"),),
        stops=("<|end_of_msg|>",),
        spelling=CallSpelling(
            begin='<|open|>call tool="{name}" index="{index}"<|sep|>',
            end="<|close|>call<|sep|>",
            first="<|open|>tools<|sep|>",
            last="<|close|>tools<|sep|><|close|>message<|sep|>",
            parameter='<|open|>argument key="{key}" type="{type}"<|sep|>',
            parameter_end="<|close|>argument<|sep|>",
        ),
    ),
    Dialect(
        "minicpm5",
        TaggedBody(
            header=regex.compile(r'<function name="(?P<name>[^"]{1,256})">'),
            parameter=regex.compile(
                r'<param name="(?P<key>[^"]{1,256})">(?:<!\[CDATA\[|(?=[^<]|<[^!]))'
            ),
            parameter_closes=("]]></param>", "</param>"),
            closes=("</function>",),
        ),
        bare_calls=("<function name=",),
        reasoning=(THINK,),
        stops=CHATML_STOPS,
        spelling=CallSpelling(
            begin='<function name="{name}">',
            end="</function>",
            separator="\n",
            parameter='<param name="{key}">',
            parameter_end="</param>",
        ),
    ),
)
