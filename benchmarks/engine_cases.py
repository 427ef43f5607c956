"""What `bench_engine` compares: its settings, its cases, and the rounds in which they alternate."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from antiphon.engine.config import EngineConfig, LoadFormat, Speculation
from benchmarks.contenders import EngineContender, GenerateContender
from benchmarks.rates import Rates
from benchmarks.timeline import Timeline

NUM_WARMUP_TOKENS = 4
BLOCK_SIZE = 16

# One case: batches that run one after the other, given the length of their answers in tokens.
Case = Callable[[int], list[Timeline]]


@dataclass(frozen=True, slots=True)
class Settings:
    """What one run is asked to do; lengths in tokens.

    concurrency      requests that arrive at once, one level after the other; the first level is 1,
                     which is one by one.
    single_requests  requests that are run one by one.
    """

    model: str
    load_format: LoadFormat
    dtype: str
    device: str
    prompt_tokens: int
    output_tokens: int
    concurrency: tuple[int, ...]
    single_requests: int
    repeats: int
    num_threads: int | None
    seed: int
    skip_generate: bool

    @property
    def num_prompts(self) -> int:
        return max(*self.concurrency, self.single_requests)

    @property
    def engine_config(self) -> EngineConfig:
        """The KV cache holds the requests of the highest level at once, and little more."""
        return EngineConfig(
            speculation=Speculation.OFF,
            model=self.model,
            load_format=self.load_format,
            dtype=self.dtype,
            device=self.device,
            # Admission wants one block to grow into for each sequence that already runs.
            max_model_len=self.prompt_tokens + self.output_tokens + BLOCK_SIZE,
            max_num_seqs=max(self.concurrency),
            block_size=BLOCK_SIZE,
            prefix_cache=False,
            num_threads=self.num_threads,
            seed=self.seed,
        )

    def engine_cases(self, engine: EngineContender, prompts: list[list[int]]) -> list[Case]:
        """One for each level of `concurrency`."""
        single = prompts[: self.single_requests]
        at_once = [concurrent_case(engine, prompts[:level]) for level in self.concurrency[1:]]
        return [single_case(engine, single), *at_once]


def single_case(contender: EngineContender | GenerateContender, prompts: list[list[int]]) -> Case:
    def one_by_one(max_tokens: int) -> list[Timeline]:
        return [contender.run([prompt], max_tokens) for prompt in prompts]

    return one_by_one


def concurrent_case(engine: EngineContender, prompts: list[list[int]]) -> Case:
    def at_once(max_tokens: int) -> list[Timeline]:
        return [engine.run(prompts, max_tokens)]

    return at_once


def measure(
    cases: Sequence[Case], *, max_tokens: int, repeats: int, note_round: Callable[[int], None]
) -> list[list[Rates]]:
    """Each case once a round, every other round backwards; short answers first, unmeasured.

    Returns rates as [num_cases][repeats]. `note_round` is told how many rounds are done.
    """
    for case in cases:
        case(NUM_WARMUP_TOKENS)
    rates: list[list[Rates]] = [[] for _ in cases]
    for index in range(repeats):
        note_round(index)
        order = list(zip(cases, rates, strict=True))
        for case, case_rates in order if index % 2 == 0 else reversed(order):
            case_rates.append(Rates.of(case(max_tokens)))
    note_round(repeats)
    return rates
