import numpy as np
import pytest
import torch
from transformers import (
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from antiphon.engine.random_stream import uniforms
from antiphon.engine.sampler import sample as sample_places
from antiphon.engine.sampling_params import SamplingParams
from antiphon.engine.sequence import Sequence
from antiphon.engine.truncation import truncate
from tests.engines import places_of

VOCAB_SIZE = 12


def sequence_of(
    params: SamplingParams, *, output: list[int] | None = None, seed: int = 0
) -> Sequence:
    sequence = Sequence(0, [0, 1], params, seed)
    for token_id in output or []:
        sequence.append(token_id)
    return sequence


def sample(logits: torch.Tensor, sequences: list[Sequence]) -> list[int]:
    return sample_places(logits, places_of(sequences))


def random_logits(num_rows: int = 1, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 2 * torch.randn((num_rows, VOCAB_SIZE), generator=generator)


def draw_many(params: SamplingParams, logits: torch.Tensor, count: int = 4000) -> torch.Tensor:
    """How often each token was drawn, over as many seeds."""
    sequences = [sequence_of(params, seed=seed) for seed in range(count)]
    token_ids = sample(logits.repeat(count, 1), sequences)
    return torch.bincount(torch.tensor(token_ids), minlength=VOCAB_SIZE)


def reference_distribution(params: SamplingParams, logits: torch.Tensor) -> torch.Tensor:
    warpers = LogitsProcessorList([TemperatureLogitsWarper(params.temperature)])
    if params.top_k is not None:
        warpers.append(TopKLogitsWarper(params.top_k))
    if params.top_p < 1:
        warpers.append(TopPLogitsWarper(params.top_p))
    if params.min_p > 0:
        warpers.append(MinPLogitsWarper(params.min_p))
    return warpers(torch.zeros((1, 1)).long(), logits.clone()).softmax(dim=-1)[0]  # type: ignore[arg-type]


def test_temperature_zero_takes_the_likeliest() -> None:
    logits = random_logits(num_rows=3)
    expected = logits.argmax(dim=-1).tolist()
    assert (
        sample(logits, [sequence_of(SamplingParams(temperature=0)) for _ in range(3)]) == expected
    )


@pytest.mark.parametrize(
    "params",
    [
        SamplingParams(),
        SamplingParams(temperature=0.5),
        SamplingParams(temperature=1.7),
        SamplingParams(top_k=3),
        SamplingParams(top_k=1000),
        SamplingParams(top_p=0.7),
        SamplingParams(top_p=0.01),
        SamplingParams(min_p=0.2),
        SamplingParams(temperature=1.3, top_k=6, top_p=0.9, min_p=0.05),
    ],
    ids=str,
)
def test_draws_follow_the_distribution_that_transformers_would_draw_from(
    params: SamplingParams,
) -> None:
    logits = random_logits(seed=3)
    expected = reference_distribution(params, logits)
    counts = draw_many(params, logits)
    assert (counts[expected == 0] == 0).all()
    chi_square = ((counts - 4000 * expected) ** 2 / (4000 * expected))[expected > 0].sum()
    assert chi_square < 35, (
        "of at most 11 degrees of freedom; one in 5,000 by chance, and the seeds are fixed"
    )


def test_truncation_keeps_what_transformers_keeps_on_many_rows() -> None:
    logits = random_logits(num_rows=200, seed=5)
    params = SamplingParams(top_k=8, top_p=0.8, min_p=0.1)
    ordered = logits.topk(8, dim=-1)
    probabilities = truncate(ordered.values, torch.tensor(0.8), torch.tensor(0.1))
    for row in range(200):
        expected = reference_distribution(params, logits[row : row + 1])
        kept = ordered.indices[row][probabilities[row] > 0]
        assert set(kept.tolist()) == set(expected.nonzero()[:, 0].tolist())


@pytest.mark.parametrize("temperature", [1e-308, 1e-30, 1e-6])
def test_a_temperature_near_zero_takes_the_likeliest(temperature: float) -> None:
    logits = 1000 * random_logits(seed=2)
    assert draw_many(SamplingParams(temperature=temperature), logits, 50)[logits.argmax()] == 50


def test_rows_of_a_batch_do_not_touch_each_other() -> None:
    every_kind = [
        SamplingParams(temperature=0),
        SamplingParams(top_k=2),
        SamplingParams(temperature=0.3, top_p=0.5),
        SamplingParams(presence_penalty=2, frequency_penalty=1),
        SamplingParams(repetition_penalty=1.8, temperature=0),
        SamplingParams(logit_bias={4: 100}),
        SamplingParams(min_p=0.5),
    ]
    sequences = [
        sequence_of(params, output=[3, 3, 5], seed=row) for row, params in enumerate(every_kind)
    ]
    logits = random_logits(num_rows=len(sequences), seed=8)
    alone = [
        sample(logits[row : row + 1].clone(), [sequences[row]])[0] for row in range(len(sequences))
    ]
    assert sample(logits.clone(), sequences) == alone


def test_the_same_seed_draws_the_same_token_and_another_position_another() -> None:
    params = SamplingParams()
    logits = torch.zeros((1, VOCAB_SIZE))
    draws = {seed: sample(logits.clone(), [sequence_of(params, seed=seed)]) for seed in range(40)}
    assert all(
        sample(logits.clone(), [sequence_of(params, seed=seed)]) == draws[seed] for seed in draws
    )
    assert len({tuple(draw) for draw in draws.values()}) > 5
    later = [sample(logits.clone(), [sequence_of(params, seed=s, output=[1])]) for s in draws]
    assert later != list(draws.values())


def test_presence_and_frequency_penalties_lower_what_was_written() -> None:
    logits = torch.zeros((1, VOCAB_SIZE))
    params = SamplingParams(temperature=0, presence_penalty=0.5, frequency_penalty=0.25)
    sample(logits, [sequence_of(params, output=[7, 7, 7, 9])])
    assert logits[0, 7].item() == pytest.approx(-0.5 - 3 * 0.25)
    assert logits[0, 9].item() == pytest.approx(-0.5 - 0.25)
    assert logits[0, 0].item() == 0, "the prompt is not penalised"


def test_repetition_penalty_equals_that_of_transformers() -> None:
    logits = random_logits(seed=4)
    sequence = sequence_of(SamplingParams(temperature=0, repetition_penalty=1.5), output=[7, 7, 9])
    expected = RepetitionPenaltyLogitsProcessor(1.5)(
        torch.tensor([sequence.token_ids]), logits.clone()
    )
    sample(logits, [sequence])
    torch.testing.assert_close(logits, expected)


def test_logit_bias_can_force_and_forbid() -> None:
    params = SamplingParams(logit_bias={4: 100})
    assert draw_many(params, random_logits(), count=50)[4] == 50
    assert draw_many(SamplingParams(logit_bias={4: -100}), random_logits(), count=500)[4] == 0


def test_a_draw_never_lands_on_a_token_of_probability_zero() -> None:
    logits = torch.full((1, VOCAB_SIZE), -torch.inf)
    logits[0, 5] = 0.0
    assert draw_many(SamplingParams(), logits, count=200)[5] == 200


def test_a_top_p_of_zero_takes_the_likeliest() -> None:
    logits = random_logits(seed=6)
    assert draw_many(SamplingParams(top_p=0), logits, count=50)[logits.argmax()] == 50


def test_the_largest_draw_stays_within_what_is_kept() -> None:
    """This seed's number at this position would be 1 in float32."""
    logits = torch.arange(512.0)[None]
    sequence = sequence_of(SamplingParams(top_p=0.5), seed=14377666)
    seeds, positions = np.array([14377666], np.uint64), np.array([sequence.num_tokens])
    assert uniforms(seeds, positions)[0] > 1 - 2**-25
    assert sample(logits, [sequence]) == [511]


def test_ties_are_broken_alike_whatever_the_neighbours_want() -> None:
    logits = random_logits(num_rows=1, seed=1).round().repeat(9, 1)
    params = [SamplingParams(top_k=top_k) for top_k in (1, 2, 3, 4, 5, 6, 7, 8, 9)]
    for seed in range(100):
        sequences = [sequence_of(row, seed=seed) for row in params]
        alone = [sample(logits[:1].clone(), [sequence])[0] for sequence in sequences]
        assert sample(logits.clone(), sequences) == alone
