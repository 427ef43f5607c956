"""Whatever runs beside it, and however it is run: a sequence says what it says alone.

Random combinations of everything that an engine can do, over a runner without a model and over a
tiny Llama. The books are checked after every step.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import PreTrainedModel

from antiphon.engine.llm_engine import LLMEngine
from antiphon.engine.priority import Priority
from antiphon.engine.sampling_params import SamplingParams
from tests.engines import FakeRunner, fake_engine, network_engine, run

VOCAB_SIZE = 500


@dataclass(frozen=True)
class Arrival:
    """A sequence, the step before which it arrives, and how many steps later its caller goes."""

    step: int
    prompt: tuple[int, ...]
    params: SamplingParams
    priority: Priority
    cache_salt: str
    gone_after: int | None


def params_of_every_kind(max_tokens: st.SearchStrategy[int]) -> st.SearchStrategy[SamplingParams]:
    return st.builds(
        SamplingParams,
        temperature=st.sampled_from([0.0, 0.0, 0.4, 1.0]),
        top_k=st.sampled_from([None, 3]),
        top_p=st.sampled_from([1.0, 0.8]),
        min_p=st.sampled_from([0.0, 0.1]),
        presence_penalty=st.sampled_from([0.0, 0.0, 0.2]),
        frequency_penalty=st.sampled_from([0.0, 0.0, 0.1]),
        repetition_penalty=st.sampled_from([1.0, 1.0, 1.05]),
        logit_bias=st.sampled_from([{}, {}, {5: 3.0, 9: 3.0}]),
        seed=st.integers(0, 5),
        max_tokens=max_tokens,
        stop_token_ids=st.sampled_from([(), (), (), (9,)]),
        num_top_logprobs=st.sampled_from([None, 1]),
    )


@st.composite
def prompts(draw: st.DrawFn) -> tuple[int, ...]:
    """Many begin alike, and many repeat themselves."""
    common = range(10, 10 + draw(st.sampled_from([0, 4, 9, 16])))
    phrase = draw(st.lists(st.integers(3, 12), min_size=2, max_size=6))
    return (*common, *phrase * draw(st.sampled_from([1, 2, 3, 3])))


ARRIVAL = st.builds(
    Arrival,
    step=st.sampled_from([0, 0, 0, 1, 2, 5, 9]),
    prompt=prompts(),
    params=params_of_every_kind(st.sampled_from([1, 3, 10, 24, 30, 30, 30])),
    priority=st.sampled_from(Priority),
    cache_salt=st.sampled_from(["", "", "salt"]),
    gone_after=st.sampled_from([None, None, None, None, 0, 4, 12]),
)
# Of fixed sizes: lists of any size are mostly short.
ARRIVALS = st.sampled_from([1, 2, 4, 6, 8]).flatmap(
    lambda count: st.lists(ARRIVAL, min_size=count, max_size=count)
)
OPTIONS = st.fixed_dictionaries(
    {
        "block_size": st.sampled_from([1, 2, 4, 16]),
        "max_num_seqs": st.sampled_from([1, 3, 8, 8]),
        "max_num_batched_tokens": st.sampled_from([8, 20, 200]),
        "prefix_cache": st.booleans(),
        "speculation_max_batch": st.sampled_from([0, 2, 8, 8]),
    }
)
MEMORY = st.sampled_from([64, 80, 80, 110, 200, 1000])  # in tokens; the longest sequence has 64


def run_through(engine: LLMEngine, arrivals: list[Arrival]) -> dict[int, list[int]]:
    """What each sequence said, or had said when its caller went away."""
    said: dict[int, list[int]] = {index: [] for index in range(len(arrivals))}
    step = 0
    while engine.has_unfinished or step <= max(arrival.step for arrival in arrivals):
        for index, arrival in enumerate(arrivals):
            if arrival.step == step:
                engine.add(
                    index,
                    list(arrival.prompt),
                    arrival.params,
                    priority=arrival.priority,
                    cache_salt=arrival.cache_salt,
                )
            if arrival.gone_after is not None and arrival.step + arrival.gone_after == step:
                engine.abort(index)
        for delta in engine.step().deltas:
            said[delta.sequence_id] += delta.token_ids
            if arrivals[delta.sequence_id].params.num_top_logprobs is not None:
                assert len(delta.logprobs) in (0, len(delta.token_ids))
        engine.check_integrity()
        step += 1
        assert step < 2000, "it comes to an end"
    stats = engine.stats()
    assert (stats.num_free_blocks, stats.num_running, stats.num_waiting) == (stats.num_blocks, 0, 0)
    return said


def check(
    make: Callable[..., LLMEngine],
    alone: Callable[[Arrival], list[int]],
    arrivals: list[Arrival],
    options: dict[str, int],
    memory: int,
) -> None:
    seconds = iter(range(1_000_000))
    engine = make(
        **options,
        num_blocks=-(-memory // options["block_size"]),
        clock=lambda: 20.0 * next(seconds),
    )
    said = run_through(engine, arrivals)
    for index, arrival in enumerate(arrivals):
        expected = alone(arrival)
        if arrival.gone_after is None:
            assert said[index] == expected
        else:
            assert said[index] == expected[: len(said[index])]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(arrivals=ARRIVALS, options=OPTIONS, memory=MEMORY, is_forgetful=st.booleans())
def test_a_runner_without_a_model_is_never_confused(
    arrivals: list[Arrival], options: dict[str, int], memory: int, is_forgetful: bool
) -> None:
    def make(**made_with: object) -> LLMEngine:
        return fake_engine(FakeRunner(is_forgetful=is_forgetful), **made_with)  # type: ignore[arg-type]

    def alone(arrival: Arrival) -> list[int]:
        return run(make(num_blocks=512), {0: list(arrival.prompt)}, arrival.params)[0].token_ids

    check(make, alone, arrivals, options, memory)


@pytest.mark.slow
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(arrivals=ARRIVALS, options=OPTIONS, memory=MEMORY)
def test_a_model_says_what_it_says_alone(
    model: PreTrainedModel, arrivals: list[Arrival], options: dict[str, int], memory: int
) -> None:
    def make(**made_with: object) -> LLMEngine:
        return network_engine(model, **made_with)  # type: ignore[arg-type]

    def alone(arrival: Arrival) -> list[int]:
        params = replace(arrival.params, num_top_logprobs=None)
        return run(make(), {0: list(arrival.prompt)}, params)[0].token_ids

    check(make, alone, arrivals, options, memory)
