"""The kernel that makes one output of what the splits of `attention_kernel` found."""

import triton
import triton.language as tl


@triton.jit(do_not_specialize=["num_tokens", "num_splits"])
def merge_kernel(
    partial_outputs: tl.tensor,  # [num_splits, num_tokens, heads, VALUE_DIM] float32
    log_sums: tl.tensor,  # [num_splits, num_tokens, heads], base 2; -inf where a split saw nothing
    output: tl.tensor,  # [num_tokens, heads, VALUE_DIM]
    output_stride_token: tl.tensor,
    output_stride_head: tl.tensor,
    num_tokens: tl.tensor,
    num_splits: tl.tensor,
    VALUE_DIM: tl.constexpr,
    PADDED_VALUE_DIM: tl.constexpr,
    PADDED_SPLITS: tl.constexpr,
) -> None:
    """One program a token and head."""
    token = tl.program_id(0).to(tl.int64)
    head = tl.program_id(1)
    splits = tl.arange(0, PADDED_SPLITS)
    dims = tl.arange(0, PADDED_VALUE_DIM)
    is_dim = dims < VALUE_DIM
    rows = (splits * num_tokens + token) * tl.num_programs(1) + head

    logs = tl.load(log_sums + rows, mask=splits < num_splits, other=float("-inf"))
    is_used = logs > float("-inf")
    partials = tl.load(
        partial_outputs + rows[:, None] * VALUE_DIM + dims[None, :],
        mask=is_used[:, None] & is_dim[None, :],
        other=0.0,
    )
    highest = tl.max(logs, 0)
    weights = tl.exp2(logs - tl.where(highest > float("-inf"), highest, 0.0))
    total = tl.sum(weights, 0)
    merged = tl.sum(partials * weights[:, None], 0) / tl.where(total > 0.0, total, 1.0)
    tl.store(
        output + token * output_stride_token + head * output_stride_head + dims,
        merged.to(output.dtype.element_ty),
        mask=is_dim,
    )
