"""Grammar masks over logits."""

import triton
import triton.language as tl
from torch import Tensor

TILE_WORDS = 32
WORD_BITS = 32


def apply_token_mask(logits: Tensor, packed: Tensor) -> None:
    """Set to -inf, in place, each token whose bit is 0. A row of ones stays as it is.

    logits:  [num_rows, vocab_size]
    packed:  [num_rows, num_words] int32, lowest bit first; tokens beyond its end are forbidden.
    """
    num_rows, vocab_size = logits.shape
    assert logits.stride(1) == packed.stride(1) == 1, "rows are contiguous"
    _mask_kernel[(num_rows, triton.cdiv(vocab_size, TILE_WORDS * WORD_BITS))](
        logits,
        packed,
        logits.stride(0),
        packed.stride(0),
        vocab_size,
        packed.shape[1],
        TILE_WORDS=TILE_WORDS,
        WORD_BITS=WORD_BITS,
        num_warps=4,
        enable_fp_fusion=True,
    )


@triton.jit
def _mask_kernel(
    logits: tl.tensor,
    packed: tl.tensor,
    logits_stride: tl.tensor,
    packed_stride: tl.tensor,
    vocab_size: tl.tensor,
    num_words: tl.tensor,
    TILE_WORDS: tl.constexpr,
    WORD_BITS: tl.constexpr,
) -> None:
    """One program a tile of one row. Only what is forbidden is written, and no logit is read."""
    row = tl.program_id(0).to(tl.int64)
    indexes = tl.program_id(1) * TILE_WORDS + tl.arange(0, TILE_WORDS)
    words = tl.load(packed + row * packed_stride + indexes, mask=indexes < num_words, other=0)
    bits = tl.arange(0, WORD_BITS)
    tokens = indexes[:, None] * WORD_BITS + bits[None, :]
    is_allowed = (words[:, None] >> bits[None, :]) & 1
    tl.store(
        logits + row * logits_stride + tokens,
        float("-inf"),
        mask=(is_allowed == 0) & (tokens < vocab_size),
    )
