"""Paged attention behind transformers' attention interface.

transformers calls one registered function for every attention layer of every architecture. Each
attention module carries the `LayerAttention` bound to it at load, which holds that layer's part of
the KV cache and knows the running batch: no global state, and the models' own forward code stays as
it is. No mask function is registered on purpose: transformers then builds no mask, and causality,
windows and chunks are ours.
"""

from collections.abc import Iterator

from torch import Tensor, nn
from transformers import AttentionInterface, PreTrainedConfig, PreTrainedModel

from antiphon.models.attention_backend import PagedAttention
from antiphon.models.dense_attention import attend
from antiphon.models.forward_batch import ForwardBatch, VisibleRange
from antiphon.models.layer_kv import KVSpec, LayerKV
from antiphon.models.scoring import Scoring

ATTENTION_NAME = "antiphon"


class AttentionContext:
    """What all layers of one network share: how they attend, and the batch being computed."""

    def __init__(self, backend: PagedAttention) -> None:
        self.backend = backend
        self.batch: ForwardBatch | None = None


class LayerAttention:
    """One layer's attention, bound to its transformers module.

    Without a batch it runs plain causal attention and notes the shapes it sees: that is how the KV
    cache learns what to allocate. `spec` stays None for a layer that never attends.
    """

    def __init__(self, context: AttentionContext, layer_range: VisibleRange) -> None:
        self._context = context
        self._layer_range = layer_range
        self._scoring: Scoring | None = None
        self.visible = layer_range
        self.spec: KVSpec | None = None
        self.probed_key: Tensor | None = None
        self.kv: LayerKV | None = None
        self.stores = True

    @property
    def batch(self) -> ForwardBatch | None:
        """What is being computed; None during a probe."""
        return self._context.batch

    def wanted_rows(self) -> Tensor | None:
        """The tokens of a packed pass whose logits are wanted; None where that is all of them."""
        batch = self.batch
        if batch is None or not batch.spans or batch.logit_rows is None:
            return None
        return batch.logit_rows if len(batch.logit_rows) < len(batch.slot_mapping) else None

    @property
    def scoring(self) -> Scoring:
        """What the layer's own module has shown."""
        assert self._scoring is not None, "the module has run once"
        return self._scoring

    def __call__(
        self, query: Tensor, key: Tensor, value: Tensor, scoring: Scoring, window: int | None
    ) -> Tensor:
        """Returns [b, s, heads, value_dim].

        query:       [b, heads, s, key_dim]
        key, value:  [b, num_kv_heads, s, key_dim | value_dim]
        """
        if self._context.batch is None:
            self.visible = VisibleRange(window) if window is not None else self._layer_range
            self._scoring = scoring
        return self._attend(query, key, value, self.visible, scoring)

    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """The same with the scoring and the window that the layer's own module has shown."""
        return self._attend(query, key, value, self.visible, self.scoring)

    def _attend(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        visible: VisibleRange,
        scoring: Scoring,
    ) -> Tensor:
        batch = self.batch
        if batch is None:
            return self._probe(query, key, value, scoring)
        assert self.kv is not None, "the KV cache is bound before the first batch"
        backend = self._context.backend
        if self.stores:
            backend.store(key, value, self.kv, batch)
        return backend.attend(query, key, value, self.kv, batch, visible, scoring)

    def _probe(self, query: Tensor, key: Tensor, value: Tensor, scoring: Scoring) -> Tensor:
        self.spec = KVSpec(key.shape[1], key.shape[3], value.shape[3])
        self.probed_key = key
        return attend(query, key, value, scoring, mask=None, is_causal=True).transpose(1, 2)


def attention_forward(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    s_aux: Tensor | None = None,
    **_: object,
) -> tuple[Tensor, None]:
    """The function that transformers calls; see `LayerAttention.__call__` for the shapes."""
    layer = module.antiphon_attention
    assert isinstance(layer, LayerAttention)
    scale = query.shape[-1] ** -0.5 if scaling is None else float(scaling)
    return layer(query, key, value, Scoring(scale, softcap, s_aux), sliding_window), None


def register_attention() -> None:
    """Make `attn_implementation="antiphon"` known to transformers."""
    AttentionInterface.register(ATTENTION_NAME, attention_forward)


def bind_layers(model: PreTrainedModel, context: AttentionContext) -> dict[int, LayerAttention]:
    """Give every module that belongs to a decoder layer its LayerAttention, by layer index."""
    config = model.config.get_text_config()
    layers: dict[int, LayerAttention] = {}
    for module, layer_idx in _layer_modules(model):
        if layer_idx not in layers:
            layers[layer_idx] = LayerAttention(context, _layer_range(config, layer_idx))
        module.antiphon_attention = layers[layer_idx]  # type: ignore[assignment]
    return layers


def _layer_modules(model: nn.Module) -> Iterator[tuple[nn.Module, int]]:
    for module in model.modules():
        layer_idx = getattr(module, "layer_idx", None)
        if isinstance(layer_idx, int):
            yield module, layer_idx


def _layer_range(config: PreTrainedConfig, layer_idx: int) -> VisibleRange:
    """What the config says of a layer, for models that express it by a mask and not in the call."""
    layer_types = getattr(config, "layer_types", None) or ()
    layer_type = layer_types[layer_idx] if layer_idx < len(layer_types) else None
    if layer_type == "chunked_attention":
        return VisibleRange(chunk_size=config.attention_chunk_size)
    if layer_type == "sliding_attention":
        return VisibleRange(window=getattr(config, "sliding_window", None))
    return VisibleRange()
