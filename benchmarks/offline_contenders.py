"""Who runs an offline workload to its end: our engine, and transformers' two ways."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any

import torch
from transformers import GenerationConfig

from antiphon.engine.errors import EngineError
from antiphon.engine.llm_engine import LLMEngine
from antiphon.engine.sampling_params import SamplingParams
from benchmarks.offline_workload import OfflineWorkload

TEMPERATURE = 0.6
NO_TOKEN = -1  # transformers' word for an end that never comes
RESULT_TIMEOUT_SECONDS = 1.0


class Contender(StrEnum):
    ENGINE = "engine"
    GENERATE = "generate"  # one request after the other
    CONTINUOUS_BATCHING = "continuous-batching"


def run_engine(engine: LLMEngine, workload: OfflineWorkload) -> None:
    for sequence_id, prompt in enumerate(workload.prompts):
        max_tokens = workload.output_lens[sequence_id]
        params = SamplingParams(temperature=TEMPERATURE, max_tokens=max_tokens)
        engine.add(sequence_id, prompt, params)
    while engine.has_unfinished:
        engine.step()


def run_generate(model: Any, workload: OfflineWorkload) -> None:  # noqa: ANN401 (it is untyped)
    for prompt, output_len in zip(workload.prompts, workload.output_lens, strict=True):
        token_ids = torch.tensor([prompt], device=model.device)
        model.generate(
            token_ids,
            attention_mask=torch.ones_like(token_ids),
            max_new_tokens=output_len,
            do_sample=True,
            temperature=TEMPERATURE,
            top_k=0,
            eos_token_id=None,
            pad_token_id=0,
        )


@contextmanager
def continuous_batching(model: Any, longest: int) -> Iterator[Any]:  # noqa: ANN401
    """transformers' manager, running; outputs have at most `longest` tokens."""
    config = GenerationConfig(
        do_sample=True,
        temperature=TEMPERATURE,
        top_k=0,
        eos_token_id=NO_TOKEN,
        pad_token_id=0,
        max_new_tokens=longest,
    )
    manager = model.init_continuous_batching(generation_config=config)
    manager.start()
    try:
        yield manager
    finally:
        manager.stop(block=True)


def run_continuous_batching(manager: Any, workload: OfflineWorkload) -> None:  # noqa: ANN401
    """Raises EngineError when a request fails, or the manager's thread dies."""
    for prompt, output_len in zip(workload.prompts, workload.output_lens, strict=True):
        manager.add_request(prompt, max_new_tokens=output_len, eos_token_id=NO_TOKEN)
    num_finished = 0
    while num_finished < len(workload.prompts):
        result = manager.get_result(timeout=RESULT_TIMEOUT_SECONDS)
        if result is not None and result.error is not None:
            raise EngineError(f"continuous batching failed: {result.error}")
        if result is None and not manager.is_running():
            raise EngineError("continuous batching ended before its requests")
        num_finished += result is not None and result.is_finished()
