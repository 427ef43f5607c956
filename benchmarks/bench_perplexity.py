"""What do fewer bits cost in quality? Perplexity on fixed texts, against float32.

The regime: prose, a licence, code and documentation, each read from its beginning by the network
that serves, in windows of at most WINDOW tokens. A type of float or a
quantization passes when its perplexity is within 1 % of that of float32.

    python -m benchmarks.bench_perplexity
"""

import math
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.table import Table
from torch import Tensor

from antiphon.models.cache import ModelCache
from antiphon.models.catalog import DEFAULT_MODEL
from antiphon.models.cpu_layout import CpuLinear
from antiphon.models.forward_batch import ForwardBatch, PromptSpan, SequenceTables
from antiphon.models.fusion.panel_linear import Int8Linear
from antiphon.models.loader import load_model
from antiphon.models.network import Network
from antiphon.models.progress import Progress, ignore_progress
from antiphon.models.source import locate
from antiphon.models.tokenizer import Tokenizer
from antiphon.server.progress_bar import open_progress
from benchmarks.command_line import run_command
from benchmarks.hardware import Hardware
from benchmarks.report import make_table, number, publish, timestamp

SCHEMA = "antiphon.bench.perplexity/1"
ROOT = Path(__file__).parents[1]
TEXTS = (
    ROOT / "benchmarks/texts/alice.txt",
    ROOT / "LICENSE",
    ROOT / "benchmarks/texts/block_manager.txt",
    ROOT / "benchmarks/texts/architecture.txt",
)
WINDOW = 1024
BLOCK_SIZE = 16
LIMIT = 1.01


class Int8FloatLinear(Int8Linear):
    """As on a processor that does not multiply bytes."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        super().__init__(weight, bias, has_dots=False)


CASES: dict[str, tuple[torch.dtype, CpuLinear | None]] = {
    "float32": (torch.float32, None),
    "bfloat16": (torch.bfloat16, None),
    "int8, float32 activations": (torch.float32, Int8FloatLinear),
    "int8, 16-bit activations": (torch.float32, Int8Linear),
    "int8, bfloat16 between layers": (torch.bfloat16, Int8Linear),
}


@dataclass(frozen=True, slots=True)
class Quality:
    """One case."""

    name: str
    perplexity: float
    against_float32: float

    @property
    def passes(self) -> bool:
        return self.against_float32 <= LIMIT


def bench_perplexity(
    model: Annotated[str, typer.Option(help="A catalog name, folder or hub id.")] = DEFAULT_MODEL,
) -> None:
    """Measure what types and quantizations cost in perplexity, on a CPU."""
    with open_progress(Console(stderr=True)) as progress:
        run(model, progress)


def run(model: str, progress: Progress) -> None:
    """Measure and publish. Raises ModelError."""
    started_at = timestamp()
    folder = locate(
        model, cache=ModelCache.default(), offline=False, allow_pickle=False, progress=progress
    )
    tokenizer = Tokenizer.from_folder(folder)
    windows = [window for text in TEXTS for window in _windows(tokenizer.encode(text.read_text()))]
    perplexities: dict[str, float] = {}
    for index, (name, (dtype, linear)) in enumerate(CASES.items()):
        progress("cases", index, len(CASES), "steps")
        perplexities[name] = _perplexity(_network(folder, dtype, linear), windows)
    progress("cases", len(CASES), len(CASES), "steps")
    baseline = perplexities["float32"]
    qualities = [Quality(name, value, value / baseline) for name, value in perplexities.items()]
    hardware = Hardware.of(torch.device("cpu"))
    num_tokens = sum(len(window) for window in windows)
    document = {
        "schema": SCHEMA,
        "started_at": started_at,
        "model": model,
        "num_tokens": num_tokens,
        "hardware": asdict(hardware),
        "cases": [asdict(quality) | {"passes": quality.passes} for quality in qualities],
    }
    publish(f"{model}: {num_tokens:,} tokens", _table(qualities), [str(hardware)], document)


def _windows(token_ids: list[int]) -> list[list[int]]:
    return [token_ids[start : start + WINDOW] for start in range(0, len(token_ids) - 1, WINDOW)]


def _network(folder: Path, dtype: torch.dtype, linear: CpuLinear | None) -> Network:
    model = load_model(
        folder,
        device=torch.device("cpu"),
        dtype=dtype,
        trust_remote_code=False,
        allow_pickle=False,
        progress=ignore_progress,
    )
    network = Network(model, max_state_rows=1, quantized=linear)
    network.allocate_kv(WINDOW // BLOCK_SIZE + 1, BLOCK_SIZE)
    return network


@torch.inference_mode()
def _perplexity(network: Network, windows: list[list[int]]) -> float:
    """exp of the mean negative log likelihood of every token but each window's first."""
    total, count = 0.0, 0
    for window in windows:
        logprobs = network.forward(_whole(window))[:-1].log_softmax(dim=-1)
        targets = torch.tensor(window[1:])[:, None]
        total -= float(logprobs.gather(1, targets).double().sum())
        count += len(window) - 1
    return math.exp(total / count)


def _whole(window: list[int]) -> ForwardBatch:
    """All tokens of one window in one pass, and the logits of each."""
    places = torch.arange(len(window))
    slots = places + BLOCK_SIZE
    return ForwardBatch(
        token_ids=torch.tensor([window]),
        position_ids=places[None],
        slot_mapping=slots,
        fresh_blocks=slots[::BLOCK_SIZE] // BLOCK_SIZE,
        spans=(PromptSpan(0, len(window), 0, None),),
        groups=(),
        logit_rows=places,
        state_rows=torch.zeros(1, dtype=torch.int64),
        has_state=False,
        tables=SequenceTables(
            query_starts=torch.tensor([0, len(window)], dtype=torch.int32),
            context_lens=torch.tensor([len(window)], dtype=torch.int32),
            block_tables=torch.arange(1, WINDOW // BLOCK_SIZE + 1, dtype=torch.int32)[None],
            max_query_len=len(window),
        ),
    )


def _table(qualities: list[Quality]) -> Table:
    table = make_table("weights", "perplexity", "against float32", "within 1 %")
    for quality in qualities:
        table.add_row(
            quality.name,
            number(quality.perplexity, 3),
            number(quality.against_float32, 4),
            "yes" if quality.passes else "no",
        )
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    return run_command(bench_perplexity, arguments)


if __name__ == "__main__":
    sys.exit(main())
