"""Constrained sequences in the engine, on a tiny random Llama that would never write such texts."""

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from transformers import PreTrainedModel

from antiphon.engine.grammar import GrammarCompiler
from antiphon.engine.outputs import FinishReason
from antiphon.engine.sampling_params import SamplingParams
from antiphon.models.tokenizer import Tokenizer
from tests.engines import (
    FakeRunner,
    Output,
    compile_grammar,
    fake_engine,
    network_engine,
    random_prompts,
    run,
    run_each,
)
from tests.grammars import WEATHER, WEATHER_SCHEMA, json_grammar
from tests.tiny import write_tiny_llama

STOP = 2
LENGTHS = [1, 5, 17, 60, 33, 3, 48, 100]
GREEDY = SamplingParams(temperature=0, grammar=WEATHER, max_tokens=80)
WORDS = r"start: /([a-z]{2,9} ){3,6}[a-z]{2,5}\./"
EVERY_KIND = [
    GREEDY,
    SamplingParams(temperature=0, max_tokens=20),
    replace(GREEDY, temperature=1.5, seed=3),
    SamplingParams(temperature=0.9, top_p=0.95, seed=11, max_tokens=20),
    SamplingParams(temperature=1, seed=5, grammar=WORDS, stop_token_ids=(STOP,), max_tokens=60),
    SamplingParams(temperature=0, repetition_penalty=1.3, max_tokens=20),
    replace(GREEDY, temperature=1, seed=8, top_k=5, logit_bias={40: 100}, frequency_penalty=1),
    SamplingParams(temperature=1, seed=6, max_tokens=20, num_top_logprobs=3),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model has rows for more tokens than its tokenizer knows."""
    return write_tiny_llama(tmp_path_factory.mktemp("tiny") / "llama", vocab_size=700)


@pytest.fixture(scope="module")
def together(model: PreTrainedModel, compiler: GrammarCompiler) -> dict[int, list[int]]:
    outputs = run_each(network_engine(model), mixed_sequences(), compiler)
    return {index: output.token_ids for index, output in outputs.items()}


def mixed_sequences() -> dict[int, tuple[list[int], SamplingParams]]:
    prompts = random_prompts(LENGTHS, vocab_size=500)
    return {index: (prompts[index], params) for index, params in enumerate(EVERY_KIND)}


def text(tokenizer: Tokenizer, output: Output) -> str:
    return b"".join(map(tokenizer.token_bytes, output.token_ids)).decode()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"temperature": 1, "seed": 1},
        {"temperature": 2, "seed": 2},
        {"temperature": 1, "seed": 3, "top_k": 1},
        {"temperature": 1, "seed": 4, "top_k": 600, "top_p": 0.9},
        {"temperature": 1, "seed": 5, "min_p": 1},
        {"logit_bias": {7: 100, 650: 100, STOP: 100}},
        {"repetition_penalty": 0.01, "presence_penalty": -2, "frequency_penalty": -2},
        {"stop_token_ids": (STOP,)},
    ],
    ids=str,
)
def test_the_output_follows_its_grammar_however_it_is_sampled(
    changes: dict[str, object],
    model: PreTrainedModel,
    tokenizer: Tokenizer,
    compiler: GrammarCompiler,
) -> None:
    params = replace(GREEDY, **changes)  # type: ignore[arg-type]
    output = run(network_engine(model), {0: [5, 6, 7]}, params, compiler)[0]
    jsonschema.validate(json.loads(text(tokenizer, output)), WEATHER_SCHEMA)
    assert output.finish_reason is FinishReason.GRAMMAR_END
    assert STOP not in output.token_ids


def test_rows_beyond_the_vocabulary_are_never_sampled_under_a_grammar(
    model: PreTrainedModel, tokenizer: Tokenizer, compiler: GrammarCompiler
) -> None:
    anything = SamplingParams(
        temperature=2, seed=1, grammar=r"start: /(.|\n)*/", logit_bias={650: 50}, max_tokens=40
    )
    output = run(network_engine(model), {0: [5, 6]}, anything, compiler)[0]
    assert max(output.token_ids) < tokenizer.vocab_size
    assert not set(output.token_ids) & tokenizer.special_token_ids
    assert output.finish_reason is FinishReason.LENGTH


def test_a_stop_token_ends_a_text_that_could_go_on(
    model: PreTrainedModel, tokenizer: Tokenizer, compiler: GrammarCompiler
) -> None:
    params = SamplingParams(
        temperature=0,
        grammar="start: /[a-z]{3,}/",
        stop_token_ids=(STOP,),
        logit_bias={STOP: 100},
        max_tokens=50,
    )
    output = run(network_engine(model), {0: [5, 6]}, params, compiler)[0]
    assert output.finish_reason is FinishReason.STOP
    assert output.token_ids[-1] == STOP
    assert text(tokenizer, Output(output.token_ids[:-1])).isalpha()


def test_a_grammar_of_nothing_ends_without_a_token(
    model: PreTrainedModel, compiler: GrammarCompiler
) -> None:
    output = run(network_engine(model), {0: [5]}, replace(GREEDY, grammar='start: ""'), compiler)[0]
    assert output.token_ids == []
    assert output.finish_reason is FinishReason.GRAMMAR_END


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"max_num_seqs": 1}, id="alone"),
        pytest.param({"max_num_batched_tokens": 9}, id="in small chunks"),
        pytest.param({"num_blocks": 44}, id="with preemption"),
        pytest.param({"num_blocks": 44, "prefix_cache": False}, id="recomputed after preemption"),
    ],
)
def test_constrained_and_free_sequences_do_not_change_each_other(
    options: dict[str, object],
    model: PreTrainedModel,
    compiler: GrammarCompiler,
    together: dict[int, list[int]],
) -> None:
    engine = network_engine(model, **options)  # type: ignore[arg-type]
    outputs = run_each(engine, mixed_sequences(), compiler)
    assert {index: output.token_ids for index, output in outputs.items()} == together
    assert ("num_blocks" in options) == (engine.stats().num_preemptions > 0)


def test_a_cached_prefix_changes_nothing_under_a_grammar(
    model: PreTrainedModel, compiler: GrammarCompiler
) -> None:
    prompt = random_prompts([50], vocab_size=500)[0]
    fresh = run(network_engine(model), {0: prompt}, GREEDY, compiler)[0]
    engine = network_engine(model)
    run(engine, {0: prompt[:40]}, GREEDY, compiler)
    cached = run(engine, {1: prompt}, GREEDY, compiler)[1]
    assert cached.num_cached_tokens == 40
    assert cached.token_ids == fresh.token_ids


def test_aborting_a_constrained_sequence_leaves_the_others_alone(
    model: PreTrainedModel, compiler: GrammarCompiler
) -> None:
    expected = run(network_engine(model), {0: [5, 6, 7]}, GREEDY, compiler)[0]
    engine = network_engine(model)
    engine.add(1, [8, 9], GREEDY, compile_grammar(GREEDY, compiler))
    engine.step()
    engine.step()
    engine.abort(1)
    assert run(engine, {2: [5, 6, 7]}, GREEDY, compiler)[2].token_ids == expected.token_ids
    assert engine.stats().num_free_blocks == engine.stats().num_blocks


def test_a_grammar_that_leads_nowhere_fails_its_sequence_alone(
    model: PreTrainedModel, compiler: GrammarCompiler
) -> None:
    """The lexer runs out of fuel at the third token; so far it had enough."""
    doomed = replace(GREEDY, grammar=r"start: /(\w{1,1000}){1,1000}/")
    free = SamplingParams(temperature=0, max_tokens=8)
    expected = run(network_engine(model), {0: [5, 6, 7]}, free)[0]
    engine = network_engine(model)
    outputs = run_each(engine, {0: ([5, 6, 7], free), 1: ([5, 6, 7], doomed)}, compiler)
    assert outputs[0] == expected
    assert outputs[1].failure is not None
    assert outputs[1].failure.startswith("The output can't go on within its grammar: ")
    assert "lexer" in outputs[1].failure
    assert outputs[1].finish_reason is None
    assert engine.stats().num_free_blocks == engine.stats().num_blocks


def test_a_runner_that_ignores_the_grammar_is_found_out(compiler: GrammarCompiler) -> None:
    output = run(fake_engine(FakeRunner()), {0: [5]}, GREEDY, compiler)[0]
    assert output.failure is not None


def test_strings_of_any_script_come_out_as_valid_json(
    model: PreTrainedModel, tokenizer: Tokenizer, compiler: GrammarCompiler
) -> None:
    schema = {"type": "array", "items": {"type": "string", "maxLength": 6}, "minItems": 4}
    grammar = json_grammar(schema | {"maxItems": 4})
    for seed in range(8):
        params = SamplingParams(temperature=1.5, seed=seed, grammar=grammar, max_tokens=200)
        output = run(network_engine(model), {0: [seed + 3]}, params, compiler)[0]
        jsonschema.validate(json.loads(text(tokenizer, output)), schema)
