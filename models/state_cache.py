"""The states of hybrid models' recurrent and convolution layers, one row a running sequence.

Such layers (gated delta nets, Mamba, short convolutions) keep a state of fixed size instead of keys
and values. They reach it through transformers' `Cache` interface, which this class keeps over pools
of rows: `begin` names the rows of a batch, `commit` writes what the layers made of them.
"""

import inspect

import torch
from torch import Tensor
from transformers import PreTrainedModel
from transformers.cache_utils import Cache

StateKey = tuple[str, int, int]


def cache_argument(model: PreTrainedModel) -> str:
    """What the model's forward calls its cache: transformers 5.24 gave it another name."""
    parameters = inspect.signature(model.forward).parameters
    return "cache" if "cache" in parameters else "past_key_values"


class StateCache(Cache):
    """States by (kind, layer, index), pooled by row.

    Keys and values pass through untouched: they live in the paged KV cache.
    """

    def __init__(self, max_rows: int) -> None:
        super().__init__(layers=[])
        self._max_rows = max_rows
        self._pools: dict[StateKey, Tensor] = {}
        self._states: dict[StateKey, Tensor] = {}
        self._rows: Tensor | None = None

    @property
    def is_used(self) -> bool:
        """Whether any layer has ever kept a state."""
        return bool(self._pools) or bool(self._states)

    def first_layer_states(self, row: int) -> list[Tensor]:
        """What the lowest layer with a state keeps in `row`."""
        lowest = min(layer for _, layer, _ in self._pools)
        return [pool[row] for key, pool in sorted(self._pools.items()) if key[1] == lowest]

    def begin(self, rows: Tensor, has_state: bool) -> None:
        """Work on these rows ([num_sequences] int64), from nothing unless `has_state`."""
        self._rows = rows
        self._states = {key: pool[rows] for key, pool in self._pools.items()} if has_state else {}

    def commit(self) -> None:
        """Write the batch's states back to their rows."""
        assert self._rows is not None, "begin comes before commit"
        for key, state in self._states.items():
            if key not in self._pools:
                self._pools[key] = state.new_zeros((self._max_rows, *state.shape[1:]))
            self._pools[key][self._rows] = state
        self._states = {}

    def get_conv_state(self, layer_idx: int, state_idx: int = 0) -> Tensor | None:
        return self._states.get(("conv", layer_idx, state_idx))

    def update_conv_state(
        self,
        conv_states: Tensor,
        layer_idx: int,
        state_idx: int = 0,
        conv_kernel_size: int | None = None,
        **_: object,
    ) -> Tensor:
        """Keep the last `conv_kernel_size` columns; returns all, with what stood before them."""
        width = conv_kernel_size if conv_kernel_size is not None else conv_states.shape[-1]
        previous = self.get_conv_state(layer_idx, state_idx)
        if previous is None:
            previous = conv_states.new_zeros(
                (*conv_states.shape[:-1], max(0, width - conv_states.shape[-1]))
            )
        full = torch.cat([previous, conv_states], dim=-1)
        self._states["conv", layer_idx, state_idx] = full[..., -width:].clone()
        return full

    def get_recurrent_state(self, layer_idx: int, state_idx: int = 0) -> Tensor | None:
        return self._states.get(("recurrent", layer_idx, state_idx))

    def update_recurrent_state(
        self, recurrent_states: Tensor, layer_idx: int, state_idx: int = 0, **_: object
    ) -> Tensor:
        self._states["recurrent", layer_idx, state_idx] = recurrent_states
        return recurrent_states

    def has_previous_state(
        self, layer_idx: int | None = None, state_idx: int | None = None
    ) -> bool:
        return any(layer_idx in (None, layer) for _, layer, _ in self._states)

    def is_recording_past(self, layer_idx: int) -> bool:
        return False

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *_: object, **__: object
    ) -> tuple[Tensor, Tensor]:
        return key_states, value_states

    def get_seq_length(self, layer_idx: int = 0) -> int:
        return 0
