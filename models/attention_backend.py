"""The one interface of everything that computes attention over the paged KV cache."""

from typing import Protocol

from torch import Tensor

from antiphon.models.forward_batch import ForwardBatch, VisibleRange
from antiphon.models.layer_kv import LayerKV
from antiphon.models.scoring import Scoring


class PagedAttention(Protocol):
    """Chosen once, when a model is loaded.

    name            for people: shown at startup.
    needs_tables    whether it reads `ForwardBatch.tables` instead of `groups`.
    packs_decodes   whether prompts and decodes may share a packed pass and lose nothing by it.
    """

    name: str
    needs_tables: bool
    packs_decodes: bool

    def store(self, key: Tensor, value: Tensor, kv: LayerKV, batch: ForwardBatch) -> None:
        """Write the batch's keys and values, [b, num_kv_heads, s, dim], into their slots."""
        ...

    def attend(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        kv: LayerKV,
        batch: ForwardBatch,
        visible: VisibleRange,
        scoring: Scoring,
    ) -> Tensor:
        """Returns [b, s, heads, value_dim]. The batch's keys and values are in `kv` already.

        query:       [b, heads, s, key_dim]
        key, value:  [b, num_kv_heads, s, key_dim | value_dim], as they came from the layer
        """
        ...


def by_token(states: Tensor) -> Tensor:
    """[b, heads, s, dim] -> [b * s, heads, dim], a view when either b or s is 1."""
    return states.transpose(1, 2).flatten(0, 1)
