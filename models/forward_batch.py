"""What one forward pass works on: the contract between the engine's runner and the network.

A forward pass is either *packed* (`[1, num_tokens]`: chunks of prompts one behind the other) or
*stacked* (`[num_rows, 1]`: one token of each sequence). Attention does not care, and layers that
carry a state see an ordinary batch in the second.

A *slot* is one token's place in the KV cache, block_id * block_size + offset. Block 0 is the null
block, from which padding is read.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class VisibleRange:
    """Which keys a query may see: the last `window`, those of its chunk, or all before it."""

    window: int | None = None
    chunk_size: int | None = None

    @property
    def is_unlimited(self) -> bool:
        return self.window is None and self.chunk_size is None

    def first_visible(self, positions: Tensor) -> Tensor:
        """The first key position that a query at each of `positions` may see; same shape."""
        if self.chunk_size is not None:
            return positions // self.chunk_size * self.chunk_size
        if self.window is not None:
            return (positions - self.window + 1).clamp_min(0)
        return torch.zeros_like(positions)


@dataclass(frozen=True, slots=True)
class PromptSpan:
    """A chunk of one sequence's tokens inside a packed pass.

    start, end   its rows in the packed tokens.
    offset       tokens of the sequence that were computed before this chunk.
    block_table  [num_blocks] int64: the blocks of every token so far; None when offset is 0, as all
                 keys are at hand.
    """

    start: int
    end: int
    offset: int
    block_table: Tensor | None
    _masks: dict[VisibleRange, Tensor] = field(default_factory=dict)

    @property
    def context_len(self) -> int:
        """Tokens of the sequence up to the end of the chunk."""
        return self.offset + self.end - self.start

    def is_plainly_causal(self, visible: VisibleRange) -> bool:
        return self.offset == 0 and visible.is_unlimited

    def mask(self, visible: VisibleRange, query: Tensor) -> Tensor:
        """[num_queries, context_len] of the query's type: 0 where it may look, -inf elsewhere."""
        if visible not in self._masks:
            keys = torch.arange(self.context_len, device=query.device)
            positions = keys[self.offset :, None]
            is_visible = (keys <= positions) & (keys >= visible.first_visible(positions))
            self._masks[visible] = _additive(is_visible, query.dtype)
        return self._masks[visible]


@dataclass(frozen=True, slots=True)
class DecodeGroup:
    """Rows of a stacked pass whose contexts are of similar length, padded to the longest.

    start, end       the rows.
    block_tables     [num_rows, max_num_blocks] int64, padded with the null block.
    context_lens     [num_rows] int64, this step's token included.
    max_context_len  the longest of them.
    is_padded        whether they differ.
    """

    start: int
    end: int
    block_tables: Tensor
    context_lens: Tensor
    max_context_len: int
    is_padded: bool
    _masks: dict[VisibleRange, Tensor] = field(default_factory=dict)

    def mask(self, visible: VisibleRange, query: Tensor) -> Tensor | None:
        """[num_rows, 1, 1, max_context_len], 0 or -inf; None where nothing is hidden."""
        if visible.is_unlimited and not self.is_padded:
            return None
        if visible not in self._masks:
            keys = torch.arange(self.max_context_len, device=query.device)
            lengths = self.context_lens[:, None]
            is_visible = (keys < lengths) & (keys >= visible.first_visible(lengths - 1))
            self._masks[visible] = _additive(is_visible, query.dtype)[:, None, None, :]
        return self._masks[visible]


@dataclass(frozen=True, slots=True)
class SequenceTables:
    """Every sequence of a pass, as kernels that read the paged cache in place want it.

    query_starts   [num_sequences + 1] int32: where each sequence's tokens begin in the flat pass.
    context_lens   [num_sequences] int32, this pass's tokens included; 0 for padding.
    block_tables   [num_sequences, max_num_blocks] int32, padded with the null block.
    max_query_len  the most tokens of one sequence.
    """

    query_starts: Tensor
    context_lens: Tensor
    block_tables: Tensor
    max_query_len: int


@dataclass(frozen=True, slots=True)
class ForwardBatch:
    """One forward pass.

    token_ids, position_ids  [1, num_tokens] when packed, [num_rows, 1] when stacked; int64.
    slot_mapping             [num_tokens] int64: where each token's key and value go.
    fresh_blocks             [num_fresh] int64: blocks that this pass is the first to write to.
    spans                    the chunks of a packed pass; empty when stacked.
    groups                   the rows of a stacked pass; empty when packed.
    logit_rows               [num_logits] int64: the tokens of the batch whose logits are wanted;
                             None is all of them, in their order.
    state_rows               [num_sequences] int64: each sequence's row of a hybrid model's states.
    has_state                False on the first chunk of a sequence: its state starts from nothing.
    tables                   the sequences once more, for attention that reads them; else None.
    """

    token_ids: Tensor
    position_ids: Tensor
    slot_mapping: Tensor
    fresh_blocks: Tensor
    spans: tuple[PromptSpan, ...]
    groups: tuple[DecodeGroup, ...]
    logit_rows: Tensor | None
    state_rows: Tensor
    has_state: bool
    tables: SequenceTables | None = None


def _additive(is_visible: Tensor, dtype: torch.dtype) -> Tensor:
    """What is added to scores: a bool mask would be converted to it in every layer."""
    return torch.zeros_like(is_visible, dtype=dtype).masked_fill_(~is_visible, -torch.inf)
