"""Sampling parameters: what was asked, else what the model brings, else neutral."""

from dataclasses import replace

import pytest

from antiphon.engine.errors import InvalidSamplingParams
from antiphon.engine.sampling_params import SamplingParams
from antiphon.models.generation_defaults import GenerationDefaults
from antiphon.models.language_side import LanguageSide
from antiphon.server.protocol.requests import CreateResponseBody
from antiphon.server.sampling import sampling_params, stop_strings
from tests.fake_engine import FakeEngine, Script
from tests.serving import Client, EncodePieces, make_context

NOTHING = GenerationDefaults()
QWEN_LIKE = GenerationDefaults(
    temperature=0.6, top_p=0.95, top_k=20, min_p=0.1, repetition_penalty=1.1, stop_token_ids=(2, 7)
)


def params_of(defaults: GenerationDefaults, **fields: object) -> SamplingParams:
    return sampling_params(CreateResponseBody.model_validate(fields), defaults)


def test_nothing_asked_and_nothing_recommended_is_neutral() -> None:
    assert params_of(NOTHING) == SamplingParams()


def test_what_the_model_recommends_counts_where_nothing_was_asked() -> None:
    assert params_of(QWEN_LIKE) == SamplingParams(
        temperature=0.6,
        top_p=0.95,
        top_k=20,
        min_p=0.1,
        repetition_penalty=1.1,
        stop_token_ids=(2, 7),
    )


def test_what_was_asked_counts_first_zero_included() -> None:
    fields = {"top_p": 0.5, "min_p": 0, "top_k": 5, "repetition_penalty": 1, "temperature": 0}
    fields |= {"presence_penalty": 0.5, "frequency_penalty": -0.5, "seed": 3}
    asked = params_of(QWEN_LIKE, **fields, logit_bias={"5": 1}, max_output_tokens=4)
    assert asked == SamplingParams(
        temperature=0,
        top_p=0.5,
        top_k=5,
        min_p=0,
        repetition_penalty=1,
        presence_penalty=0.5,
        frequency_penalty=-0.5,
        seed=3,
        logit_bias={5: 1},
        max_tokens=4,
        stop_token_ids=(2, 7),
    )


@pytest.mark.parametrize("off", [0, -1])
def test_top_k_is_switched_off_as_other_servers_do_it(off: int) -> None:
    assert params_of(QWEN_LIKE, top_k=off).top_k is None


def test_ignore_eos_leaves_no_stop_token() -> None:
    assert params_of(QWEN_LIKE, ignore_eos=True).stop_token_ids == ()


def test_value_out_of_range_is_named() -> None:
    with pytest.raises(InvalidSamplingParams) as caught:
        params_of(NOTHING, temperature=2.5)
    assert caught.value.param == "temperature"


@pytest.mark.parametrize(
    ("stop", "expected"), [(None, ()), ("a", ("a",)), (["a", "b"], ("a", "b")), ([], ())]
)
def test_stop_is_one_string_or_several(stop: object, expected: tuple[str, ...]) -> None:
    assert stop_strings(CreateResponseBody.model_validate({"stop": stop})) == expected


async def test_effective_values_are_submitted_and_echoed(
    language_side: LanguageSide, said: EncodePieces
) -> None:
    engine = FakeEngine(Script(said("Hi")))
    recommending = replace(language_side, generation_defaults=QWEN_LIKE)
    client = Client(make_context(engine, recommending))
    response = await client.respond(top_p=0.5, max_output_tokens=5)
    assert (response["temperature"], response["top_p"]) == (0.6, 0.5)
    assert response["max_output_tokens"] == 5
    params = engine.generations[0].params
    assert (params.temperature, params.top_p, params.max_tokens) == (0.6, 0.5, 5)
