"""Dialects that name the tool in a header and write its arguments as JSON behind it."""

import regex

from antiphon.models.dialects.dialect import (
    CallSpelling,
    Dialect,
    HarmonyBody,
    HeaderJsonBody,
    Tags,
)
from antiphon.models.dialects.json_records import THINK

DEEPSEEK_STOPS = ("<｜end▁of▁sentence｜>",)
DEEPSEEK_CALL = Tags("<｜tool▁call▁begin｜>", "<｜tool▁call▁end｜>")
DEEPSEEK_SECTION = Tags("<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>")
FENCED = HeaderJsonBody(
    regex.compile(
        r"\s{0,8}(?:function)?<｜tool▁sep｜>\s{0,8}(?P<name>[^\n<{`]{1,256})\n?\s{0,8}```json(?=\s)"
    ),
    fence="```",
)
FENCED_SPELLING = CallSpelling(
    begin="<｜tool▁call▁begin｜>function<｜tool▁sep｜>{name}\n```json\n",
    end="\n```<｜tool▁call▁end｜>",
    separator="\n",
    first="<｜tool▁calls▁begin｜>",
    last="<｜tool▁calls▁end｜>",
)
MISTRAL_HEADER = HeaderJsonBody(
    regex.compile(
        r"\s{0,8}(?P<name>[^\s\[\]{}]{1,256})(?:\[CALL_ID\](?P<id>[^\s\[\]{}]{1,64}))?"
        r"(?:\[ARGS\])?(?=\s{0,64}\{)"
    )
)
MISTRAL_SPELLING = CallSpelling("[TOOL_CALLS]{name}[ARGS]", "")

HEADER_DIALECTS = (
    Dialect(
        "mistral",
        MISTRAL_HEADER,
        calls=(Tags("[TOOL_CALLS]"),),
        stops=("</s>",),
        spelling=MISTRAL_SPELLING,
    ),
    Dialect(
        "magistral",
        MISTRAL_HEADER,
        calls=(Tags("[TOOL_CALLS]"),),
        reasoning=(Tags("[THINK]", "[/THINK]"), THINK),
        stops=("</s>",),
        spelling=MISTRAL_SPELLING,
    ),
    Dialect(
        "deepseek_v3",
        FENCED,
        calls=(DEEPSEEK_CALL,),
        sections=(DEEPSEEK_SECTION,),
        stops=DEEPSEEK_STOPS,
        spelling=FENCED_SPELLING,
    ),
    Dialect(
        "deepseek_r1",
        FENCED,
        calls=(DEEPSEEK_CALL,),
        sections=(DEEPSEEK_SECTION,),
        reasoning=(THINK,),
        stops=DEEPSEEK_STOPS,
        spelling=FENCED_SPELLING,
    ),
    Dialect(
        "deepseek_v31",
        HeaderJsonBody(
            regex.compile(r"\s{0,8}(?P<name>[^\n<{]{1,256})<｜tool▁sep｜>(?=\s{0,64}\{)")
        ),
        calls=(DEEPSEEK_CALL,),
        sections=(DEEPSEEK_SECTION,),
        reasoning=(THINK,),
        stops=DEEPSEEK_STOPS,
        spelling=CallSpelling(
            begin="<｜tool▁call▁begin｜>{name}<｜tool▁sep｜>",
            end="<｜tool▁call▁end｜>",
            first="<｜tool▁calls▁begin｜>",
            last="<｜tool▁calls▁end｜>",
        ),
    ),
    Dialect(
        "kimi_k2",
        HeaderJsonBody(
            regex.compile(
                r"\s{0,8}(?P<id>(?P<name>[^\s<{]{1,256}))\s{0,8}<\|tool_call_argument_begin\|>"
            ),
            is_numbered=True,
        ),
        calls=(Tags("<|tool_call_begin|>", "<|tool_call_end|>"),),
        sections=(Tags("<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"),),
        reasoning=(THINK,),
        stops=("<|im_end|>",),
        spelling=CallSpelling(
            begin="<|tool_call_begin|>functions.{name}:{index}<|tool_call_argument_begin|>",
            end="<|tool_call_end|>",
            first="<|tool_calls_section_begin|>",
            last="<|tool_calls_section_end|>",
        ),
    ),
    Dialect(
        "functionary_v31",
        HeaderJsonBody(
            regex.compile(r"<function=(?P<name>[^>\s]{1,256})>(?=\s{0,64}\{)"), fence="</function>"
        ),
        bare_calls=("<function=",),
        stops=("<|eom_id|>", "<|eot_id|>"),
        spelling=CallSpelling("<function={name}>", "</function>"),
    ),
    Dialect(
        "solar_open",
        HeaderJsonBody(
            regex.compile(
                r"(?P<id>[^<]{1,64})<\|tool_call:name\|>(?P<name>[^<]{1,256})<\|tool_call:args\|>"
            )
        ),
        calls=(Tags("<|tool_call:begin|>", "<|tool_call:end|>"),),
        sections=(Tags("<|tool_calls|>", "<|calls|>"),),
        reasoning=(Tags("<|think|>", "<|end|>"),),
        answers=(Tags("<|content|>", ""), Tags("<|begin|>assistant", "")),
        spelling=CallSpelling(
            begin="<|tool_call:begin|>call{index}<|tool_call:name|>{name}<|tool_call:args|>",
            end="<|tool_call:end|>",
            first="<|tool_calls|>",
            last="<|calls|>",
        ),
    ),
    Dialect(
        "gpt_oss",
        HarmonyBody(),
        reasoning=(Tags("<|channel|>analysis<|message|>", "<|end|><|start|>assistant"),),
        stops=("<|return|>", "<|call|>"),
        spelling=CallSpelling(
            begin="<|channel|>commentary to=functions.{name} <|constrain|>json<|message|>",
            end="<|call|>",
        ),
    ),
)
