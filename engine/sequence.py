"""One sequence: its tokens, how many of them are computed, and where their keys and values lie."""

from enum import Enum, auto

from antiphon.engine.grammar import GrammarState, SequenceGrammar
from antiphon.engine.outputs import FinishReason
from antiphon.engine.sampling_params import SamplingParams


class SequenceStatus(Enum):
    WAITING = auto()
    RUNNING = auto()
    FINISHED = auto()


class Sequence:
    """A prompt that grows by sampled tokens.

    num_computed_tokens  tokens whose keys and values are in the cache; the scheduler's to raise.
    num_cached_tokens    of the prompt, those that were found in the cache at first admission.
    block_table          block ids, in the order of the tokens they hold.
    row                  of per-sequence device state, while it runs; None while it waits.
    seed                 of its sampling: the caller's, or one the engine drew.
    grammar              has taken exactly the output tokens, whatever else happens to the sequence.
    """

    def __init__(
        self,
        sequence_id: int,
        prompt_token_ids: list[int],
        params: SamplingParams,
        seed: int,
        grammar: SequenceGrammar | None = None,
    ) -> None:
        self.sequence_id = sequence_id
        self.token_ids = list(prompt_token_ids)
        self.num_prompt_tokens = len(prompt_token_ids)
        self.params = params
        self.seed = seed
        self.grammar = grammar
        self.status = SequenceStatus.WAITING
        self.finish_reason: FinishReason | None = None
        self.num_computed_tokens = 0
        self.num_cached_tokens: int | None = None
        self.block_table: list[int] = []
        self.block_hashes: list[bytes] = []
        self.row: int | None = None

    @property
    def num_tokens(self) -> int:
        return len(self.token_ids)

    @property
    def num_output_tokens(self) -> int:
        return len(self.token_ids) - self.num_prompt_tokens

    @property
    def output_token_ids(self) -> list[int]:
        return self.token_ids[self.num_prompt_tokens :]

    @property
    def num_missing_tokens(self) -> int:
        return self.num_tokens - self.num_computed_tokens

    @property
    def has_complete_grammar(self) -> bool:
        return self.grammar is not None and self.grammar.state is GrammarState.COMPLETE

    def append(self, token_id: int, max_sequence_len: int) -> None:
        """Take a sampled token; sets finish_reason when it is the last."""
        self.token_ids.append(token_id)
        if token_id in self.params.stop_token_ids:
            self.finish_reason = FinishReason.STOP
            return
        if self.grammar is not None:
            self.grammar.advance([token_id])
        if self.has_complete_grammar:
            self.finish_reason = FinishReason.GRAMMAR_END
        elif (
            self.num_output_tokens == self.params.max_tokens or self.num_tokens >= max_sequence_len
        ):
            self.finish_reason = FinishReason.LENGTH
