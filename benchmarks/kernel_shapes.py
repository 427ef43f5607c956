"""Random tensors of one model's shape, as the kernels take them."""

from dataclasses import dataclass

import torch
from torch import Tensor

from antiphon.models.forward_batch import SequenceTables
from antiphon.models.layer_kv import LayerKV, PagedStates

# Several layers' caches in turn, so that none is found in the L2 cache, as in a model.
LAYERS_BYTES = 2**28
MAX_LAYERS = 32


@dataclass(frozen=True, slots=True)
class KernelShape:
    """One decoder layer. dtype is torch's name of a type."""

    num_heads: int
    num_kv_heads: int
    head_dim: int
    hidden_dim: int
    intermediate_dim: int
    block_size: int
    dtype: str
    device: str

    def random(self, *shape: int) -> Tensor:
        return torch.randn(shape, device=self.device).to(getattr(torch, self.dtype))

    def kv_bytes(self, num_tokens: int) -> int:
        itemsize = int(getattr(torch, self.dtype).itemsize)
        return 2 * num_tokens * self.num_kv_heads * self.head_dim * itemsize

    def attention_flops(self, num_queries: int, num_earlier: int) -> int:
        """Two products over each key that a causal query sees."""
        num_pairs = num_queries * num_earlier + num_queries * (num_queries + 1) // 2
        return 4 * num_pairs * self.num_heads * self.head_dim

    def layers(self, batch_size: int, context: int) -> list[LayerKV]:
        """As many caches as it takes to leave the L2 cache behind, one at least."""
        num_blocks = 1 + batch_size * -(-context // self.block_size)
        num_layers = -(-LAYERS_BYTES // self.kv_bytes(num_blocks * self.block_size))
        shape = (num_blocks, self.block_size, self.num_kv_heads, self.head_dim)
        return [
            LayerKV(PagedStates(self.random(*shape)), PagedStates(self.random(*shape)))
            for _ in range(min(MAX_LAYERS, num_layers) if self.device != "cpu" else 1)
        ]

    def tables(self, batch_size: int, query_len: int, context: int) -> SequenceTables:
        """Sequences of one length each, whose blocks are scattered."""
        num_blocks = -(-context // self.block_size)
        blocks = 1 + torch.randperm(batch_size * num_blocks, device=self.device)
        starts = torch.arange(batch_size + 1, device=self.device) * query_len
        return SequenceTables(
            query_starts=starts.int(),
            context_lens=torch.full((batch_size,), context, device=self.device).int(),
            block_tables=blocks.view(batch_size, num_blocks).int(),
            max_query_len=query_len,
        )
