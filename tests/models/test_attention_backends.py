"""A network gives the same logits over our kernels as over torch's SDPA."""

import copy

import pytest
import torch
from torch import Tensor
from transformers import CONFIG_MAPPING, AutoModelForCausalLM, PreTrainedModel

from antiphon.models.attention import ATTENTION_NAME, register_attention
from antiphon.models.attention_backend import PagedAttention
from antiphon.models.device_parts import DeviceParts
from antiphon.models.forward_batch import (
    DecodeGroup,
    ForwardBatch,
    PromptSpan,
    SequenceTables,
    VisibleRange,
)
from antiphon.models.fusion.torch_kernels import TorchKernels
from antiphon.models.kernels.attention_tile import Gpu
from antiphon.models.network import Network
from antiphon.models.numba_attention import NumbaAttention
from antiphon.models.scoring import Scoring
from antiphon.models.sdpa_attention import SdpaAttention
from antiphon.models.triton_attention import TritonAttention
from antiphon.models.varlen_attention import VarlenAttention
from tests.models.test_architectures import ARCHITECTURES, BASE

BLOCK_SIZE = 4
NUM_SEQUENCES = 3
BLOCKS_PER_SEQUENCE = 8
# Small enough that some passes are split and some are not.
SMALL_GPU = Gpu(num_processors=8, shared_memory_bytes=227 * 2**10)
NOTHING = torch.zeros(0, dtype=torch.int64)


class Sequences:
    """Random tokens of a few sequences, in scattered blocks, as batches."""

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(0)
        num_tokens = BLOCK_SIZE * BLOCKS_PER_SEQUENCE
        self._tokens = torch.randint(3, 96, (NUM_SEQUENCES, num_tokens), generator=generator)
        num_blocks = NUM_SEQUENCES * BLOCKS_PER_SEQUENCE
        blocks = 1 + torch.randperm(num_blocks, generator=generator)
        self._block_tables = blocks.view(NUM_SEQUENCES, BLOCKS_PER_SEQUENCE)

    def pack(self, chunks: list[range]) -> ForwardBatch:
        """Positions of each sequence, [1, num_tokens]; an empty range leaves the sequence out."""
        there = [index for index, chunk in enumerate(chunks) if chunk]
        ends = torch.tensor([len(chunks[index]) for index in there]).cumsum(0).tolist()
        spans = tuple(
            PromptSpan(
                start=end - len(chunks[index]),
                end=end,
                offset=chunks[index].start,
                block_table=self._block_tables[index] if chunks[index].start else None,
            )
            for index, end in zip(there, ends, strict=True)
        )
        rows = torch.tensor([index for index in there for _ in chunks[index]])
        positions = torch.tensor([position for index in there for position in chunks[index]])
        tables = self._tables(there, ends, [chunks[index].stop for index in there])
        return self._batch(rows, positions, spans, (), tables, is_packed=True)

    def stack(self, lengths: list[int]) -> ForwardBatch:
        """The last token of each sequence, [num_rows, 1]; lengths ascend."""
        rows = torch.arange(NUM_SEQUENCES)
        ends = list(range(1, NUM_SEQUENCES + 1))
        group = DecodeGroup(
            0,
            NUM_SEQUENCES,
            self._known_blocks(rows.tolist(), lengths),
            torch.tensor(lengths),
            lengths[-1],
            is_padded=True,
        )
        tables = self._tables(rows.tolist(), ends, lengths)
        positions = torch.tensor(lengths) - 1
        return self._batch(rows, positions, (), (group,), tables, is_packed=False)

    def _tables(self, rows: list[int], ends: list[int], lengths: list[int]) -> SequenceTables:
        starts = torch.tensor([0, *ends], dtype=torch.int32)
        return SequenceTables(
            query_starts=starts,
            context_lens=torch.tensor(lengths, dtype=torch.int32),
            block_tables=self._known_blocks(rows, lengths).int(),
            max_query_len=int(starts.diff().max()),
        )

    def _known_blocks(self, rows: list[int], lengths: list[int]) -> Tensor:
        """Padded with the null block behind each sequence's end."""
        starts = torch.arange(BLOCKS_PER_SEQUENCE) * BLOCK_SIZE
        return self._block_tables[rows].where(starts < torch.tensor(lengths)[:, None], 0)

    def _batch(
        self,
        rows: Tensor,
        positions: Tensor,
        spans: tuple[PromptSpan, ...],
        groups: tuple[DecodeGroup, ...],
        tables: SequenceTables,
        *,
        is_packed: bool,
    ) -> ForwardBatch:
        shape = (1, -1) if is_packed else (-1, 1)
        blocks = self._block_tables[rows, positions // BLOCK_SIZE]
        offsets = positions % BLOCK_SIZE
        return ForwardBatch(
            token_ids=self._tokens[rows, positions].view(shape),
            position_ids=positions.view(shape),
            slot_mapping=blocks * BLOCK_SIZE + offsets,
            fresh_blocks=blocks[offsets == 0],
            spans=spans,
            groups=groups,
            logit_rows=torch.arange(len(rows)),
            state_rows=NOTHING,
            has_state=False,
            tables=tables,
        )


def tiny_model(model_type: str) -> PreTrainedModel:
    register_attention()
    config = CONFIG_MAPPING[model_type](**BASE | ARCHITECTURES[model_type])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model: PreTrainedModel = AutoModelForCausalLM.from_config(
            config, dtype=torch.float32, attn_implementation=ATTENTION_NAME
        )
    return model


def network_over(attention: PagedAttention, model: PreTrainedModel) -> Network:
    parts = DeviceParts(attention, TorchKernels())
    network = Network(copy.deepcopy(model), max_state_rows=NUM_SEQUENCES, parts=parts)
    network.allocate_kv(1 + NUM_SEQUENCES * BLOCKS_PER_SEQUENCE, BLOCK_SIZE)
    return network


MODEL_TYPES = ("llama", "gemma2", "gemma4_text", "gpt_oss", "llama4_text", "deepseek_v3")


@pytest.mark.skipif(torch.cuda.is_available(), reason="tests/gpu runs the kernels on the GPU")
@pytest.mark.slow
@pytest.mark.parametrize("model_type", MODEL_TYPES)
@torch.inference_mode()
def test_triton_kernels_give_the_logits_of_sdpa(model_type: str) -> None:
    check_against_sdpa(TritonAttention(SMALL_GPU, varlen=None), model_type)


@pytest.mark.parametrize("model_type", MODEL_TYPES)
@torch.inference_mode()
def test_compiled_loops_give_the_logits_of_sdpa(model_type: str) -> None:
    check_against_sdpa(NumbaAttention(), model_type)


def check_against_sdpa(attention: PagedAttention, model_type: str) -> None:
    """Over prompts, chunks, decoding and drafts."""
    model = tiny_model(model_type)
    ours = network_over(attention, model)
    reference = network_over(SdpaAttention(), model)
    sequences = Sequences()
    for batch in (
        sequences.pack([range(6), range(13), range(12)]),
        sequences.pack([range(0), range(0), range(12, 21)]),
        sequences.stack([7, 14, 22]),
        sequences.stack([8, 15, 23]),
        sequences.pack([range(8, 11), range(15, 16), range(23, 28)]),
        sequences.pack([range(11, 12), range(16, 18), range(5, 25)]),
        sequences.pack([range(5, 22), range(18, 19), range(12, 28)]),
    ):
        torch.testing.assert_close(
            ours.forward(batch), reference.forward(batch), atol=1e-4, rtol=1e-4
        )


@pytest.mark.parametrize(
    ("chunks", "visible", "scoring", "dtype", "fits"),
    [
        pytest.param([range(6)], VisibleRange(), Scoring(1.0), torch.bfloat16, True, id="prompt"),
        pytest.param([range(6)], VisibleRange(4), Scoring(1.0), torch.float16, True, id="window"),
        pytest.param(
            [range(2, 6)], VisibleRange(), Scoring(1.0), torch.bfloat16, False, id="earlier context"
        ),
        pytest.param(
            [range(6)],
            VisibleRange(chunk_size=4),
            Scoring(1.0),
            torch.bfloat16,
            False,
            id="chunks",
        ),
        pytest.param(
            [range(6)], VisibleRange(), Scoring(1.0, 5.0), torch.bfloat16, False, id="softcap"
        ),
        pytest.param(
            [range(6)],
            VisibleRange(),
            Scoring(1.0, sinks=torch.zeros(4)),
            torch.bfloat16,
            False,
            id="sinks",
        ),
        pytest.param([range(6)], VisibleRange(), Scoring(1.0), torch.float32, False, id="float32"),
    ],
)
def test_the_fast_path_takes_what_it_can_do(
    chunks: list[range],
    visible: VisibleRange,
    scoring: Scoring,
    dtype: torch.dtype,
    fits: bool,
) -> None:
    query = torch.zeros(1, 4, 6, 64, dtype=dtype)
    batch = Sequences().pack(chunks)
    assert VarlenAttention().fits(query, query, batch, visible, scoring) is fits


def test_decoding_does_not_take_the_fast_path() -> None:
    query = torch.zeros(3, 4, 1, 64, dtype=torch.bfloat16)
    batch = Sequences().stack([7, 14, 22])
    assert not VarlenAttention().fits(query, query, batch, VisibleRange(), Scoring(1.0))
