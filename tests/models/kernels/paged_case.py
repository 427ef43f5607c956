"""Attention over paged keys and values, and what plain arithmetic in float64 says it gives.

Whatever a sequence did not write is NaN: the rest of its last block, and every other block.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from antiphon.models.forward_batch import SequenceTables, VisibleRange
from antiphon.models.kernels.attention_plan import AttentionPlan
from antiphon.models.kernels.attention_tile import AttentionTile, Gpu
from antiphon.models.kernels.paged_attention import paged_attention
from antiphon.models.layer_kv import LayerKV, PagedStates
from antiphon.models.scoring import Scoring

# By type: what rounding its inputs and outputs may cost, absolute and relative.
TOLERANCES = {
    torch.float32: (2e-5, 1e-5),
    torch.float16: (2e-3, 2e-3),
    torch.bfloat16: (1e-2, 1.6e-2),
}


UNLIMITED = VisibleRange()


@dataclass(frozen=True)
class PagedCase:
    """Ragged sequences; the last `query_lens[i]` of `context_lens[i]` tokens are queries."""

    query_lens: tuple[int, ...]
    context_lens: tuple[int, ...]
    num_heads: int = 4
    num_kv_heads: int = 2
    key_dim: int = 64
    value_dim: int = 64
    block_size: int = 16
    visible: VisibleRange = UNLIMITED
    softcap: float | None = None
    has_sinks: bool = False
    dtype: torch.dtype = torch.float32

    @property
    def tile(self) -> AttentionTile:
        return AttentionTile.fit(
            max_query_len=max(self.query_lens),
            group_size=self.num_heads // self.num_kv_heads,
            key_dim=self.key_dim,
            value_dim=self.value_dim,
            dtype=self.dtype,
            gpu=Gpu.of(torch.device("cuda" if torch.cuda.is_available() else "cpu")),
        )


@dataclass(frozen=True)
class PagedInputs:
    """A case's numbers: by sequence, and as the kernel takes them."""

    case: PagedCase
    queries: list[Tensor]
    keys: list[Tensor]
    values: list[Tensor]
    kv: LayerKV
    tables: SequenceTables
    scoring: Scoring

    @classmethod
    def random(cls, case: PagedCase, device: torch.device) -> "PagedInputs":
        generator = torch.Generator().manual_seed(len(case.query_lens))

        def states(num_tokens: int, num_heads: int, dim: int) -> Tensor:
            drawn = torch.randn(num_tokens, num_heads, dim, generator=generator)
            return drawn.to(device, case.dtype)

        heads, kv_heads = case.num_heads, case.num_kv_heads
        queries = [states(length, heads, case.key_dim) for length in case.query_lens]
        keys = [states(length, kv_heads, case.key_dim) for length in case.context_lens]
        values = [states(length, kv_heads, case.value_dim) for length in case.context_lens]
        block_tables = _scattered_blocks(case, generator)
        sinks = torch.randn(heads, generator=generator).to(device) if case.has_sinks else None
        return cls(
            case=case,
            queries=queries,
            keys=keys,
            values=values,
            kv=LayerKV(
                _paged(keys, block_tables, case.block_size),
                _paged(values, block_tables, case.block_size),
            ),
            tables=SequenceTables(
                query_starts=_int32([0, *torch.tensor(case.query_lens).cumsum(0).tolist()], device),
                context_lens=_int32(list(case.context_lens), device),
                block_tables=_int32(_padded(block_tables), device),
                max_query_len=max(case.query_lens),
            ),
            scoring=Scoring(case.key_dim**-0.5, case.softcap, sinks),
        )

    def attend(self, num_splits: int = 1) -> Tensor:
        """[num_tokens, heads, value_dim] by the kernel."""
        return paged_attention(
            torch.cat(self.queries),
            self.kv,
            self.tables,
            self.case.visible,
            self.scoring,
            AttentionPlan(self.case.tile, num_splits),
        )

    def expected(self) -> Tensor:
        """The same in float64 by plain arithmetic."""
        return torch.cat(
            [
                self._expected(query, key, value)
                for query, key, value in zip(self.queries, self.keys, self.values, strict=True)
            ]
        )

    def _expected(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        if len(key) == 0:
            return query.new_zeros(len(query), query.shape[1], self.case.value_dim).double()
        group_size = self.case.num_heads // self.case.num_kv_heads
        query, key, value = query.double(), key.double(), value.double()
        key, value = (states.repeat_interleave(group_size, dim=1) for states in (key, value))
        scores = torch.einsum("qhd,khd->hqk", query, key) * self.scoring.scale
        if self.scoring.softcap is not None:
            scores = torch.tanh(scores / self.scoring.softcap) * self.scoring.softcap
        keys = torch.arange(len(key), device=key.device)
        positions = keys[len(key) - len(query) :, None]
        is_visible = (keys <= positions) & (keys >= self.case.visible.first_visible(positions))
        exponentials = scores.masked_fill(~is_visible, -torch.inf).exp()
        total = exponentials.sum(dim=-1, keepdim=True)
        if self.scoring.sinks is not None:
            total = total + self.scoring.sinks.double().exp()[:, None, None]
        return torch.einsum("hqk,khd->qhd", exponentials / total, value)


def check_paged_attention(case: PagedCase, num_splits: int, device: torch.device) -> None:
    """Raise AssertionError where the kernel's output is not what plain arithmetic says."""
    inputs = PagedInputs.random(case, device)
    assert_close(inputs.attend(num_splits), inputs.expected(), case.dtype)


def assert_close(actual: Tensor, expected: Tensor, dtype: torch.dtype) -> None:
    absolute, relative = TOLERANCES[dtype]
    torch.testing.assert_close(actual.double(), expected.double(), atol=absolute, rtol=relative)


def _scattered_blocks(case: PagedCase, generator: torch.Generator) -> list[list[int]]:
    """Each sequence's blocks, in no order; block 0 is nobody's."""
    counts = [-(-length // case.block_size) for length in case.context_lens]
    blocks = (torch.randperm(sum(counts), generator=generator) + 1).tolist()
    return [[blocks.pop() for _ in range(count)] for count in counts]


def _paged(states: list[Tensor], block_tables: list[list[int]], block_size: int) -> PagedStates:
    num_blocks = 1 + sum(map(len, block_tables))
    blocks = states[0].new_full((num_blocks, block_size, *states[0].shape[1:]), torch.nan)
    for sequence, table in zip(states, block_tables, strict=True):
        for index, block in enumerate(table):
            part = sequence[index * block_size : (index + 1) * block_size]
            blocks[block, : len(part)] = part
    return PagedStates(blocks)


def _padded(block_tables: list[list[int]]) -> list[list[int]]:
    """One column more than anybody needs."""
    width = 1 + max(map(len, block_tables))
    return [table + [0] * (width - len(table)) for table in block_tables]


def _int32(numbers: list[int] | list[list[int]], device: torch.device) -> Tensor:
    return torch.tensor(numbers, dtype=torch.int32, device=device)
