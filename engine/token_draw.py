"""How a token is drawn from a row of logits, in tensor operations alone.

Nothing here depends on what the tensors hold, so that the eager sampler and a captured graph draw
by the same code, and a row draws the same token whatever its neighbours want.
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from antiphon.engine.rows import Records
from antiphon.engine.truncation import truncate

# Below this, float32 can't tell sampling from taking the likeliest.
MIN_TEMPERATURE = 1e-5
# Of a top_k. More candidates are looked at, lest logits that are equal be cut at the last of them.
MAX_SHORT_TOP_K = 128
NUM_CANDIDATES = 256


class Way(IntEnum):
    """How a row is drawn, cheapest first."""

    LIKELIEST = 0
    WHOLE = 1  # from all tokens
    SHORT = 2  # from the first of a few candidates
    SORTED = 3  # from the first of all tokens, which are put in order


class DrawParams(NamedTuple):
    """[num_rows, 1] each; uniforms, in [0, 1), is float64. A top_k of 0 is none."""

    temperature: Tensor
    top_k: Tensor
    top_p: Tensor
    min_p: Tensor
    uniforms: Tensor


def ways_of(sampling: Records) -> NDArray[np.int64]:
    """Each row's `Way`; its own parameters decide, and nothing else."""
    top_k = sampling["top_k"]
    is_cut = (top_k > 0) | (sampling["top_p"] < 1) | (sampling["min_p"] > 0)
    is_short = (top_k > 0) & (top_k <= MAX_SHORT_TOP_K)
    ways = np.where(is_cut, np.where(is_short, Way.SHORT, Way.SORTED), Way.WHOLE)
    return np.where(sampling["temperature"] > 0, ways, Way.LIKELIEST)


def draw(logits: Tensor, way: Way, params: DrawParams) -> Tensor:
    """[num_rows] ids from [num_rows, vocab_size] float32, all rows in this way, at random."""
    # The largest becomes 0 first: nothing overflows, however low the temperature.
    logits = logits - logits.amax(dim=-1, keepdim=True)
    logits = logits / params.temperature.clamp_min(MIN_TEMPERATURE)
    if way is Way.WHOLE:
        return _invert(logits.softmax(dim=-1), params.uniforms)
    num_candidates = NUM_CANDIDATES if way is Way.SHORT else logits.shape[1]
    likeliest, token_ids = _in_order(logits, num_candidates)
    columns = torch.arange(likeliest.shape[1], device=logits.device)
    beyond_top_k = (columns >= params.top_k) & (params.top_k > 0)
    likeliest = likeliest.masked_fill(beyond_top_k, -torch.inf)
    kept = truncate(likeliest, params.top_p, params.min_p)
    return token_ids.gather(1, _invert(kept, params.uniforms)[:, None])[:, 0]


def _in_order(logits: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The likeliest of each row and their ids, in descending order; of equal ones the lower id."""
    if count >= logits.shape[1]:
        return logits.sort(dim=-1, descending=True, stable=True)
    token_ids = logits.topk(count, dim=-1, sorted=False).indices.sort(dim=-1).values
    values, order = logits.gather(1, token_ids).sort(dim=-1, descending=True, stable=True)
    return values, token_ids.gather(1, order)


def _invert(probabilities: Tensor, uniforms: Tensor) -> Tensor:
    """The index in each row of [num_rows, n] where the cumulative sum passes the row's number.

    uniforms: [num_rows, 1] float64. In float32 the largest would round to 1, past the last index.
    """
    cumulative = probabilities.cumsum(dim=-1, dtype=torch.float64)
    # Scaled by the actual sum, and strictly above: rounding never picks what has probability zero.
    picked = torch.searchsorted(cumulative, uniforms * cumulative[:, -1:], right=True)[:, 0]
    return picked.clamp_max(probabilities.shape[1] - 1)
