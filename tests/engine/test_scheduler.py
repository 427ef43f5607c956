"""Who is served when: priorities, ageing, preemption, and prompts that share a step."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.engine.block_manager import BlockManager
from antiphon.engine.prefill_shares import prefill_shares, whole_shares
from antiphon.engine.priority import Priority
from antiphon.engine.sampling_params import SamplingParams
from antiphon.engine.scheduler import Scheduler
from antiphon.engine.sequence import Sequence
from tests.engines import FakeRunner, drain, fake_engine, run

ONE_TOKEN = SamplingParams(max_tokens=1)


class Clock:
    """Stands still until it is set."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def order_of_arrivals(arrivals: list[tuple[float, Priority]]) -> list[int]:
    """In which order sequences are served that arrive one by one while none can start."""
    clock, runner = Clock(), FakeRunner()
    engine = fake_engine(runner, max_num_seqs=1, clock=clock)
    for index, (seconds, priority) in enumerate(arrivals):
        clock.seconds = seconds
        engine.add(index, [index + 1], ONE_TOKEN, priority=priority)
    drain(engine)
    return [sequence_id for step in runner.steps for sequence_id, _ in step]


def test_urgent_sequences_pass_others() -> None:
    arrivals = [(0.0, Priority.FLEX), (1.0, Priority.DEFAULT), (2.0, Priority.PRIORITY)]
    assert order_of_arrivals(arrivals) == [2, 1, 0]


def test_within_a_class_the_first_to_arrive_is_the_first_to_be_served() -> None:
    arrivals = [(float(index), Priority.DEFAULT) for index in range(5)]
    assert order_of_arrivals(arrivals) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("patient", [Priority.DEFAULT, Priority.FLEX])
def test_who_has_waited_long_enough_is_passed_no_more(patient: Priority) -> None:
    before = patient.patience_seconds - 1
    after = patient.patience_seconds + 1
    arrivals = [(0.0, patient), (before, Priority.PRIORITY), (after, Priority.PRIORITY)]
    assert order_of_arrivals(arrivals) == [1, 0, 2]


def test_the_least_urgent_is_preempted_first() -> None:
    clock = Clock()
    engine = fake_engine(FakeRunner(), num_blocks=8, block_size=2, clock=clock)
    priorities = [Priority.FLEX, Priority.PRIORITY, Priority.DEFAULT]
    for index, priority in enumerate(priorities):
        engine.add(index, [index + 1], SamplingParams(max_tokens=7), priority=priority)
    finished = []
    while engine.has_unfinished:
        finished += [delta.sequence_id for delta in engine.step().deltas if delta.finish_reason]
        engine.check_integrity()
    assert engine.stats().num_preemptions > 0
    assert finished == [1, 2, 0]


def test_a_short_prompt_does_not_wait_for_the_end_of_a_long_one() -> None:
    runner = FakeRunner()
    engine = fake_engine(runner, num_blocks=512, max_num_batched_tokens=16)
    engine.add(0, list(range(1000)), ONE_TOKEN)
    engine.step()
    engine.add(1, [1, 2, 3, 4, 5], ONE_TOKEN)
    assert [delta.sequence_id for delta in engine.step().deltas] == [1]
    assert runner.steps == [[(0, 16)], [(0, 11), (1, 5)]]


def test_a_long_prompt_is_not_starved_by_short_ones() -> None:
    runner = FakeRunner()
    engine = fake_engine(runner, num_blocks=512, max_num_batched_tokens=16, prefix_cache=False)
    engine.add(0, list(range(200)), ONE_TOKEN)
    for index in range(1, 100):
        engine.add(index, [index] * 12, ONE_TOKEN)
        engine.step()
        if 0 not in [sequence_id for sequence_id, _ in runner.steps[-1]]:
            break
    assert len(runner.steps) == 26, "half of each step was its own: 8 tokens"


def test_no_more_long_prompts_are_under_way_than_can_share_a_step() -> None:
    engine = fake_engine(FakeRunner(), num_blocks=512, max_num_batched_tokens=16)
    for index in range(8):
        engine.add(index, list(range(index, 200 + index)), ONE_TOKEN)
    engine.step()
    assert engine.stats().num_running == 4


def test_a_step_that_decodes_spends_only_what_is_left_on_prompts() -> None:
    runner = FakeRunner()
    engine = fake_engine(runner, num_blocks=512, max_num_batched_tokens=16)
    for index in range(6):
        engine.add(index, [index + 1], SamplingParams(max_tokens=30))
    engine.step()
    engine.add(6, list(range(100)), ONE_TOKEN)
    engine.step()
    assert runner.steps[-1] == [*((index, 1) for index in range(6)), (6, 10)]


def test_blocks_are_kept_for_prompts_that_are_under_way() -> None:
    """A short prompt that would take what a long one still needs is not admitted."""
    engine = fake_engine(FakeRunner(), num_blocks=16, block_size=4, max_num_batched_tokens=8)
    engine.add(0, list(range(56)), SamplingParams(max_tokens=4))
    engine.step()
    engine.add(1, list(range(100, 112)), SamplingParams(max_tokens=4))
    while engine.has_unfinished:
        engine.step()
    assert engine.stats().num_preemptions == 0


def test_a_prompt_that_does_not_fit_is_not_looked_up_again_until_something_has_changed() -> None:
    class CountingBlocks(BlockManager):
        num_lookups = 0

        def reuse_prefix(self, sequence: Sequence) -> int:
            self.num_lookups += 1
            return super().reuse_prefix(sequence)

    blocks = CountingBlocks(8, 4)
    scheduler = Scheduler(blocks, max_num_seqs=4, max_num_batched_tokens=32)
    for index in range(2):
        scheduler.add(Sequence(index, [index] * 24, SamplingParams(), seed=0))
    for _ in range(5):
        scheduler.advance(scheduler.schedule())
    assert blocks.num_lookups == 2


def test_first_comes_on_and_short_ones_pass() -> None:
    assert prefill_shares([100], 16) == [16]
    assert prefill_shares([100, 90, 5], 16) == [8, 3, 5]
    assert prefill_shares([3, 100, 5], 16) == [3, 8, 5]
    assert prefill_shares([10, 2, 2], 16) == [10, 2, 2]
    assert whole_shares([100, 5, 5], 110) == [100, 5, 5]
    assert whole_shares([100, 5, 5], 106) == [100, 5, 0]
    assert whole_shares([100, 5], 3) == [100, 0]


@given(st.lists(st.integers(1, 50), min_size=1, max_size=8), st.integers(1, 100))
def test_shares_spend_the_budget_and_no_more(missing: list[int], budget: int) -> None:
    shares = prefill_shares(missing, budget)
    assert sum(shares) == min(budget, sum(missing))
    assert all(0 <= share <= most for share, most in zip(shares, missing, strict=True))
    assert shares[0] >= min(missing[0], budget - budget // 2)


def test_whole_prompts_are_computed_beside_decodes_even_where_the_budget_is_used_up() -> None:
    runner = FakeRunner()
    engine = fake_engine(runner, max_num_batched_tokens=10, chunked_prefill=False)
    engine.add(0, [1], SamplingParams(max_tokens=30))
    engine.step()
    engine.add(1, list(range(10)), ONE_TOKEN)
    engine.step()
    assert runner.steps[-1] == [(0, 1), (1, 10)]


def test_prompts_of_one_batch_all_come_out_right() -> None:
    prompts = {index: [index + 1] * (index * 7 + 1) for index in range(8)}
    engine = fake_engine(FakeRunner(), num_blocks=256, max_num_batched_tokens=9)
    outputs = run(engine, prompts, SamplingParams(max_tokens=3))
    for index, prompt in prompts.items():
        alone = run(
            fake_engine(FakeRunner(), num_blocks=256), {0: prompt}, SamplingParams(max_tokens=3)
        )
        assert outputs[index].token_ids == alone[0].token_ids
