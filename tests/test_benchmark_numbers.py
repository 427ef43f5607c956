"""The arithmetic of the benchmarks, on scripted engines and clocks."""

from itertools import count

import pytest
import torch
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

from antiphon.engine.block_manager import BlockManager
from antiphon.engine.llm_engine import LLMEngine
from antiphon.engine.scheduler import Scheduler
from benchmarks.contenders import EngineContender
from benchmarks.decode_result import DecodeResult
from benchmarks.decode_settings import PREFILL_TOKENS, Settings
from benchmarks.decoding import DecodeRun, run_decode
from benchmarks.dummy_model import BLOCK_SIZE, Room
from benchmarks.engine_cases import Case, measure
from benchmarks.rates import Rates, Ratio
from benchmarks.roofline import Roofline, bytes_read_per_step
from benchmarks.shapes import Shape, make_config
from benchmarks.timeline import DecodeWindow, Timeline
from benchmarks.workload import random_prompts
from tests.engines import FakeRunner, fake_engine


class TickingClock:
    """Every look at it is a second later."""

    def __init__(self) -> None:
        self._seconds = count()

    def __call__(self) -> float:
        return float(next(self._seconds))


def test_the_decode_window_leaves_out_what_came_before_the_last_first_token() -> None:
    timeline = Timeline(started_at=1.0, token_times=((2.0, 3.0, 4.0, 5.0), (3.0, 4.0, 5.0, 6.0)))
    assert timeline.decode_window == DecodeWindow(num_tokens=4, seconds=2.0)
    assert (timeline.num_tokens, timeline.seconds) == (8, 5.0)
    assert timeline.ttft_seconds == [1.0, 2.0]


def test_requests_that_never_decode_together_have_no_decode_rate() -> None:
    timeline = Timeline(started_at=0.0, token_times=((1.0, 2.0), (3.0, 4.0)))
    assert timeline.decode_window == DecodeWindow(num_tokens=0, seconds=0.0)
    assert Rates.of([timeline]).decode_tokens_per_second is None


def test_batches_one_after_the_other_add_tokens_and_seconds() -> None:
    fast = Timeline(started_at=0.0, token_times=((1.0, 2.0, 3.0),))
    slow = Timeline(started_at=10.0, token_times=((13.0, 15.0, 17.0),))
    rates = Rates.of([fast, slow])
    assert rates.output_tokens_per_second == 6 / (3 + 7)
    assert rates.decode_tokens_per_second == 4 / (2 + 4)
    assert rates.ttft_ms == 2000


def test_rounds_are_summed_up_by_each_number_s_own_median() -> None:
    rounds = [Rates(1.0, None, 30.0), Rates(2.0, 5.0, 10.0), Rates(9.0, 7.0, 20.0)]
    assert Rates.median(rounds) == Rates(2.0, 6.0, 20.0)


def test_a_ratio_compares_rounds_and_not_medians() -> None:
    ratio = Ratio.of([10.0, 40.0, 30.0], [5.0, 10.0, 10.0])
    assert ratio == Ratio(median=3.0, lowest=2.0, highest=4.0)


def test_every_other_round_runs_the_cases_backwards_after_a_warm_up() -> None:
    ran: list[tuple[str, int]] = []

    def case(name: str) -> Case:
        def run(max_tokens: int) -> list[Timeline]:
            ran.append((name, max_tokens))
            return [Timeline(0.0, ((1.0, 2.0),))]

        return run

    rounds_done: list[int] = []
    rates = measure([case("a"), case("b")], max_tokens=9, repeats=2, note_round=rounds_done.append)
    warm_up, measured = ran[:2], ran[2:]
    assert [name for name, _ in warm_up] == ["a", "b"]
    assert measured == [("a", 9), ("b", 9), ("b", 9), ("a", 9)]
    assert [len(case_rates) for case_rates in rates] == [2, 2]
    assert rounds_done == [0, 1, 2]


def test_the_engine_contender_notes_every_token_of_every_request() -> None:
    engine = EngineContender(fake_engine(FakeRunner()), TickingClock())
    timeline = engine.run([[1, 2, 3], [4, 5]], max_tokens=4)
    # The clock is read at the start and once after each step: all prompts fit the first.
    assert timeline == Timeline(0.0, ((1.0, 2.0, 3.0, 4.0), (1.0, 2.0, 3.0, 4.0)))


def test_prompts_of_one_seed_begin_alike_and_differ_from_each_other() -> None:
    four = random_prompts(4, 8, vocab_size=50, seed=3)
    assert random_prompts(6, 8, vocab_size=50, seed=3)[:4] == four
    assert len({tuple(prompt) for prompt in four}) == 4
    assert all(len(prompt) == 8 and max(prompt) < 50 for prompt in four)


def test_decode_runs_say_what_their_steps_attended_to() -> None:
    engine = fake_engine(FakeRunner())
    run = run_decode(
        engine, [[1] * 6, [2] * 10], num_warmup_steps=1, num_steps=3, clock=TickingClock()
    )
    # 16 tokens of prompt, and two more with each step: the prefill, the warm-up, then the timed.
    assert run == DecodeRun(2, (1.0, 1.0, 1.0), context_tokens=(20 + 22 + 24) / 3)
    assert not engine.has_unfinished
    assert engine.stats().num_free_blocks == engine.stats().num_blocks


@pytest.mark.parametrize("chunked_prefill", [True, False], ids=["chunked", "whole"])
@pytest.mark.parametrize(("batch_size", "context"), [(1, 1), (7, 30), (5, 1500), (3, 2100)])
def test_the_cache_of_the_decode_benchmark_holds_all_of_its_steps(
    batch_size: int, context: int, chunked_prefill: bool
) -> None:
    settings = decode_settings(batch_size, context)
    engine = engine_with(settings.room, chunked_prefill=chunked_prefill)
    run = run_decode(
        engine,
        random_prompts(batch_size, context, vocab_size=50, seed=0),
        num_warmup_steps=settings.warmup_steps,
        num_steps=settings.steps,
        clock=TickingClock(),
    )
    assert len(run.step_seconds) == settings.steps
    assert engine.stats().num_preemptions == 0


def decode_settings(batch_size: int, context: int) -> Settings:
    return Settings(
        shape="qwen3-8b",
        batch_sizes=(batch_size,),
        context=context,
        steps=4,
        warmup_steps=2,
        repeats=1,
        device="cpu",
        dtype="float32",
        bandwidth_gb_s=None,
        num_threads=None,
        seed=0,
    )


def engine_with(room: Room, *, chunked_prefill: bool) -> LLMEngine:
    blocks = BlockManager(room.num_blocks, BLOCK_SIZE, prefix_cache=False)
    budget = room.max_batch_size + PREFILL_TOKENS
    scheduler = Scheduler(
        blocks,
        max_num_seqs=room.max_batch_size,
        max_num_batched_tokens=budget if chunked_prefill else max(budget, room.max_model_len),
        chunked_prefill=chunked_prefill,
    )
    return LLMEngine(blocks, scheduler, FakeRunner(), max_sequence_len=room.max_model_len)


def test_the_roofline_is_bytes_by_bandwidth() -> None:
    roofline = Roofline(weight_bytes=1000, kv_bytes_per_token=10, bandwidth_bytes_per_second=500.0)
    assert roofline.step_seconds(context_tokens=50) == 3.0


def test_a_decode_result_stands_beside_its_roofline() -> None:
    runs = [DecodeRun(4, (1.0, 3.0), 50.0), DecodeRun(4, (6.0, 6.0), 50.0)]
    roofline = Roofline(weight_bytes=1000, kv_bytes_per_token=10, bandwidth_bytes_per_second=500.0)
    result = DecodeResult.of(runs, roofline)
    assert (result.step_ms, result.tokens_per_second) == (4000.0, 1.0)
    assert (result.roofline_step_ms, result.share_of_roofline) == (3000.0, 0.75)
    assert result.roofline_tokens_per_second == 4 / 3
    assert result.context_tokens == 12.5


@pytest.mark.parametrize("is_tied", [True, False], ids=["tied", "untied"])
def test_an_embedding_is_read_only_where_it_is_the_output_layer_too(is_tied: bool) -> None:
    config = LlamaConfig(
        vocab_size=100,
        hidden_size=8,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        tie_word_embeddings=is_tied,
    )
    projections, norms, output_layer = 4 * 8 * 8 + 3 * 8 * 16, 3 * 8, 100 * 8
    expected = (projections + norms + output_layer) * torch.float32.itemsize
    assert bytes_read_per_step(LlamaForCausalLM(config)) == expected


@pytest.mark.parametrize(
    ("shape", "num_parameters"),
    [
        (Shape.QWEN3_8B, 8_190_735_360),
        (Shape.QWEN3_0_6B, 596_049_920),
        (Shape.SMOLLM2_135M, 134_515_008),
    ],
)
def test_a_shape_has_as_many_parameters_as_its_checkpoint(
    shape: Shape, num_parameters: int
) -> None:
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(make_config(shape))
    assert sum(parameter.numel() for parameter in model.parameters()) == num_parameters
