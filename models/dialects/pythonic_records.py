"""Dialects that write calls as Python, or in Gemma's notation."""

from antiphon.models.dialects.dialect import (
    CallSpelling,
    Dialect,
    GemmaBody,
    PythonicBody,
    Tags,
)
from antiphon.models.dialects.json_records import CHATML_STOPS, THINK

PYTHONIC_DIALECTS = (
    Dialect(
        "llama4",
        PythonicBody(),
        calls=(Tags("<|python_start|>", "<|python_end|>"), Tags("<|python_tag|>")),
        starts_bare=True,
        stops=("<|eot|>", "<|eom|>", "<|eot_id|>"),
        spelling=CallSpelling("{name}(", ")", separator=", ", first="[", last="]"),
    ),
    Dialect(
        "lfm2",
        PythonicBody(),
        calls=(Tags("<|tool_call_start|>", "<|tool_call_end|>"),),
        reasoning=(THINK,),
        stops=("<|im_end|>",),
        spelling=CallSpelling(
            "{name}(",
            ")",
            separator=", ",
            first="<|tool_call_start|>[",
            last="]<|tool_call_end|>",
        ),
    ),
    Dialect(
        "olmo3",
        PythonicBody(),
        calls=(Tags("<function_calls>", "</function_calls>"),),
        reasoning=(THINK,),
        stops=CHATML_STOPS,
        spelling=CallSpelling(
            "{name}(",
            ")",
            separator="\n",
            first="<function_calls>\n",
            last="\n</function_calls>",
        ),
    ),
    Dialect(
        "gemma3",
        PythonicBody(),
        calls=(Tags("```tool_code", "```", closes_as_text=True),),
        starts_bare=True,
        stops=("<end_of_turn>",),
        spelling=CallSpelling("{name}(", ")", separator=", ", first="[", last="]"),
    ),
)

GEMMA_DIALECTS = (
    Dialect(
        "gemma4",
        GemmaBody(quote='<|"|>'),
        calls=(Tags("<|tool_call>", "<tool_call|>"),),
        reasoning=(Tags("<|channel>thought", "<channel|>"), Tags("<|channel>", "<channel|>")),
        stops=("<turn|>", "<|tool_response>", "<eos>"),
        spelling=CallSpelling("<|tool_call>call:{name}", "<tool_call|>"),
    ),
    Dialect(
        "functiongemma",
        GemmaBody(quote="<escape>"),
        calls=(Tags("<start_function_call>", "<end_function_call>"),),
        stops=("<start_function_response>", "<end_of_turn>"),
        spelling=CallSpelling("<start_function_call>call:{name}", "<end_function_call>"),
    ),
)
