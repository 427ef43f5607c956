"""On a GPU the kernels, compiled, say what plain arithmetic says: larger shapes, and graphs.

The smaller grid of tests/models/kernels runs on the GPU as well, where there is one. Nothing here,
and no call of torch's varlen attention, could be run where the kernels were written.
"""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers.models.llama.modeling_llama import LlamaRMSNorm, apply_rotary_pos_emb

from antiphon.models.forward_batch import ForwardBatch, PromptSpan, SequenceTables, VisibleRange
from antiphon.models.kernels.attention_plan import AttentionPlan
from antiphon.models.kernels.attention_tile import Gpu
from antiphon.models.kernels.rms_norm import NormScale, add_rms_norm
from antiphon.models.kernels.rotary import rotate
from antiphon.models.kernels.silu_mul import gelu_tanh_mul, silu_mul
from antiphon.models.kernels.store_kv import store_kv
from antiphon.models.kernels.token_mask import apply_token_mask
from antiphon.models.layer_kv import LayerKV, PagedStates
from antiphon.models.triton_attention import TritonAttention
from antiphon.models.varlen_attention import VarlenAttention
from tests.models.kernels.paged_case import PagedCase, PagedInputs, assert_close

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU here"),
]

DECODE = PagedCase(query_lens=(1,) * 9, context_lens=(1, 0, 15, 16, 17, 255, 1024, 2049, 4096))
EXTEND = PagedCase(query_lens=(300, 128, 5, 64, 1), context_lens=(300, 2048, 0, 4000, 65))
SHAPES = [
    pytest.param(
        {"num_heads": 32, "num_kv_heads": 8, "key_dim": 128, "value_dim": 128}, id="llama"
    ),
    pytest.param({"num_heads": 14, "num_kv_heads": 2}, id="qwen2"),
    pytest.param({"num_heads": 8, "num_kv_heads": 8, "key_dim": 80, "value_dim": 80}, id="phi"),
    pytest.param(
        {"num_heads": 8, "num_kv_heads": 4, "key_dim": 256, "value_dim": 256, "softcap": 50.0},
        id="gemma2",
    ),
    pytest.param(
        {
            "num_heads": 64,
            "num_kv_heads": 8,
            "has_sinks": True,
            "visible": VisibleRange(window=128),
        },
        id="gpt-oss",
    ),
    pytest.param(
        {"num_heads": 16, "num_kv_heads": 16, "key_dim": 192, "value_dim": 128}, id="deepseek"
    ),
    pytest.param(
        {
            "num_heads": 10,
            "num_kv_heads": 2,
            "key_dim": 128,
            "value_dim": 128,
            "visible": VisibleRange(chunk_size=1000),
        },
        id="llama4",
    ),
    pytest.param(
        {"num_heads": 8, "num_kv_heads": 1, "key_dim": 512, "value_dim": 512}, id="gemma4"
    ),
]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
@pytest.mark.parametrize("block_size", [16, 64])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("case", [DECODE, EXTEND], ids=["decode", "extend"])
def test_attention_is_what_arithmetic_says(
    case: PagedCase,
    shape: dict[str, object],
    block_size: int,
    dtype: torch.dtype,
    cuda: torch.device,
) -> None:
    case = replace(case, block_size=block_size, dtype=dtype, **shape)  # type: ignore[arg-type]
    inputs = PagedInputs.random(case, cuda)
    expected = inputs.expected()
    query = torch.cat(inputs.queries)
    plan = AttentionPlan.of(query, inputs.kv, inputs.tables, case.visible, Gpu.of(cuda))
    for num_splits in (1, 7, plan.num_splits):
        assert_close(inputs.attend(num_splits), expected, dtype)


def test_a_captured_graph_serves_other_lengths(cuda: torch.device) -> None:
    case = replace(DECODE, num_heads=8, key_dim=128, value_dim=128, dtype=torch.bfloat16)
    inputs = PagedInputs.random(case, cuda)
    inputs.attend(num_splits=4)  # compiles
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        output = inputs.attend(num_splits=4)
    for shorter in (inputs.tables.context_lens, inputs.tables.context_lens // 2):
        inputs.tables.context_lens.copy_(shorter.clone())
        graph.replay()
        lengths = inputs.tables.context_lens.tolist()
        halved = replace(
            inputs,
            keys=[key[:length] for key, length in zip(inputs.keys, lengths, strict=True)],
            values=[value[:length] for value, length in zip(inputs.values, lengths, strict=True)],
        )
        assert_close(output, halved.expected(), torch.bfloat16)


def test_blocks_lie_beyond_what_32_bits_count(cuda: torch.device) -> None:
    num_heads, dim, block_size = 8, 128, 16
    num_blocks = 2**31 // (block_size * num_heads * dim) + 2
    bytes_needed = 3 * num_blocks * block_size * num_heads * dim * 2
    if torch.cuda.mem_get_info(cuda)[0] < bytes_needed:
        pytest.skip(f"there are not {bytes_needed / 1e9:.0f} GB of free GPU memory")
    shape = (num_blocks, block_size, num_heads, dim)
    kv = LayerKV(
        *(PagedStates(torch.empty(shape, dtype=torch.bfloat16, device=cuda)) for _ in "kv")
    )
    case = replace(DECODE, query_lens=(1,), context_lens=(16,), num_heads=8, num_kv_heads=8)
    case = replace(case, key_dim=dim, value_dim=dim, dtype=torch.bfloat16)
    inputs = PagedInputs.random(case, cuda)
    slots = torch.arange(block_size, device=cuda) + (num_blocks - 1) * block_size
    store_kv(inputs.keys[0], inputs.values[0], kv, slots)
    last_block = torch.full_like(inputs.tables.block_tables, num_blocks - 1)
    moved = replace(inputs, kv=kv, tables=replace(inputs.tables, block_tables=last_block))
    assert_close(moved.attend(), inputs.expected(), torch.bfloat16)


@pytest.mark.parametrize("window", [None, 100])
@pytest.mark.parametrize(("num_heads", "num_kv_heads"), [(8, 8), (32, 8)])
@pytest.mark.parametrize("dim", [64, 128, 256])
def test_the_fast_path_of_prompts_says_what_our_kernel_says(
    dim: int, num_heads: int, num_kv_heads: int, window: int | None, cuda: torch.device
) -> None:
    lengths = (1, 300, 129, 64)
    case = PagedCase(lengths, lengths, num_heads, num_kv_heads, dim, dim, dtype=torch.bfloat16)
    inputs = PagedInputs.random(replace(case, visible=VisibleRange(window)), cuda)
    query, key, value = (
        torch.cat(states).transpose(0, 1)[None]
        for states in (inputs.queries, inputs.keys, inputs.values)
    )
    batch = packed_batch(lengths, inputs.tables)
    varlen = VarlenAttention()
    visible, scoring = inputs.case.visible, inputs.scoring
    assert varlen.fits(query, value, batch, visible, scoring)
    fast = varlen.attend(query, key, value, batch, visible, scoring)
    ours = TritonAttention(Gpu.of(cuda), varlen=None).attend(
        query, key, value, inputs.kv, batch, visible, scoring
    )
    assert_close(fast, ours, torch.bfloat16)
    assert_close(ours[0], inputs.expected(), torch.bfloat16)


def packed_batch(lengths: tuple[int, ...], tables: SequenceTables) -> ForwardBatch:
    """Whole prompts; what attention does not look at is left empty."""
    nothing = torch.zeros(0, dtype=torch.int64)
    starts = tables.query_starts.tolist()
    return ForwardBatch(
        token_ids=nothing,
        position_ids=nothing,
        slot_mapping=nothing,
        fresh_blocks=nothing,
        spans=tuple(
            PromptSpan(start, start + length, 0, None)
            for start, length in zip(starts, lengths, strict=False)
        ),
        groups=(),
        logit_rows=nothing,
        state_rows=nothing,
        has_state=False,
        tables=tables,
    )


@pytest.fixture
def hidden(cuda: torch.device) -> Tensor:
    torch.manual_seed(0)
    return torch.randn(257, 4096, device=cuda, dtype=torch.bfloat16)


@torch.inference_mode()
def test_a_norm_is_that_of_transformers(hidden: Tensor, cuda: torch.device) -> None:
    module = LlamaRMSNorm(4096).to(cuda, torch.bfloat16)
    torch.nn.init.normal_(module.weight)
    normed, summed = add_rms_norm(hidden, hidden.flip(0), module.weight, 1e-6, NormScale.WEIGHT)
    assert torch.equal(summed, hidden + hidden.flip(0))
    assert_close(normed, module(summed), torch.bfloat16)


def test_heads_are_turned_as_in_transformers(hidden: Tensor) -> None:
    states = hidden.view(1, 257, 32, 128)
    half = torch.rand(1, 257, 64, device=hidden.device) * 6
    angles = torch.cat([half, half], dim=-1)
    cosines, sines = angles.cos().bfloat16(), angles.sin().bfloat16()
    expected, _ = apply_rotary_pos_emb(states, states, cosines, sines, unsqueeze_dim=2)
    assert torch.equal(rotate(states, cosines, sines), expected)


def test_gates_open_as_in_torch(hidden: Tensor) -> None:
    gate, up = hidden.chunk(2, dim=-1)
    assert_close(silu_mul(hidden), F.silu(gate) * up, torch.bfloat16)
    expected = F.gelu(gate, approximate="tanh") * up
    assert_close(gelu_tanh_mul(hidden), expected, torch.bfloat16)


def test_masks_forbid_tokens_of_a_large_vocabulary(cuda: torch.device) -> None:
    logits = torch.randn(64, 151_936, device=cuda)
    packed = torch.randint(-(2**31), 2**31, (64, 4748), device=cuda, dtype=torch.int64).int()
    packed[::2] = -1
    bits = (packed[:, :, None] >> torch.arange(32, device=cuda, dtype=torch.int32)) & 1
    expected = logits.masked_fill(bits.flatten(1) == 0, -torch.inf)
    apply_token_mask(logits, packed)
    assert torch.equal(logits, expected)
