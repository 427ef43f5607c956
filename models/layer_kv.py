"""One layer's part of the paged KV cache."""

from dataclasses import dataclass

from torch import Tensor

from antiphon.models.forward_batch import ForwardBatch


@dataclass(frozen=True, slots=True)
class KVSpec:
    """The shape of what one layer keeps per token."""

    num_kv_heads: int
    key_dim: int
    value_dim: int

    @property
    def numbers_per_token(self) -> int:
        return self.num_kv_heads * (self.key_dim + self.value_dim)


@dataclass(frozen=True, slots=True)
class PagedStates:
    """The keys, or the values, of one layer: [num_blocks, block_size, num_kv_heads, dim]."""

    blocks: Tensor

    def store(self, new: Tensor, batch: ForwardBatch) -> None:
        """Write each new token's state, [num_tokens, num_kv_heads, dim], into its slot.

        Source: PagedAttention (Kwon et al., 2023), section 4.
        """
        # Blocks are read whole, under a mask: a NaN that somebody else left there, or that was in
        # the memory before, would pass it.
        if len(batch.fresh_blocks):
            self.blocks.index_fill_(0, batch.fresh_blocks, 0)
        self.blocks.flatten(0, 1).index_copy_(0, batch.slot_mapping, new)

    def gather(self, block_tables: Tensor, context_len: int) -> Tensor:
        """The first `context_len` states of each row of [num_rows, max_num_blocks] tables.

        Returns [num_rows, num_kv_heads, context_len, dim].
        """
        gathered = self.blocks.index_select(0, block_tables.flatten())
        by_row = gathered.view(len(block_tables), -1, *self.blocks.shape[2:])
        return by_row[:, :context_len].transpose(1, 2)


@dataclass(frozen=True, slots=True)
class LayerKV:
    """One layer's keys and values."""

    keys: PagedStates
    values: PagedStates
