"""Engines for tests: over a scripted runner that needs no model, or over a real tiny network."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, PreTrainedModel

from antiphon.engine.block_manager import BlockManager
from antiphon.engine.grammar import GrammarCompiler, SequenceGrammar
from antiphon.engine.llm_engine import LLMEngine, ModelRunner
from antiphon.engine.model_runner import NetworkRunner
from antiphon.engine.outputs import FinishReason, TokenLogprobs
from antiphon.engine.places import Places
from antiphon.engine.rows import Rows
from antiphon.engine.sampling_params import SamplingParams
from antiphon.engine.scheduler import ScheduledSequence, Scheduler
from antiphon.engine.sequence import Sequence
from antiphon.engine.speculator import Speculator
from antiphon.engine.step_sample import StepSample
from antiphon.models.loader import load_model
from antiphon.models.network import Network
from antiphon.models.progress import ignore_progress

CPU = torch.device("cpu")


def next_token(token_ids: list[int]) -> int:
    """What `FakeRunner` says after these tokens: any of them, and their order, changes it."""
    state = 7
    for token_id in token_ids:
        state = (state * 31 + token_id) % 10_007
    return state % 97


@dataclass
class FakeRunner:
    """Says `next_token` of everything before; remembers what each step computed.

    A forgetful one goes by the last token alone, and therefore soon repeats itself.
    """

    is_forgetful: bool = False
    steps: list[list[tuple[int, int]]] = field(default_factory=list)

    def run(self, scheduled: list[ScheduledSequence]) -> StepSample:
        self.steps.append(
            [(entry.sequence.sequence_id, entry.num_scheduled_tokens) for entry in scheduled]
        )
        sampled = [entry for entry in scheduled if entry.is_sampled]
        token_ids = [
            self.says([*entry.sequence.token_ids, *entry.draft_token_ids[:count]])
            for entry in sampled
            for count in range(len(entry.draft_token_ids) + 1)
        ]
        return StepSample(sampled, token_ids, {})

    def says(self, token_ids: list[int]) -> int:
        return next_token(token_ids[-1:]) % 7 if self.is_forgetful else next_token(token_ids)


def fake_engine(
    runner: ModelRunner,
    *,
    num_blocks: int = 64,
    block_size: int = 4,
    max_num_seqs: int = 8,
    max_num_batched_tokens: int = 32,
    prefix_cache: bool = True,
    chunked_prefill: bool = True,
    speculation_max_batch: int = 0,
    clock: Callable[[], float] = lambda: 0.0,
) -> LLMEngine:
    """A `speculation_max_batch` of 0 switches speculation off."""
    blocks = BlockManager(num_blocks, block_size, prefix_cache=prefix_cache)
    scheduler = Scheduler(
        blocks,
        max_num_seqs=max_num_seqs,
        max_num_batched_tokens=max_num_batched_tokens,
        chunked_prefill=chunked_prefill,
        speculator=Speculator(speculation_max_batch),
    )
    return LLMEngine(
        blocks, scheduler, runner, max_sequence_len=num_blocks * block_size, clock=clock
    )


def places_of(sequences: list[Sequence]) -> Places:
    """Where each is sampled, without drafts."""
    for row, sequence in enumerate(sequences):
        sequence.row = row
    rows = Rows()
    rows.update(sequences)
    return Places.of([ScheduledSequence(sequence, 1, True) for sequence in sequences], rows)


def generate(
    folder: Path,
    prompts: Mapping[int, list[int]],
    *,
    max_tokens: int,
    stop_token_id: int | None = None,
    device: torch.device = CPU,
) -> dict[int, list[int]]:
    """What transformers says in float32, one prompt after the other."""
    reference: Any = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, device_map={"": device}
    )
    outputs = {}
    for index, prompt in prompts.items():
        token_ids = torch.tensor([prompt], device=device)
        output = reference.generate(
            token_ids,
            attention_mask=torch.ones_like(token_ids),
            max_new_tokens=max_tokens,
            do_sample=False,
            eos_token_id=stop_token_id,
            pad_token_id=0,
        )
        outputs[index] = output[0, len(prompt) :].tolist()
    return outputs


def load_float32(folder: Path, device: torch.device = CPU) -> PreTrainedModel:
    """The folder's model, its attention ours."""
    return load_model(
        folder,
        device=device,
        dtype=torch.float32,
        trust_remote_code=False,
        allow_pickle=False,
        progress=ignore_progress,
    )


def network_engine(
    model: PreTrainedModel,
    *,
    num_blocks: int = 256,
    block_size: int = 4,
    max_num_seqs: int = 64,
    max_num_batched_tokens: int = 512,
    prefix_cache: bool = True,
    speculation_max_batch: int = 0,
    clock: Callable[[], float] = lambda: 0.0,
) -> LLMEngine:
    # A network changes its model: the caller's may serve several.
    network = Network(copy.deepcopy(model), max_state_rows=max_num_seqs)
    network.allocate_kv(num_blocks + 1, block_size)
    return fake_engine(
        NetworkRunner(network, block_size),
        num_blocks=num_blocks,
        block_size=block_size,
        max_num_seqs=max_num_seqs,
        max_num_batched_tokens=max_num_batched_tokens,
        prefix_cache=prefix_cache,
        speculation_max_batch=speculation_max_batch,
        clock=clock,
    )


@dataclass
class Output:
    """Everything an engine said of one sequence."""

    token_ids: list[int] = field(default_factory=list)
    finish_reason: FinishReason | None = None
    num_cached_tokens: int = 0
    logprobs: list[TokenLogprobs] = field(default_factory=list)
    failure: str | None = None


def run(
    engine: LLMEngine,
    prompts: Mapping[int, list[int]],
    params: SamplingParams,
    compiler: GrammarCompiler | None = None,
) -> dict[int, Output]:
    """Run all prompts to their ends, together; the books are checked after every step.

    A grammar in `params` takes a compiler.
    """
    return run_each(engine, {id_: (prompt, params) for id_, prompt in prompts.items()}, compiler)


def run_each(
    engine: LLMEngine,
    sequences: Mapping[int, tuple[list[int], SamplingParams]],
    compiler: GrammarCompiler | None = None,
) -> dict[int, Output]:
    """The same, every prompt with parameters of its own."""
    for sequence_id, (prompt, params) in sequences.items():
        engine.add(sequence_id, prompt, params, compile_grammar(params, compiler))
    return drain(engine)


def compile_grammar(
    params: SamplingParams, compiler: GrammarCompiler | None
) -> SequenceGrammar | None:
    if params.grammar is None or compiler is None:
        return None
    return compiler.compile(params.grammar, params.stop_token_ids)


def drain(engine: LLMEngine) -> dict[int, Output]:
    outputs: dict[int, Output] = {}
    while engine.has_unfinished:
        step = engine.step()
        for delta in step.deltas:
            output = outputs.setdefault(delta.sequence_id, Output())
            assert output.finish_reason is None, "nothing comes after the last delta"
            output.token_ids += delta.token_ids
            output.finish_reason = delta.finish_reason
            output.num_cached_tokens = delta.num_cached_tokens
            output.logprobs += delta.logprobs
        for failure in step.failures:
            outputs.setdefault(failure.sequence_id, Output()).failure = failure.message
        engine.check_integrity()
    return outputs


def random_prompts(lengths: list[int], *, vocab_size: int, seed: int = 0) -> dict[int, list[int]]:
    generator = torch.Generator().manual_seed(seed)
    return {
        index: torch.randint(3, vocab_size, (length,), generator=generator).tolist()
        for index, length in enumerate(lengths)
    }
