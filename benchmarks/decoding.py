"""A batch of sequences that decode together, and how long each of their steps takes."""

from collections.abc import Callable
from dataclasses import dataclass

from antiphon.engine.llm_engine import LLMEngine
from antiphon.engine.sampling_params import SamplingParams

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class DecodeRun:
    """Steps of one batch, one after the other.

    context_tokens  what all sequences together held, averaged over the steps.
    """

    batch_size: int
    step_seconds: tuple[float, ...]
    context_tokens: float


class DecodingBatch:
    """Runs its prompts through `engine`, which has nothing else to do; no answer ever ends."""

    def __init__(self, engine: LLMEngine, prompts: list[list[int]]) -> None:
        self._engine = engine
        self._num_tokens = {index: len(prompt) for index, prompt in enumerate(prompts)}
        self._decoding: set[int] = set()
        for sequence_id, prompt in enumerate(prompts):
            engine.add(sequence_id, prompt, SamplingParams(temperature=0))

    @property
    def num_tokens(self) -> int:
        """Prompts and answers so far: what the next step attends to."""
        return sum(self._num_tokens.values())

    def prefill(self) -> None:
        """Step until every sequence has its first token."""
        while len(self._decoding) < len(self._num_tokens):
            self.step()

    def step(self) -> None:
        for delta in self._engine.step().deltas:
            assert delta.finish_reason is None, "the KV cache holds every step of the benchmark"
            self._num_tokens[delta.sequence_id] += len(delta.token_ids)
            self._decoding.add(delta.sequence_id)

    def end(self) -> None:
        for sequence_id in self._num_tokens:
            self._engine.abort(sequence_id)


def run_decode(
    engine: LLMEngine,
    prompts: list[list[int]],
    *,
    num_warmup_steps: int,
    num_steps: int,
    clock: Clock,
) -> DecodeRun:
    """Prefill, warm up, and time each of `num_steps` decode steps; the engine is empty then."""
    batch = DecodingBatch(engine, prompts)
    batch.prefill()
    for _ in range(num_warmup_steps):
        batch.step()
    step_seconds, context_tokens = [], 0
    for _ in range(num_steps):
        context_tokens += batch.num_tokens
        started_at = clock()
        batch.step()
        step_seconds.append(clock() - started_at)
    batch.end()
    return DecodeRun(len(prompts), tuple(step_seconds), context_tokens / num_steps)
