import pytest

from antiphon.engine.errors import InvalidSamplingParams
from antiphon.engine.sampling_params import SamplingParams


@pytest.mark.parametrize(
    ("param", "value"),
    [
        ("temperature", -0.1),
        ("temperature", 2.1),
        ("temperature", float("nan")),
        ("top_p", -0.1),
        ("top_p", 1.1),
        ("top_k", 0),
        ("min_p", 1.5),
        ("presence_penalty", 2.5),
        ("frequency_penalty", -2.5),
        ("repetition_penalty", 0.0),
        ("logit_bias", {3: 101}),
        ("logit_bias", {-3: 1}),
        ("seed", 2**64),
        ("max_tokens", 0),
        ("num_top_logprobs", -1),
        ("num_top_logprobs", 21),
    ],
)
def test_a_value_out_of_range_names_its_parameter(param: str, value: object) -> None:
    with pytest.raises(InvalidSamplingParams, match=param) as caught:
        SamplingParams(**{param: value})  # type: ignore[arg-type]
    assert caught.value.param == param


def test_only_temperature_zero_is_greedy() -> None:
    assert SamplingParams(temperature=0).is_greedy
    assert not SamplingParams(temperature=0.01).is_greedy
