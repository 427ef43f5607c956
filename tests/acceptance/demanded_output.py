"""What a sequence may write: the grammar that the engine was given, asked about whole texts."""

from llguidance import LLMatcher

from antiphon.engine.grammar import GrammarCompiler
from antiphon.engine.grammar_vocabulary import GrammarVocabulary
from antiphon.models.language_side import LanguageSide
from tests.fake_engine import FakeGeneration


class DemandedOutput:
    """Of one sequence; the engine's sampler lets nothing else through."""

    def __init__(self, generation: FakeGeneration, language_side: LanguageSide) -> None:
        self.grammar = generation.params.grammar
        self._tokenizer = language_side.tokenizer

    def allows(self, text: str) -> bool:
        """Whether the output may be this text and nothing more."""
        if self.grammar is None:
            return True
        matcher = self._matcher(self.grammar)
        token_ids = self._tokenizer.encode(text)
        if matcher.validate_tokens(token_ids) < len(token_ids):
            return False
        matcher.consume_tokens(token_ids)
        return matcher.is_accepting()

    def _matcher(self, grammar: str) -> LLMatcher:
        return GrammarCompiler(GrammarVocabulary.of(self._tokenizer)).compile(grammar).matcher
