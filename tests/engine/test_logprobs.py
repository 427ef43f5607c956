"""Reported log probabilities are those of the model, computed beside it by transformers."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, PreTrainedModel

from antiphon.engine.client_generation import ClientGeneration
from antiphon.engine.grammar import GrammarCompiler
from antiphon.engine.logprobs import StepLogprobs
from antiphon.engine.messages import Stepped, decode_from_engine, encode
from antiphon.engine.outputs import EngineStats, SequenceDelta, StepOutput, TokenLogprobs
from antiphon.engine.sampling_params import SamplingParams
from antiphon.engine.sequence import Sequence
from tests.engines import network_engine, places_of, run

PROMPT = [5, 9, 30, 31, 77]


def sequence_asking(num_top_logprobs: int | None) -> Sequence:
    return Sequence(0, [1], SamplingParams(num_top_logprobs=num_top_logprobs), seed=0)


@pytest.mark.parametrize(
    "params",
    [
        SamplingParams(temperature=0, max_tokens=6, num_top_logprobs=5),
        SamplingParams(
            temperature=1.7,
            seed=4,
            top_k=9,
            repetition_penalty=1.5,
            logit_bias={8: 5},
            max_tokens=6,
            num_top_logprobs=5,
        ),
    ],
    ids=["greedy", "sampled, with everything that bends the distribution"],
)
def test_logprobs_are_those_of_transformers_logits(
    params: SamplingParams, folder: Path, model: PreTrainedModel
) -> None:
    output = run(network_engine(model), {0: PROMPT}, params)[0]
    reference: Any = AutoModelForCausalLM.from_pretrained(folder)
    with torch.inference_mode():
        logits = reference(torch.tensor([PROMPT + output.token_ids])).logits[0].float()
    expected = logits.log_softmax(dim=-1)[len(PROMPT) - 1 :]
    assert len(output.logprobs) == len(output.token_ids)
    for place, (token_id, reported) in enumerate(
        zip(output.token_ids, output.logprobs, strict=True)
    ):
        assert reported.logprob == pytest.approx(expected[place, token_id].item(), abs=1e-4)
        likeliest = expected[place].topk(5)
        assert [token_id for token_id, _ in reported.top] == likeliest.indices.tolist()
        assert [value for _, value in reported.top] == pytest.approx(
            likeliest.values.tolist(), abs=1e-4
        )


def test_under_a_grammar_they_are_those_of_the_allowed_tokens_and_always_finite(
    model: PreTrainedModel, compiler: GrammarCompiler
) -> None:
    params = SamplingParams(
        temperature=0, grammar='start: "a" | "b"', max_tokens=6, num_top_logprobs=20
    )
    output = run(network_engine(model), {0: PROMPT}, params, compiler)[0]
    (reported,) = output.logprobs
    assert math.isfinite(reported.logprob)
    assert len(reported.top) == 2
    assert sum(math.exp(value) for _, value in reported.top) == pytest.approx(1)
    assert reported.top[0] == (output.token_ids[0], reported.logprob)


def test_only_rows_that_ask_get_logprobs() -> None:
    logits = torch.randn((3, 12), generator=torch.Generator().manual_seed(0))
    places = places_of([sequence_asking(asked) for asked in (None, 0, 2)])
    reported = StepLogprobs(logits, places).of([4, 4, 4])
    assert {place: len(row.top) for place, row in reported.items()} == {1: 0, 2: 2}


def test_ties_are_ordered_by_id_and_more_than_there_are_is_all() -> None:
    logits = torch.tensor([[1.0, 3.0, 1.0, 3.0, 1.0, -torch.inf]])
    top = {
        count: [token_id for token_id, _ in reported.top]
        for count in (1, 3, 20)
        for reported in StepLogprobs(logits, places_of([sequence_asking(count)])).of([1]).values()
    }
    assert top == {1: [1], 3: [1, 3, 0], 20: [1, 3, 0, 2, 4]}


def test_a_sequence_that_asks_for_none_reports_none(model: PreTrainedModel) -> None:
    output = run(network_engine(model), {0: PROMPT}, SamplingParams(max_tokens=3))[0]
    assert output.logprobs == []


def test_logprobs_survive_the_way_between_the_processes() -> None:
    logprobs = (TokenLogprobs(-0.5, ((7, -0.5), (9, -1.25))), TokenLogprobs(-3.0, ()))
    delta = SequenceDelta(4, [7, 8], None, 0, logprobs)
    message = Stepped(StepOutput([delta], [], EngineStats(1, 0, 8, 7, 0)))
    assert decode_from_engine(encode(message)) == message


async def test_deltas_that_nobody_reads_are_merged_with_their_logprobs() -> None:
    generation = ClientGeneration(0, lambda sequence_id: None)
    first, second = TokenLogprobs(-1.0, ()), TokenLogprobs(-2.0, ())
    generation.push(SequenceDelta(0, [5], None, 0, (first,)))
    generation.push(SequenceDelta(0, [6], None, 0, (second,)))
    delta = await anext(generation)
    assert (delta.token_ids, delta.logprobs) == ([5, 6], (first, second))
