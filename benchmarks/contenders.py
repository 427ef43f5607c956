"""Who runs the prompts: the engine, and transformers' own loop. Both in this process."""

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.generation.streamers import BaseStreamer

from antiphon.engine.config import LoadFormat
from antiphon.engine.generation import EngineCard
from antiphon.engine.llm_engine import LLMEngine
from antiphon.engine.sampling_params import SamplingParams
from antiphon.models.progress import Progress
from antiphon.models.transformers_bars import reported_bars
from benchmarks.hardware import device_of
from benchmarks.timeline import Timeline

Clock = Callable[[], float]


class EngineContender:
    """Runs prompts together, greedily, each to `max_tokens` whatever it says."""

    def __init__(self, engine: LLMEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._ids = count()

    @property
    def num_preemptions(self) -> int:
        return self._engine.stats().num_preemptions

    def run(self, prompts: list[list[int]], max_tokens: int) -> Timeline:
        params = SamplingParams(temperature=0, max_tokens=max_tokens)
        times: dict[int, list[float]] = {}
        started_at = self._clock()
        for prompt in prompts:
            sequence_id = next(self._ids)
            times[sequence_id] = []
            self._engine.add(sequence_id, prompt, params)
        while self._engine.has_unfinished:
            deltas = self._engine.step().deltas
            now = self._clock()
            for delta in deltas:
                times[delta.sequence_id] += [now] * len(delta.token_ids)
        return Timeline(started_at, tuple(map(tuple, times.values())))


class GenerateContender:
    """`transformers.generate`, with the attention it chooses itself."""

    def __init__(self, model: Any, clock: Clock) -> None:  # noqa: ANN401 (generate is untyped)
        self._model = model.eval()
        self._clock = clock

    def run(self, prompts: list[list[int]], max_tokens: int) -> Timeline:
        """One prompt after the other, though all of them arrive at the start."""
        started_at = self._clock()
        return Timeline(started_at, tuple(self._run(prompt, max_tokens) for prompt in prompts))

    def _run(self, prompt: list[int], max_tokens: int) -> tuple[float, ...]:
        token_ids = torch.tensor([prompt], device=self._model.device)
        times = _TokenTimes(self._clock)
        self._model.generate(
            token_ids,
            attention_mask=torch.ones_like(token_ids),
            max_new_tokens=max_tokens,
            do_sample=False,
            eos_token_id=None,
            pad_token_id=0,
            streamer=times,
        )
        assert len(times.seen) == max_tokens, "without an end token, every answer has its length"
        return tuple(times.seen)


class _TokenTimes(BaseStreamer):
    """Notes when each generated token comes out; the prompt is what comes first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._has_prompt = False
        self.seen: list[float] = []

    def put(self, value: Tensor) -> None:
        if self._has_prompt:
            self.seen.append(self._clock())
        self._has_prompt = True

    def end(self) -> None: ...


def make_dummy_reference(
    folder: Path, *, device: torch.device, dtype: torch.dtype, seed: int
) -> Any:  # noqa: ANN401
    """Random weights from the folder's config, with the attention that transformers chooses."""
    torch.manual_seed(seed)
    with device:
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        return AutoModelForCausalLM.from_config(config, dtype=dtype).eval()


def load_reference(
    card: EngineCard, load_format: LoadFormat, *, seed: int, progress: Progress
) -> Any:  # noqa: ANN401
    """A second copy of the engine's model, where the engine's is and of its type."""
    device, dtype = device_of(card), getattr(torch, card.dtype)
    if load_format is LoadFormat.DUMMY:
        return make_dummy_reference(Path(card.model_path), device=device, dtype=dtype, seed=seed)
    with reported_bars(progress):
        return AutoModelForCausalLM.from_pretrained(
            card.model_path, dtype=dtype, device_map={"": device}, local_files_only=True
        )
