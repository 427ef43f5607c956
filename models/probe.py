"""What a loaded model shows of itself when a few tokens run through it."""

from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedModel

from antiphon.models.attention import LayerAttention
from antiphon.models.errors import UnsupportedModel
from antiphon.models.state_cache import StateCache, cache_argument

NUM_TOKENS = 6
LAST_POSITION = 2048  # where the config has no word for it


@dataclass(frozen=True, slots=True)
class Probe:
    """What was seen.

    kv_source        for each attending layer the one whose keys it uses: itself or an earlier one.
    continues_state  whether a state is the same after two chunks as after the whole.
    """

    kv_source: dict[int, int]
    continues_state: bool


@torch.inference_mode()
def probe_model(
    model: PreTrainedModel, layers: dict[int, LayerAttention], states: StateCache
) -> Probe:
    """Raises UnsupportedModel when a layer goes around the attention and cache interfaces."""
    try:
        _run(model, states, [NUM_TOKENS])
    except (
        AttributeError,
        IndexError,
        KeyError,
        NotImplementedError,
        TypeError,
        ValueError,
    ) as error:
        raise UnsupportedModel(
            f"{type(model).__name__} does not run over paged attention: "
            f"{type(error).__name__}: {error}"
        ) from error
    kv_source = _kv_source(layers)
    if not kv_source and not states.is_used:
        raise UnsupportedModel(
            f"{type(model).__name__} has no attention layer that antiphon can page."
        )
    return Probe(kv_source, not states.is_used or _continues_state(model, states))


@torch.inference_mode()
def run_spread(model: PreTrainedModel, states: StateCache) -> Tensor:
    """Logits [NUM_TOKENS, vocab_size] of a few tokens spread from the first position to the last.

    Some models treat late positions in another way.
    """
    last = getattr(model.config.get_text_config(), "max_position_embeddings", None) or LAST_POSITION
    positions = torch.linspace(0, last - 1, NUM_TOKENS, device=model.device).long()[None]
    vocab_size = model.config.get_text_config().vocab_size
    tokens = torch.linspace(0, vocab_size - 1, NUM_TOKENS, device=model.device).long()[None]
    states.begin(torch.zeros(1, dtype=torch.int64, device=model.device), has_state=False)
    cache = {cache_argument(model): states}
    logits: Tensor = model(
        input_ids=tokens, position_ids=positions, use_cache=False, **cache
    ).logits[0]
    states.commit()
    return logits


def _run(model: PreTrainedModel, states: StateCache, chunk_lens: list[int]) -> None:
    row = torch.zeros(1, dtype=torch.int64, device=model.device)
    start = 0
    for chunk_len in chunk_lens:
        tokens = torch.arange(start, start + chunk_len, device=model.device)[None]
        states.begin(row, has_state=start > 0)
        cache = {cache_argument(model): states}
        model(input_ids=tokens, position_ids=tokens, use_cache=False, **cache)
        states.commit()
        start += chunk_len


def _kv_source(layers: dict[int, LayerAttention]) -> dict[int, int]:
    """A layer that was handed an earlier layer's keys shares that layer's cache (Gemma 3n, 4)."""
    first_seen: dict[tuple[int, tuple[int, ...]], int] = {}
    sources: dict[int, int] = {}
    for layer_idx, layer in sorted(layers.items()):
        if layer.probed_key is not None:
            identity = (layer.probed_key.data_ptr(), tuple(layer.probed_key.shape))
            sources[layer_idx] = first_seen.setdefault(identity, layer_idx)
    for layer in layers.values():
        layer.probed_key = None
    return sources


def _continues_state(model: PreTrainedModel, states: StateCache) -> bool:
    """Compares the lowest such layer: attention below the others forgets during a probe."""
    whole = [state.clone() for state in states.first_layer_states(row=0)]
    _run(model, states, [NUM_TOKENS - 2, 2])
    chunked = states.first_layer_states(row=0)
    return all(
        torch.allclose(a, b, rtol=1e-2, atol=1e-2) for a, b in zip(whole, chunked, strict=True)
    )
