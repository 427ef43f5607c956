"""One sequence: its tokens, how many of them are computed, and where their keys and values lie."""

import sys
from enum import Enum, auto

from antiphon.engine.grammar import GrammarState, SequenceGrammar
from antiphon.engine.outputs import FinishReason
from antiphon.engine.sampling_params import SamplingParams
from antiphon.engine.speculation import SequenceSpeculation
from antiphon.engine.token_history import TokenHistory


class SequenceStatus(Enum):
    WAITING = auto()
    RUNNING = auto()
    FINISHED = auto()


class Sequence:
    """A prompt that grows by sampled tokens.

    num_computed_tokens   tokens whose keys and values are in the cache; the scheduler's to raise.
    num_cached_tokens     of the prompt, those that were found in the cache at first admission.
    max_len               tokens of prompt and output at which it ends with LENGTH.
    due_at                its place in the line: the clock's time at which its patience ends.
    cache_salt            sequences of different salts share no blocks.
    block_table           block ids, in the order of the tokens they hold. A new list whenever it
                          does anything but grow, so that copies of it know.
    block_hashes          of its full blocks, as far as anybody has asked; for life.
    num_published_blocks  of the block table, those that others can find.
    row                   of per-sequence device state, while it runs; None while it waits.
    seed                  of its sampling: the caller's, or one the engine drew.
    grammar               has taken exactly the output tokens, whatever else happens.
    history               has, too; None where no penalty asks for it.
    speculation           what its drafts are made from; None until there were any.
    """

    __slots__ = (
        "block_hashes",
        "block_table",
        "cache_salt",
        "due_at",
        "finish_reason",
        "grammar",
        "history",
        "max_len",
        "num_cached_tokens",
        "num_computed_tokens",
        "num_prompt_tokens",
        "num_published_blocks",
        "params",
        "row",
        "seed",
        "sequence_id",
        "speculation",
        "status",
        "token_ids",
    )

    def __init__(
        self,
        sequence_id: int,
        prompt_token_ids: list[int],
        params: SamplingParams,
        seed: int,
        grammar: SequenceGrammar | None = None,
        *,
        max_sequence_len: int = sys.maxsize,
        due_at: float = 0.0,
        cache_salt: str = "",
    ) -> None:
        self.sequence_id = sequence_id
        self.token_ids = list(prompt_token_ids)
        self.num_prompt_tokens = len(prompt_token_ids)
        self.params = params
        self.seed = seed
        self.grammar = grammar
        self.max_len = min(
            max_sequence_len, self.num_prompt_tokens + (params.max_tokens or sys.maxsize)
        )
        self.due_at = due_at
        self.cache_salt = cache_salt
        self.status = SequenceStatus.WAITING
        self.finish_reason: FinishReason | None = None
        self.num_computed_tokens = 0
        self.num_cached_tokens: int | None = None
        self.block_table: list[int] = []
        self.block_hashes: list[bytes] = []
        self.num_published_blocks = 0
        self.row: int | None = None
        self.history = TokenHistory(self.token_ids, params) if params.has_penalties else None
        self.speculation: SequenceSpeculation | None = None

    @property
    def num_tokens(self) -> int:
        return len(self.token_ids)

    @property
    def num_output_tokens(self) -> int:
        return len(self.token_ids) - self.num_prompt_tokens

    @property
    def num_missing_tokens(self) -> int:
        return len(self.token_ids) - self.num_computed_tokens

    @property
    def turn(self) -> tuple[float, int]:
        """Orders the line: the smallest is served first and preempted last."""
        return self.due_at, self.sequence_id

    @property
    def has_complete_grammar(self) -> bool:
        return self.grammar is not None and self.grammar.state is GrammarState.COMPLETE

    def append(self, token_id: int) -> None:
        """Take a sampled token; sets finish_reason when it is the last."""
        self.token_ids.append(token_id)
        if token_id in self.params.stop_token_ids:
            self.finish_reason = FinishReason.STOP
            return
        if self.history is not None:
            self.history.append(token_id)
        if self.grammar is not None:
            self.grammar.advance([token_id])
            if self.has_complete_grammar:
                self.finish_reason = FinishReason.GRAMMAR_END
                return
        if len(self.token_ids) >= self.max_len:
            self.finish_reason = FinishReason.LENGTH
