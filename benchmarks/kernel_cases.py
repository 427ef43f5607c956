"""What each kernel is measured by: bandwidth, arithmetic, or torch's own operations."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from transformers.models.llama.modeling_llama import LlamaRMSNorm, apply_rotary_pos_emb

from antiphon.models.forward_batch import ForwardBatch, PromptSpan, SequenceTables, VisibleRange
from antiphon.models.kernels.attention_plan import AttentionPlan
from antiphon.models.kernels.attention_tile import Gpu
from antiphon.models.kernels.paged_attention import paged_attention
from antiphon.models.kernels.rms_norm import NormScale, add_rms_norm, rms_norm
from antiphon.models.kernels.rotary import rotate
from antiphon.models.kernels.silu_mul import silu_mul
from antiphon.models.scoring import Scoring
from antiphon.models.varlen_attention import VarlenAttention
from benchmarks.kernel_shapes import KernelShape
from benchmarks.kernel_timer import Call, KernelTimer

EPSILON = 1e-6
NUM_CALLS = 20  # of kernels too short to time alone


@dataclass(frozen=True, slots=True)
class DecodeSpeed:
    """One token of each sequence; the bytes are those of the keys and values."""

    batch_size: int
    context: int
    num_splits: int
    microseconds: float
    gb_per_second: float


@dataclass(frozen=True, slots=True)
class PromptSpeed:
    """A chunk of one sequence behind `earlier` tokens. varlen is None where torch's can't do it."""

    num_tokens: int
    earlier: int
    microseconds: float
    paged_tflops: float
    varlen_tflops: float | None


@dataclass(frozen=True, slots=True)
class RowSpeed:
    """One kernel over `num_tokens` tokens, beside the torch operations it stands for."""

    kernel: str
    num_tokens: int
    microseconds: float
    torch_microseconds: float


def measure_decode(
    shape: KernelShape, timer: KernelTimer, batch_size: int, context: int
) -> DecodeSpeed:
    tables = shape.tables(batch_size, 1, context)
    query = shape.random(batch_size, shape.num_heads, shape.head_dim)
    layers = shape.layers(batch_size, context)
    visible, scoring = VisibleRange(), Scoring(shape.head_dim**-0.5)
    plan = AttentionPlan.of(query, layers[0], tables, visible, _gpu(shape))
    calls: list[Call] = [
        lambda kv=kv: paged_attention(query, kv, tables, visible, scoring, plan)  # type: ignore[misc]
        for kv in layers
    ]
    seconds = timer.seconds(calls)
    num_bytes = shape.kv_bytes(batch_size * context)
    return DecodeSpeed(
        batch_size, context, plan.num_splits, 1e6 * seconds, num_bytes / seconds / 1e9
    )


def measure_prompt(
    shape: KernelShape, timer: KernelTimer, num_tokens: int, earlier: int
) -> PromptSpeed:
    tables = shape.tables(1, num_tokens, earlier + num_tokens)
    query = shape.random(num_tokens, shape.num_heads, shape.head_dim)
    kv = shape.layers(1, earlier + num_tokens)[0]
    visible, scoring = VisibleRange(), Scoring(shape.head_dim**-0.5)
    plan = AttentionPlan.of(query, kv, tables, visible, _gpu(shape))
    teraflops = shape.attention_flops(num_tokens, earlier) / 1e12
    paged = timer.seconds([lambda: paged_attention(query, kv, tables, visible, scoring, plan)])
    varlen = None
    if earlier == 0 and VarlenAttention.runs_on(torch.device(shape.device)):
        varlen = teraflops / timer.seconds([_varlen_call(shape, num_tokens, tables)])
    return PromptSpeed(num_tokens, earlier, 1e6 * paged, teraflops / paged, varlen)


def _varlen_call(shape: KernelShape, num_tokens: int, tables: SequenceTables) -> Call:
    query = shape.random(1, shape.num_heads, num_tokens, shape.head_dim)
    key, value = shape.random(2, 1, shape.num_kv_heads, num_tokens, shape.head_dim)
    nothing = torch.zeros(0, dtype=torch.int64)
    batch = ForwardBatch(
        token_ids=nothing,
        position_ids=nothing,
        slot_mapping=nothing,
        fresh_blocks=nothing,
        spans=(PromptSpan(0, num_tokens, 0, None),),
        groups=(),
        logit_rows=nothing,
        state_rows=nothing,
        has_state=False,
        tables=tables,
    )
    varlen, scoring = VarlenAttention(), Scoring(shape.head_dim**-0.5)
    return lambda: varlen.attend(query, key, value, batch, VisibleRange(), scoring)


def measure_rows(shape: KernelShape, timer: KernelTimer, num_tokens: int) -> list[RowSpeed]:
    hidden = shape.random(num_tokens, shape.hidden_dim)
    norm = LlamaRMSNorm(shape.hidden_dim, eps=EPSILON).to(hidden.device, hidden.dtype)
    weight = norm.weight.detach()
    heads = shape.random(1, num_tokens, shape.num_heads + shape.num_kv_heads, shape.head_dim)
    query, key = heads.split((shape.num_heads, shape.num_kv_heads), dim=2)
    cosines, sines = shape.random(2, 1, num_tokens, shape.head_dim)
    packed = shape.random(num_tokens, 2 * shape.intermediate_dim)
    gate, up = packed.chunk(2, dim=-1)
    pairs: dict[str, tuple[Call, Call]] = {
        "rms_norm": (
            lambda: rms_norm(hidden, weight, EPSILON, NormScale.WEIGHT),
            lambda: norm(hidden),
        ),
        "add_rms_norm": (
            lambda: add_rms_norm(hidden, hidden, weight, EPSILON, NormScale.WEIGHT),
            lambda: norm(hidden + hidden),
        ),
        "rotary": (
            lambda: rotate(heads, cosines, sines),
            lambda: apply_rotary_pos_emb(query, key, cosines, sines, unsqueeze_dim=2),
        ),
        "silu_mul": (lambda: silu_mul(packed), lambda: F.silu(gate) * up),
    }
    return [
        RowSpeed(name, num_tokens, *(1e6 * timer.seconds([call] * NUM_CALLS) for call in pair))
        for name, pair in pairs.items()
    ]


def _gpu(shape: KernelShape) -> Gpu:
    return Gpu.of(torch.device(shape.device))
