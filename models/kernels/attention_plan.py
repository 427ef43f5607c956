"""How one launch of paged attention is laid out.

By shapes, never by lengths: a graph that was captured once serves whatever its tables hold later.
"""

from dataclasses import dataclass
from typing import Self

from torch import Tensor

from antiphon.models.forward_batch import SequenceTables, VisibleRange
from antiphon.models.kernels.attention_tile import AttentionTile, Gpu
from antiphon.models.layer_kv import LayerKV

PROGRAMS_PER_PROCESSOR = 2
MIN_TILES_PER_SPLIT = 2


@dataclass(frozen=True, slots=True)
class AttentionPlan:
    """Of what size the pieces are, and into how many splits the keys are cut."""

    tile: AttentionTile
    num_splits: int

    @classmethod
    def of(
        cls,
        query: Tensor,
        kv: LayerKV,
        tables: SequenceTables,
        visible: VisibleRange,
        gpu: Gpu,
    ) -> Self:
        """query: [num_tokens, heads, key_dim]"""
        _, block_size, num_kv_heads, key_dim = kv.keys.blocks.shape
        group_size = query.shape[1] // num_kv_heads
        tile = AttentionTile.fit(
            max_query_len=tables.max_query_len,
            group_size=group_size,
            key_dim=key_dim,
            value_dim=kv.values.blocks.shape[3],
            dtype=query.dtype,
            gpu=gpu,
        )
        num_tiles = tile.count_for(tables.max_query_len, group_size)
        num_splits = choose_num_splits(
            num_programs=num_tiles * num_kv_heads * len(tables.context_lens),
            max_context_len=_most_keys(tables, visible, block_size),
            tile=tile,
            gpu=gpu,
        )
        return cls(tile, num_splits)


def choose_num_splits(
    *, num_programs: int, max_context_len: int, tile: AttentionTile, gpu: Gpu
) -> int:
    """Into how many parts keys are cut, so that few sequences still fill the GPU.

    num_programs     of one split.
    max_context_len  that may be seen at most.
    """
    free = gpu.num_processors * PROGRAMS_PER_PROCESSOR // num_programs
    most = max_context_len // (MIN_TILES_PER_SPLIT * tile.num_keys)
    return max(1, min(free, most))


def _most_keys(tables: SequenceTables, visible: VisibleRange, block_size: int) -> int:
    """The most that the tokens of one sequence can see, whatever the tables hold."""
    capacity = tables.block_tables.shape[1] * block_size
    reach = visible.chunk_size if visible.chunk_size is not None else visible.window
    return capacity if reach is None else min(capacity, reach + tables.max_query_len)
