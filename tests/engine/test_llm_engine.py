"""The engine's core over a runner that needs no model: who is scheduled when."""

from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.engine.outputs import FinishReason
from antiphon.engine.sampling_params import SamplingParams
from tests.engines import FakeRunner, Output, drain, fake_engine, next_token, run


def expected_tokens(prompt: list[int], count: int) -> list[int]:
    token_ids = list(prompt)
    for _ in range(count):
        token_ids.append(next_token(token_ids))
    return token_ids[len(prompt) :]


def test_a_prompt_longer_than_the_budget_is_prefilled_in_chunks() -> None:
    runner = FakeRunner()
    engine = fake_engine(runner, max_num_batched_tokens=8)
    outputs = run(engine, {0: list(range(20))}, SamplingParams(max_tokens=2))
    assert runner.steps == [[(0, 8)], [(0, 8)], [(0, 4)], [(0, 1)]]
    assert outputs[0].token_ids == expected_tokens(list(range(20)), 2)


def test_a_long_prompt_does_not_hold_up_a_sequence_that_decodes() -> None:
    runner = FakeRunner()
    engine = fake_engine(runner, max_num_batched_tokens=8)
    engine.add(0, [1, 2, 3], SamplingParams(max_tokens=10))
    engine.step()
    engine.add(1, list(range(30)), SamplingParams(max_tokens=1))
    for _ in range(3):
        engine.step()
    assert runner.steps[1:] == [[(0, 1), (1, 7)], [(0, 1), (1, 7)], [(0, 1), (1, 7)]]


def test_no_step_exceeds_the_token_budget() -> None:
    runner = FakeRunner()
    engine = fake_engine(runner, max_num_batched_tokens=10)
    run(engine, {index: list(range(index + 3)) for index in range(8)}, SamplingParams(max_tokens=5))
    assert max(sum(count for _, count in step) for step in runner.steps) <= 10


def test_sequences_beyond_max_num_seqs_wait_for_their_turn() -> None:
    runner = FakeRunner()
    engine = fake_engine(runner, max_num_seqs=2)
    outputs = run(engine, {index: [index + 1] for index in range(5)}, SamplingParams(max_tokens=3))
    assert max(len(step) for step in runner.steps) == 2
    assert all(outputs[index].token_ids == expected_tokens([index + 1], 3) for index in range(5))


def test_the_youngest_sequence_is_preempted_and_resumes_with_the_same_tokens() -> None:
    engine = fake_engine(FakeRunner(), num_blocks=6, block_size=2)
    prompts = {0: [1, 2, 3], 1: [4, 5, 6]}
    outputs = run(engine, prompts, SamplingParams(max_tokens=8))
    assert engine.stats().num_preemptions > 0
    for index, prompt in prompts.items():
        assert outputs[index].token_ids == expected_tokens(prompt, 8)


def test_without_chunked_prefill_a_prompt_waits_until_it_fits_whole() -> None:
    runner = FakeRunner()
    engine = fake_engine(runner, max_num_batched_tokens=10, chunked_prefill=False)
    run(engine, {0: list(range(8)), 1: list(range(20, 26))}, SamplingParams(max_tokens=1))
    assert runner.steps == [[(0, 8)], [(1, 6)]]


def test_a_stop_token_ends_the_sequence_and_is_part_of_the_output() -> None:
    stop = expected_tokens([5], 3)[-1]
    outputs = run(fake_engine(FakeRunner()), {0: [5]}, SamplingParams(stop_token_ids=(stop,)))
    assert outputs[0].finish_reason is FinishReason.STOP
    assert outputs[0].token_ids == expected_tokens([5], 3)


def test_max_tokens_ends_the_sequence_with_length() -> None:
    outputs = run(fake_engine(FakeRunner()), {0: [5]}, SamplingParams(max_tokens=4))
    assert outputs[0].finish_reason is FinishReason.LENGTH
    assert len(outputs[0].token_ids) == 4


def test_a_sequence_may_fill_the_whole_cache_and_ends_with_length() -> None:
    engine = fake_engine(FakeRunner(), num_blocks=4, block_size=4)
    outputs = run(engine, {0: [1, 2, 3]}, SamplingParams())
    assert outputs[0].finish_reason is FinishReason.LENGTH
    assert len(outputs[0].token_ids) == 13


def test_the_second_turn_of_a_conversation_reuses_the_first() -> None:
    engine = fake_engine(FakeRunner(), block_size=4)
    first = run(engine, {0: list(range(10))}, SamplingParams(max_tokens=6))[0]
    second_prompt = [*range(10), *first.token_ids, 90, 91]
    second = run(engine, {1: second_prompt}, SamplingParams(max_tokens=2))[1]
    assert first.num_cached_tokens == 0
    assert second.num_cached_tokens == 12  # 15 tokens were computed: three full blocks
    assert second.token_ids == expected_tokens(second_prompt, 2)


def test_a_prefix_is_reused_within_one_salt_alone_and_not_where_the_cache_is_off() -> None:
    prompt, params = list(range(20)), SamplingParams(max_tokens=2)
    engine = fake_engine(FakeRunner(), block_size=4)
    outputs: dict[int, Output] = {}
    for sequence_id, salt in enumerate(["", "mine", "", "mine", "yours"]):
        engine.add(sequence_id, prompt, params, cache_salt=salt)
        outputs |= drain(engine)
    assert [output.num_cached_tokens for output in outputs.values()] == [0, 0, 16, 16, 0]
    assert len({tuple(output.token_ids) for output in outputs.values()}) == 1
    engine = fake_engine(FakeRunner(), block_size=4, prefix_cache=False)
    assert run(engine, {0: prompt}, params)[0].num_cached_tokens == 0
    assert run(engine, {1: prompt}, params)[1].num_cached_tokens == 0


def test_a_preempted_sequence_still_tells_what_it_found_at_first() -> None:
    engine = fake_engine(FakeRunner(), num_blocks=12, block_size=2)
    run(engine, {9: [7] * 5}, SamplingParams(max_tokens=1))
    outputs = run(engine, {0: [7] * 5, 1: [7] * 6}, SamplingParams(max_tokens=12))
    assert engine.stats().num_preemptions > 0
    assert [output.num_cached_tokens for output in outputs.values()] == [4, 4]


def test_aborting_a_running_and_a_waiting_sequence_gives_everything_back() -> None:
    engine = fake_engine(FakeRunner(), max_num_seqs=1)
    engine.add(0, [1, 2, 3], SamplingParams())
    engine.add(1, [4, 5, 6], SamplingParams())
    engine.step()
    engine.abort(0)
    engine.abort(1)
    engine.check_integrity()
    stats = engine.stats()
    assert (stats.num_running, stats.num_waiting, stats.num_free_blocks) == (0, 0, stats.num_blocks)


def test_aborting_what_has_ended_is_harmless() -> None:
    engine = fake_engine(FakeRunner())
    run(engine, {0: [1]}, SamplingParams(max_tokens=1))
    engine.abort(0)
    engine.abort(12345)
    assert not engine.has_unfinished


@settings(max_examples=150, deadline=None)
@given(
    prompts=st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=20), min_size=1, max_size=10),
    aborts=st.dictionaries(st.integers(0, 30), st.integers(0, 9), max_size=6),
    num_blocks=st.integers(12, 40),
    budget=st.integers(4, 24),
    prefix_cache=st.booleans(),
)
def test_any_mix_of_sizes_budgets_and_aborts_gives_everyone_their_own_tokens(
    prompts: list[list[int]],
    aborts: dict[int, int],
    num_blocks: int,
    budget: int,
    prefix_cache: bool,
) -> None:
    engine = fake_engine(
        FakeRunner(),
        num_blocks=num_blocks,
        block_size=2,
        max_num_seqs=4,
        max_num_batched_tokens=budget,
        prefix_cache=prefix_cache,
    )
    for sequence_id, prompt in enumerate(prompts):
        engine.add(sequence_id, prompt, SamplingParams(max_tokens=4))
    tokens: dict[int, list[int]] = {}
    step = 0
    while engine.has_unfinished:
        for delta in engine.step().deltas:
            tokens.setdefault(delta.sequence_id, []).extend(delta.token_ids)
        if step in aborts:
            engine.abort(aborts[step])
        engine.check_integrity()
        step += 1
    for sequence_id, prompt in enumerate(prompts):
        expected = expected_tokens(prompt, 4)
        given_tokens = tokens.get(sequence_id, [])
        assert given_tokens == expected[: len(given_tokens)]
        assert len(given_tokens) == 4 or sequence_id in aborts.values()
    assert engine.stats().num_free_blocks == num_blocks


def test_unseeded_sequences_draw_different_seeds_and_seeded_ones_keep_theirs() -> None:
    class SeedRunner(FakeRunner):
        seeds: list[int]

        def run(self, scheduled):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
            self.seeds = [entry.sequence.seed for entry in scheduled]
            return super().run(scheduled)

    runner = SeedRunner()
    engine = fake_engine(runner)
    engine.add(0, [1], SamplingParams(max_tokens=1))
    engine.add(1, [1], SamplingParams(max_tokens=1))
    engine.add(2, [1], SamplingParams(max_tokens=1, seed=42))
    drain(engine)
    assert runner.seeds[2] == 42
    assert len(set(runner.seeds)) == 3
