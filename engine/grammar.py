"""One sequence's place in its grammar: which tokens may come next, and when nothing may.

The grammar is text for llguidance: Lark in its dialect, or JSON {"grammars": [...]}.
Knows no tensors.
"""

from collections.abc import Sequence as Tokens
from concurrent.futures import Future
from enum import Enum, auto

import numpy as np
from llguidance import LLMatcher, LLParserLimits
from numpy.typing import NDArray

from antiphon.engine.errors import InvalidGrammar
from antiphon.engine.grammar_vocabulary import GrammarVocabulary

Mask = NDArray[np.uint8]

MAX_SOURCE_LEN = 500_000  # characters
MAX_MESSAGE_LEN = 500
NO_WAY_ON = "No token of the model's leads on."
DEAD_END = "NoExtensionBias"  # llguidance's word for it
# One mask then takes 20 ms at worst on a grammar made for it; an ordinary one takes 0.1 ms.
LIMITS = LLParserLimits(
    initial_lexer_fuel=1_000_000,
    step_lexer_fuel=200_000,
    step_max_items=50_000,
    max_lexer_states=50_000,
    max_grammar_size=200_000,
    verbose_errors=False,
)


class GrammarState(Enum):
    OPEN = auto()  # more tokens may come
    COMPLETE = auto()  # the text is whole, and nothing may follow
    FAILED = auto()  # no token leads on, or a limit was hit; `failure` says which


class SequenceGrammar:
    """Follows the tokens of one output.

    Its next mask may be computed by a job in another thread: everything public waits for that job.

    stop_token_ids  end the sequence, and are allowed wherever the text may end.
    failure         why the state is FAILED; one line for the user.
    """

    def __init__(
        self, matcher: LLMatcher, vocabulary: GrammarVocabulary, stop_token_ids: tuple[int, ...]
    ) -> None:
        self.matcher = matcher
        self.failure = ""
        self._vocabulary = vocabulary
        # The model may have rows that the vocabulary lacks: they are never allowed.
        self._stop_token_ids = [id_ for id_ in stop_token_ids if id_ < vocabulary.size]
        self._state = GrammarState.OPEN
        self._mask: Mask = np.zeros(vocabulary.mask_bytes, np.uint8)
        self._job: Future[None] | None = None

    @property
    def mask_bytes(self) -> int:
        return self._vocabulary.mask_bytes

    @property
    def state(self) -> GrammarState:
        self._settle()
        return self._state

    @property
    def mask(self) -> Mask:
        """[mask_bytes], one bit a token, for the token that comes next.

        Where there is none all bits are set: the state says why, and what is sampled is dropped.
        """
        self._settle()
        return self._mask

    def advance(self, token_ids: Tokens[int]) -> None:
        """Take sampled tokens. Microseconds; the mask is out of date then."""
        self._settle()
        self.matcher.consume_tokens(list(token_ids))
        self._note_state()

    def rollback(self, num_tokens: int) -> None:
        """Forget the last tokens; the mask is out of date then."""
        self._settle()
        self.matcher.rollback(num_tokens)
        self._note_state()

    def compute_mask(self) -> None:
        """For what comes next, at once: 0.1 ms, most of it without the interpreter's lock."""
        self._settle()
        self.take_mask(np.frombuffer(self.matcher.compute_bitmask(), np.uint8).copy())

    def expect_mask(self, job: "Future[None]") -> None:
        """`job` will call `take_mask` with the next mask."""
        self._job = job

    def take_mask(self, mask: Mask) -> None:
        """Finish what llguidance has computed: stop tokens in, its own end out."""
        self._note_state()
        _clear(mask, self._vocabulary.size)
        is_accepting = self.matcher.is_accepting()
        if is_accepting:
            for token_id in self._stop_token_ids:
                mask[token_id // 8] |= 1 << token_id % 8
        if self._state is GrammarState.OPEN and not mask.any():
            # Without a stop token the end can be the only way on, and only the mask shows it.
            self._state = GrammarState.COMPLETE if is_accepting else GrammarState.FAILED
            self.failure = "" if is_accepting else NO_WAY_ON
        if self._state is not GrammarState.OPEN:
            mask[:] = 0xFF
        self._mask = mask

    def _settle(self) -> None:
        job, self._job = self._job, None
        error = job.exception() if job is not None else None
        if error is not None:
            self._state, self.failure = GrammarState.FAILED, f"The matcher broke: {error}"

    def _note_state(self) -> None:
        if self.matcher.is_error():
            self._state, self.failure = GrammarState.FAILED, readable(self.matcher.get_error())
        else:
            is_complete = self.matcher.is_stopped()
            self._state = GrammarState.COMPLETE if is_complete else GrammarState.OPEN


class GrammarCompiler:
    """Grammars for the tokens of one vocabulary."""

    def __init__(self, vocabulary: GrammarVocabulary) -> None:
        self.vocabulary = vocabulary

    def compile(self, source: str, stop_token_ids: tuple[int, ...] = ()) -> SequenceGrammar:
        """With its first mask. Milliseconds for ordinary grammars, seconds for hostile ones.

        Raises InvalidGrammar when it is wrong, too large or can't be satisfied.
        """
        if len(source) > MAX_SOURCE_LEN:
            raise InvalidGrammar(
                f"The grammar has {len(source)} characters, but at most {MAX_SOURCE_LEN} may be."
            )
        matcher = LLMatcher(self.vocabulary.backend, source, log_level=0, limits=LIMITS)
        if matcher.is_error():
            raise InvalidGrammar(readable(matcher.get_error()))
        grammar = SequenceGrammar(matcher, self.vocabulary, stop_token_ids)
        grammar.compute_mask()
        if grammar.state is GrammarState.FAILED:
            raise InvalidGrammar(f"Nothing satisfies the grammar: {grammar.failure}")
        return grammar


def readable(message: str) -> str:
    """llguidance's word without the dump of its state."""
    words = message.split("<state>")[0].split("<non-verbose/>")[0].strip()
    return NO_WAY_ON if words == DEAD_END else words[:MAX_MESSAGE_LEN]


def _clear(mask: Mask, token_id: int) -> None:
    mask[token_id // 8] &= 0xFF ^ 1 << token_id % 8
