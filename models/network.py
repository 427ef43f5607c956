"""A loaded network: transformers' own forward code over our paged attention."""

from typing import Any, cast

import torch
from torch import Tensor
from transformers import PreTrainedModel

from antiphon.models.attention import AttentionContext, bind_layers
from antiphon.models.cpu_layout import CpuLinear, lay_out_linears
from antiphon.models.device_parts import DeviceParts
from antiphon.models.errors import UnsupportedModel
from antiphon.models.forward_batch import ForwardBatch
from antiphon.models.fusion.attention_block import FusedAttention
from antiphon.models.fusion.decoder_layer import FusedDecoderLayer
from antiphon.models.fusion.swaps import Fusion
from antiphon.models.layer_kv import KVSpec, LayerKV, PagedStates
from antiphon.models.probe import probe_model, run_spread
from antiphon.models.state_cache import StateCache, cache_argument


class Network:
    """Runs forward batches through one model.

    max_state_rows   bounds the sequences that run at once in a hybrid model.
    parts            what it computes with; None is what its device gets.
    quantized        what linear layers become in place of what `parts` says.
    continues_state  False for a hybrid model whose layers forget their state between chunks of a
                     prompt (Mamba 1): its prompts have to be computed whole.

    Raises UnsupportedModel when layers go around the attention and cache interfaces.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        max_state_rows: int,
        parts: DeviceParts | None = None,
        quantized: CpuLinear | None = None,
    ) -> None:
        parts = parts if parts is not None else DeviceParts.of(model.device, model.dtype)
        model.eval()
        self._model: Any = model
        self.device: torch.device = model.device
        self.dtype: torch.dtype = model.dtype
        self._context = AttentionContext(parts.attention)
        self._layers = bind_layers(model, self._context)
        self._states = StateCache(max_state_rows)
        self._cache_argument = cache_argument(model)
        self._keeps_logits: bool = self._model._supports_logits_to_keep()  # type: ignore[operator]
        probe = probe_model(model, self._layers, self._states)
        self._kv_source = probe.kv_source
        self.continues_state = probe.continues_state
        self.fusion = Fusion(model, parts.kernels, self._probe_logits)
        self.fusion.apply()
        self._ask_the_last_layer_for_few_rows()
        linear = quantized or parts.linear
        if linear is not None:
            num_laid_out = lay_out_linears(model, linear, self._probe_logits)
            if num_laid_out == 0 and quantized is not None:
                raise UnsupportedModel(
                    f"{self.architecture} in {self.dtype} has no layer that this processor "
                    "computes in 8 bits"
                )
        self._bind = parts.bind

    @property
    def architecture(self) -> str:
        return type(self._model).__name__

    @property
    def attention_name(self) -> str:
        """For people."""
        return self._context.backend.name

    @property
    def needs_tables(self) -> bool:
        """Whether its batches carry `ForwardBatch.tables`, instead of groups."""
        return self._context.backend.needs_tables

    @property
    def packs_decodes(self) -> bool:
        """Whether prompts and decodes may share a packed pass."""
        return self._context.backend.packs_decodes and not self.has_state

    @property
    def vocab_size(self) -> int:
        return cast(int, self._model.config.get_text_config().vocab_size)

    @property
    def weight_bytes(self) -> int:
        laid_out = sum(getattr(module, "weight_bytes", 0) for module in self._model.modules())
        left: int = sum(tensor.nbytes for tensor in self._model.parameters())
        return laid_out + left

    @property
    def has_state(self) -> bool:
        """Whether layers keep more than keys and values: cached prefixes don't bring that back."""
        return self._states.is_used

    @property
    def kv_bytes_per_token(self) -> int:
        return (
            sum(spec.numbers_per_token for spec in self._kv_specs().values()) * self.dtype.itemsize
        )

    def allocate_kv(self, num_blocks: int, block_size: int) -> None:
        """Give every attending layer `num_blocks` blocks, the null block among them."""
        kv_by_layer = {
            layer_idx: LayerKV(
                self._paged((num_blocks, block_size, spec.num_kv_heads, spec.key_dim)),
                self._paged((num_blocks, block_size, spec.num_kv_heads, spec.value_dim)),
            )
            for layer_idx, spec in self._kv_specs().items()
        }
        for layer_idx, layer in self._layers.items():
            if layer.spec is not None:
                source_idx = self._kv_source[layer_idx]
                layer.kv = kv_by_layer[source_idx]
                layer.stores = source_idx == layer_idx
        if self._bind is not None:
            self._bind(self._model)

    def forward(self, batch: ForwardBatch) -> Tensor:
        """Compute the batch's tokens and store their keys and values.

        Returns logits [num_logits, vocab_size] float32.
        """
        self._context.batch = batch
        try:
            return self._forward(batch)
        finally:
            self._context.batch = None

    def _forward(self, batch: ForwardBatch) -> Tensor:
        arguments: dict[str, Any] = {"use_cache": False}
        if self.has_state:
            self._states.begin(batch.state_rows, batch.has_state)
            arguments[self._cache_argument] = self._states
        is_packed = bool(batch.spans)
        is_kept_short = is_packed and self._keeps_logits and batch.logit_rows is not None
        if is_kept_short:
            arguments["logits_to_keep"] = batch.logit_rows
        logits = self._model(
            input_ids=batch.token_ids, position_ids=batch.position_ids, **arguments
        ).logits
        if self.has_state:
            self._states.commit()
        logits = logits.flatten(0, 1)
        if batch.logit_rows is not None and not is_kept_short:
            logits = logits[batch.logit_rows]
        return cast(Tensor, logits.float())

    def _ask_the_last_layer_for_few_rows(self) -> None:
        """Where it is known which one is the last, and what it is made of."""
        num_layers = self._model.config.get_text_config().num_hidden_layers
        last = self._layers.get(num_layers - 1)
        for layer in self._model.modules():
            attention = layer.attention if isinstance(layer, FusedDecoderLayer) else None
            if isinstance(attention, FusedAttention) and attention.layer is last:
                layer.wanted_rows = attention.layer.wanted_rows

    def _probe_logits(self) -> Tensor:
        return run_spread(self._model, self._states)

    def _kv_specs(self) -> dict[int, KVSpec]:
        """Of the layers that keep keys and values of their own."""
        return {
            layer_idx: layer.spec
            for layer_idx, layer in self._layers.items()
            if layer.spec is not None and self._kv_source[layer_idx] == layer_idx
        }

    def _paged(self, shape: tuple[int, ...]) -> PagedStates:
        blocks = torch.empty(shape, dtype=self.dtype, device=self.device)
        blocks[0] = 0  # the null block, which padding reads
        return PagedStates(blocks)
