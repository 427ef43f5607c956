"""Engines that guess say what engines say that don't."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, PreTrainedModel

from antiphon.engine.grammar import GrammarCompiler
from antiphon.engine.outputs import FinishReason
from antiphon.engine.sampling_params import SamplingParams
from antiphon.engine.scheduler import ScheduledSequence
from antiphon.engine.step_sample import StepSample
from tests.engines import (
    FakeRunner,
    Output,
    compile_grammar,
    drain,
    fake_engine,
    network_engine,
    next_token,
    random_prompts,
    run,
    run_each,
)
from tests.grammars import WEATHER

GREEDY = SamplingParams(temperature=0, max_tokens=40)
# A tiny random model that is hardly random: it repeats itself, so that guesses are often right.
COLD = SamplingParams(temperature=0.4, seed=3, top_k=4, max_tokens=40)
EVERY_KIND = [
    GREEDY,
    COLD,
    replace(COLD, seed=9, top_p=0.8, top_k=None),
    replace(COLD, seed=10, min_p=0.3, num_top_logprobs=2),
    replace(GREEDY, presence_penalty=0.1, num_top_logprobs=0),
    replace(GREEDY, frequency_penalty=0.02, repetition_penalty=1.01),
    replace(COLD, temperature=1, seed=4, logit_bias={7: 20, 8: 20}, frequency_penalty=0.3),
]


def repetitive(seed: int) -> list[int]:
    phrase = random_prompts([9], vocab_size=500, seed=seed)[0]
    return phrase * 3


def every_kind() -> dict[int, tuple[list[int], SamplingParams]]:
    return {index: (repetitive(index), params) for index, params in enumerate(EVERY_KIND)}


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, id="plain"),
        pytest.param({"max_num_seqs": 1}, id="alone"),
        pytest.param({"max_num_batched_tokens": 7}, id="in small chunks"),
        pytest.param({"num_blocks": 45}, id="with preemption"),
        pytest.param({"num_blocks": 45, "prefix_cache": False}, id="recomputed after preemption"),
        pytest.param({"block_size": 1, "num_blocks": 512}, id="in blocks of one"),
    ],
)
def test_guessing_changes_no_token_and_no_logprob(
    options: dict[str, object], model: PreTrainedModel
) -> None:
    expected = run_each(network_engine(model), every_kind())
    engine = network_engine(model, speculation_max_batch=8, **options)  # type: ignore[arg-type]
    outputs = run_each(engine, every_kind())
    for index, output in outputs.items():
        assert output.token_ids == expected[index].token_ids
        assert output.finish_reason == expected[index].finish_reason
        assert_same_logprobs(output, expected[index])
    stats = engine.stats()
    assert (options.get("num_blocks") == 45) == (stats.num_preemptions > 0)
    assert stats.num_accepted_tokens > 0
    assert stats.num_free_blocks == stats.num_blocks


def assert_same_logprobs(output: Output, expected: Output) -> None:
    for reported, wanted in zip(output.logprobs, expected.logprobs, strict=True):
        assert reported.logprob == pytest.approx(wanted.logprob, abs=1e-4)
        assert [token_id for token_id, _ in reported.top] == [id_ for id_, _ in wanted.top]


def test_guessed_draws_follow_the_models_own_distribution(
    folder: Path, model: PreTrainedModel
) -> None:
    """Of the third token, over many seeds, where nearly all sequences have drafts before it."""
    count, bias = 1500, dict.fromkeys(range(5), 40.0)
    params = SamplingParams(temperature=1.5, max_tokens=3, logit_bias=bias)
    prompt = [0, 1, 2, 3, 4] * 5
    engine = network_engine(
        model, num_blocks=4096, max_num_seqs=8, speculation_max_batch=8, max_num_batched_tokens=128
    )
    outputs = run_each(
        engine, {seed: (prompt, replace(params, seed=seed)) for seed in range(count)}
    )
    reference: Any = AutoModelForCausalLM.from_pretrained(folder)
    expected = third_token_distribution(reference, prompt, temperature=1.5)
    drawn = torch.tensor([output.token_ids[2] for output in outputs.values()])
    counts = torch.bincount(drawn, minlength=5)
    chi_square = ((counts - count * expected) ** 2 / (count * expected)).sum()
    assert chi_square < 18.5, "of 4 degrees of freedom; one in 1,000 by chance, with fixed seeds"
    assert engine.stats().num_draft_tokens > count


def third_token_distribution(
    reference: Any,  # noqa: ANN401
    prompt: list[int],
    *,
    temperature: float,
) -> torch.Tensor:
    """Of the first five tokens among themselves, by all the ways that lead there."""
    first = next_distribution(reference, prompt, temperature)
    third = torch.zeros(5)
    for one in range(5):
        second = next_distribution(reference, [*prompt, one], temperature)
        for two in range(5):
            weight = first[one] * second[two]
            third += weight * next_distribution(reference, [*prompt, one, two], temperature)
    return third


def next_distribution(
    reference: Any,  # noqa: ANN401
    token_ids: list[int],
    temperature: float,
) -> torch.Tensor:
    with torch.inference_mode():
        logits: torch.Tensor = reference(torch.tensor([token_ids])).logits[0, -1, :5]
    return (logits.float() / temperature).softmax(dim=-1)


def test_right_guesses_save_steps() -> None:
    guessing, plain = FakeRunner(is_forgetful=True), FakeRunner(is_forgetful=True)
    params = SamplingParams(max_tokens=60)
    outputs = run(fake_engine(guessing, speculation_max_batch=8), {0: [5]}, params)
    assert outputs == run(fake_engine(plain), {0: [5]}, params)
    assert len(guessing.steps) < len(plain.steps) / 2


def test_one_delta_carries_all_that_was_accepted() -> None:
    engine = fake_engine(FakeRunner(is_forgetful=True), speculation_max_batch=1)
    engine.add(0, [5], SamplingParams(max_tokens=150))
    lengths = []
    while engine.has_unfinished:
        lengths += [len(delta.token_ids) for delta in engine.step().deltas]
    assert sum(lengths) == 150
    assert max(lengths) == 9, "eight drafts, and the token behind them"


def test_a_stop_token_within_the_drafts_ends_the_sequence_there() -> None:
    """The prompt says where the sequence goes: to the stop token and beyond it."""
    prompt = [1, 2, 3, 4, 5, 6, 7, 8, 9, 1]

    class Counting(FakeRunner):
        def says(self, token_ids: list[int]) -> int:
            return token_ids[-1] % 9 + 1

    params = SamplingParams(stop_token_ids=(7,), max_tokens=60)
    engine = fake_engine(Counting(), speculation_max_batch=8)
    output = run(engine, {0: prompt}, params)[0]
    assert output == run(fake_engine(Counting()), {0: prompt}, params)[0]
    assert output.token_ids == [2, 3, 4, 5, 6, 7]
    assert output.finish_reason is FinishReason.STOP
    assert engine.stats().num_accepted_tokens > 0


@pytest.mark.parametrize("max_tokens", range(1, 30))
def test_no_sequence_says_more_than_it_may(max_tokens: int) -> None:
    engine = fake_engine(FakeRunner(is_forgetful=True), speculation_max_batch=8)
    output = run(engine, {0: [5] * 6}, SamplingParams(max_tokens=max_tokens))[0]
    assert len(output.token_ids) == max_tokens
    assert output.finish_reason is FinishReason.LENGTH


def test_a_sequence_may_guess_until_the_cache_is_full() -> None:
    engine = fake_engine(FakeRunner(is_forgetful=True), num_blocks=12, speculation_max_batch=8)
    output = run(engine, {0: [5]}, SamplingParams())[0]
    assert len(output.token_ids) == 47
    assert engine.stats().num_accepted_tokens > 0


def test_nothing_is_guessed_while_too_many_decode() -> None:
    engine = fake_engine(FakeRunner(is_forgetful=True), speculation_max_batch=2)
    prompts = {index: [index + 1] for index in range(3)}
    run(engine, prompts, SamplingParams(max_tokens=40))
    assert engine.stats().num_draft_tokens == 0
    run(engine, {5: [1]}, SamplingParams(max_tokens=40))
    assert engine.stats().num_draft_tokens > 0


def test_nothing_is_guessed_under_a_grammar(
    model: PreTrainedModel, compiler: GrammarCompiler
) -> None:
    params = replace(GREEDY, grammar=WEATHER)
    engine = network_engine(model, speculation_max_batch=8)
    outputs = run_each(engine, {0: (repetitive(0), params), 1: (repetitive(1), GREEDY)}, compiler)
    alone = run(network_engine(model), {0: repetitive(0)}, params, compiler)
    assert outputs[0] == alone[0]
    other = network_engine(model, speculation_max_batch=8)
    other.add(0, repetitive(0), params, compile_grammar(params, compiler))
    drain(other)
    assert other.stats().num_draft_tokens == 0


class WatchedRunner(FakeRunner):
    """Repeats itself, but not for long; knows the sequences that it has seen."""

    def run(self, scheduled: list[ScheduledSequence]) -> StepSample:
        self.sequences = [entry.sequence for entry in scheduled]
        return super().run(scheduled)

    def says(self, token_ids: list[int]) -> int:
        return len(token_ids) % 3 if len(token_ids) % 16 < 9 else next_token(token_ids)


@pytest.mark.parametrize("num_blocks", range(14, 40))
def test_no_guess_costs_a_block_beyond_its_own_step(num_blocks: int) -> None:
    """So it preempts nobody: who is short of blocks would be so without it."""
    runner = WatchedRunner()
    engine = fake_engine(runner, num_blocks=num_blocks, block_size=2, speculation_max_batch=8)
    for index in range(3):
        engine.add(index, [0, 1, 2, 0, 1, 2], SamplingParams(max_tokens=20))
    while engine.has_unfinished:
        engine.step()
        engine.check_integrity()
        for sequence in runner.sequences:
            assert len(sequence.block_table) <= -(-sequence.num_tokens // 2)
    stats = engine.stats()
    assert stats.num_draft_tokens > stats.num_accepted_tokens > 0
    assert stats.num_free_blocks == num_blocks


def test_only_accepted_tokens_are_found_by_others() -> None:
    engine = fake_engine(FakeRunner(is_forgetful=True), speculation_max_batch=8)
    first = run(engine, {0: [5] * 6}, SamplingParams(max_tokens=26))[0]
    said = [*[5] * 6, *first.token_ids]
    second = run(engine, {1: [*said, 90]}, SamplingParams(max_tokens=3))[1]
    assert second.num_cached_tokens >= 28
    fresh = run(
        fake_engine(FakeRunner(is_forgetful=True)), {1: [*said, 90]}, SamplingParams(max_tokens=3)
    )
    assert second.token_ids == fresh[1].token_ids
