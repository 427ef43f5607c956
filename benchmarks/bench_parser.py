"""What does parsing cost, and does it stay linear on text that is made to be slow?

The regime: one parser at a time in one process, no model, one output of some 30 thousand
characters each: ordinary ones of every kind, and ones full of half markers, of closing tags that
close nothing, of white space or of brackets. They are fed by characters, in pieces of four, which
is about a token, and at once. The theoretical ceiling is none; for scale, a thousand tokens a
second are 4000 characters a second, of which each may take 250 microseconds of one core.

    python -m benchmarks.bench_parser
"""

import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Annotated

import torch
import typer
from rich.table import Table

from antiphon.models.dialects.parser import DialectParser
from antiphon.models.dialects.registry import DIALECTS
from antiphon.models.dialects.tool_types import ToolTypes
from benchmarks.command_line import run_command
from benchmarks.hardware import Hardware
from benchmarks.report import make_table, number, publish, timestamp

SCHEMA = "antiphon.bench.parser/1"
TOOLS = ToolTypes.from_schemas({"f": {"type": "object", "properties": {"a": {"type": "string"}}}})
PIECE_LENGTHS = (1, 4)
PROSE_LINE = 'The quick <b>brown</b> fox jumps over the lazy dog, "again" and [again].\n'


@dataclass(frozen=True, slots=True)
class Case:
    """One output in one dialect."""

    name: str
    dialect: str
    raw: str


@dataclass(frozen=True, slots=True)
class Cost:
    """Microseconds for each character, the median of all rounds; by the length of the pieces."""

    name: str
    dialect: str
    num_characters: int
    by_piece_length: Mapping[int, float]
    at_once: float


def make_cases(size: int) -> tuple[Case, ...]:
    """size: about how many characters each output has."""
    prose = PROSE_LINE * (size // len(PROSE_LINE) + 1)
    quoted = json.dumps({"a": prose})
    tagged = "<tool_call>\n<function=f>\n<parameter=a>\n"
    closers = "</parameter>\n</function>\n</tool_call>"
    hermes = f'<tool_call>\n{{"name": "f", "arguments": {quoted}}}\n</tool_call>'
    harmony = f"<|channel|>analysis<|message|>{prose}<|end|><|start|>assistant"
    harmony += f"<|channel|>final<|message|>{prose}"
    return (
        Case("text", "qwen3", prose),
        Case("JSON arguments", "qwen3", hermes),
        Case("bare JSON", "llama3", f'{{"name": "f", "parameters": {quoted}}}'),
        Case("tagged value", "qwen35", f"{tagged}{prose}{closers}"),
        Case("Python string", "lfm2", f"<|tool_call_start|>[f(a={prose!r})]<|tool_call_end|>"),
        Case("Gemma string", "gemma4", f'<|tool_call>call:f{{a:<|"|>{prose}<|"|>}}<tool_call|>'),
        Case("harmony", "gpt_oss", harmony),
        Case("draft in thinking", "qwen3", f"<think>{hermes} no</think>Hello."),
        Case("line ends", "qwen3", "\n" * size),
        Case("half markers", "qwen3", "<tool_cal" * (size // 9)),
        Case("closing tags", "qwen35", f"{tagged}{'</parameter> x </function> ' * (size // 27)}"),
        Case("space behind a tag", "qwen35", f"{tagged}</parameter>{' ' * size}x{closers}"),
        Case("Python list", "lfm2", f"<|tool_call_start|>[f(a=[{'1, ' * (size // 3)}])]"),
        Case(
            "brackets", "qwen3", '<tool_call>{"name": "f", "arguments": ' + '[{"a":' * (size // 6)
        ),
    )


def bench_parser(
    size: Annotated[int, typer.Option(min=100, help="Characters of each output.")] = 30_000,
    repeats: Annotated[int, typer.Option(min=1, help="Rounds.")] = 5,
) -> None:
    """Measure what each character of an output costs the parser."""
    started_at = timestamp()
    costs = [measure(case, repeats) for case in make_cases(size)]
    hardware = Hardware.of(torch.device("cpu"))
    document = {
        "schema": SCHEMA,
        "started_at": started_at,
        "settings": {"size": size, "repeats": repeats},
        "hardware": asdict(hardware),
        "costs": [asdict(cost) for cost in costs],
    }
    title = f"outputs of {size} characters, medians of {repeats} rounds"
    publish(title, _table(costs), [str(hardware)], document)


def measure(case: Case, repeats: int) -> Cost:
    microseconds = {
        length: median(_parse(case, length) for _ in range(repeats))
        for length in (*PIECE_LENGTHS, len(case.raw))
    }
    at_once = microseconds.pop(len(case.raw))
    return Cost(case.name, case.dialect, len(case.raw), microseconds, at_once)


def _parse(case: Case, length: int) -> float:
    """Microseconds a character."""
    pieces = [case.raw[start : start + length] for start in range(0, len(case.raw), length)]
    parser = DialectParser(DIALECTS[case.dialect], TOOLS)
    started_at = time.perf_counter()
    for piece in pieces:
        parser.feed(piece)
    parser.finish(is_cut_off=False)
    return 1e6 * (time.perf_counter() - started_at) / len(case.raw)


def _table(costs: Sequence[Cost]) -> Table:
    lengths = [f"in pieces of {length}" for length in PIECE_LENGTHS]
    table = make_table("µs a character", "dialect", "characters", *lengths, "at once")
    for cost in costs:
        table.add_row(
            cost.name,
            cost.dialect,
            str(cost.num_characters),
            *(number(cost.by_piece_length[length], 2) for length in PIECE_LENGTHS),
            number(cost.at_once, 3),
        )
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    return run_command(bench_parser, arguments)


if __name__ == "__main__":
    sys.exit(main())
