"""An engine that begins a step before it has read the last one says what any other says."""

from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import HealthCheck, given, settings

from antiphon.engine.batches import is_decode
from antiphon.engine.llm_engine import LLMEngine
from antiphon.engine.outputs import FinishReason
from antiphon.engine.sampling_params import SamplingParams
from antiphon.engine.scheduler import ScheduledSequence
from antiphon.engine.step_sample import RunningStep, StepSample
from tests.engine.test_random_engines import ARRIVALS, MEMORY, OPTIONS, Arrival, check
from tests.engines import FakeRunner, fake_engine, next_token, run


@dataclass
class LateStep:
    """Keeps its tokens back until somebody asks."""

    scheduled: list[ScheduledSequence]
    token_ids: list[int]
    note_read: Callable[[], None]
    can_be_followed: bool = True

    def result(self) -> StepSample:
        self.note_read()
        return StepSample(self.scheduled, self.token_ids, {})


@dataclass
class LateRunner:
    """A device: it knows what it has said before the engine does. Other steps are a `FakeRunner`'s.

    events  "run" and "read", in the order in which they came.
    """

    events: list[str] = field(default_factory=list)
    eager: FakeRunner = field(default_factory=FakeRunner)
    known: dict[int, list[int]] = field(default_factory=dict)

    def run(self, scheduled: list[ScheduledSequence]) -> RunningStep:
        self.events.append("run")
        if not all(map(is_decode, scheduled)):
            self.events.append("read")
            return self.eager.run(scheduled)
        return LateStep(scheduled, [self._say(entry) for entry in scheduled], self._note_read)

    def _note_read(self) -> None:
        self.events.append("read")

    def _say(self, entry: ScheduledSequence) -> int:
        sequence = entry.sequence
        token_ids = list(sequence.token_ids)
        if sequence.num_computed_tokens == len(token_ids):
            token_ids = self.known[sequence.sequence_id]
        assert len(token_ids) == sequence.num_computed_tokens + 1
        assert len(sequence.block_table) > 0, "what it computes has a place"
        token_id = next_token(token_ids)
        self.known[sequence.sequence_id] = [*token_ids, token_id]
        return token_id


def begun_early(runner: LateRunner) -> int:
    """Steps that were run while one before them was not read."""
    num_unread, num_early = 0, 0
    for event in runner.events:
        num_early += event == "run" and num_unread > 0
        num_unread += 1 if event == "run" else -1
    return num_early


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(arrivals=ARRIVALS, options=OPTIONS, memory=MEMORY)
def test_whatever_happens_the_tokens_are_those_of_one_step_after_the_other(
    arrivals: list[Arrival], options: dict[str, int], memory: int
) -> None:
    def make(**made_with: object) -> LLMEngine:
        return fake_engine(LateRunner(), **made_with)  # type: ignore[arg-type]

    def alone(arrival: Arrival) -> list[int]:
        engine = fake_engine(FakeRunner(), num_blocks=512)
        return run(engine, {0: list(arrival.prompt)}, arrival.params)[0].token_ids

    check(make, alone, arrivals, options, memory)


def test_while_nothing_changes_every_step_begins_before_the_last_is_read() -> None:
    runner = LateRunner()
    run(fake_engine(runner), {0: [1, 2], 1: [3]}, SamplingParams(max_tokens=10))
    # The prompts' step is read at once, and so is the first decode; none follows the last.
    assert begun_early(runner) == 8
    assert runner.events.count("run") == 10, "nothing was computed in vain"


def test_what_follows_a_stop_token_is_dropped_and_its_blocks_are_free() -> None:
    runner = LateRunner()
    first = next_token([1, 2])
    second = next_token([1, 2, first])
    third = next_token([1, 2, first, second])
    engine = fake_engine(runner)
    outputs = run(engine, {0: [1, 2]}, SamplingParams(stop_token_ids=(third,)))
    assert outputs[0].token_ids == [first, second, third]
    assert outputs[0].finish_reason is FinishReason.STOP
    assert runner.events.count("run") == 4
    assert engine.stats().num_free_blocks == engine.stats().num_blocks
    assert run(engine, {1: [1, 2]}, SamplingParams(max_tokens=1))[1].token_ids == [first]


def test_nothing_is_begun_early_while_a_prompt_could_join() -> None:
    runner = LateRunner()
    engine = fake_engine(runner)
    engine.add(0, [1, 2], SamplingParams(max_tokens=10))
    for _ in range(3):
        engine.step()
    early = begun_early(runner)
    engine.add(1, [5], SamplingParams(max_tokens=10))
    engine.step()
    assert runner.events[-1] == "read", "the step that was under way is read, and none is begun"
    assert {delta.sequence_id for delta in engine.step().deltas} == {0, 1}
    assert begun_early(runner) == early


def test_those_who_wait_for_a_row_hold_up_nobody() -> None:
    runner = LateRunner()
    engine = fake_engine(runner, max_num_seqs=1)
    outputs = run(engine, {0: [1], 1: [2]}, SamplingParams(max_tokens=10))
    assert begun_early(runner) == 16
    assert all(len(output.token_ids) == 10 for output in outputs.values())
