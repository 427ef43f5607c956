"""Prompts of about a wanted length in tokens, made of pseudo-random words.

Every prompt differs from the first word after the shared prefix on, so that a server's prefix cache
can only reuse what is meant to be shared.
"""

from dataclasses import dataclass
from random import Random

_TEXT = """
time year people way day man thing woman life child world school state family student group
country problem hand part place case week company system program question work government number
night point home water room mother area money story fact month lot right study book eye job word
business issue side kind head house service friend father power hour game line end member law car
city community name president team minute idea body information back parent face others level
office door health person art war history party result change morning reason research girl guy
moment air teacher force education foot boy age policy music market sense nation plan college
interest death experience effect use class control field development role effort rate heart drug
show leader light voice wife police mind price report decision son view relationship town road arm
difference value building action season society tax director position player record paper space
ground form event official matter center couple site project activity star table need court oil
situation cost industry figure street image phone data picture practice piece land product doctor
wall worker news test movie north love step structure camera garden river mountain forest winter
summer ocean island village bridge engine letter window kitchen dinner bread coffee sugar orange
silver yellow purple simple gentle quiet sudden distant early modern public private common local
"""
WORDS = tuple(_TEXT.split())  # common ones: about one token each in most vocabularies


@dataclass(frozen=True, slots=True)
class Calibration:
    """How a server counts our words: `overhead_tokens` is what its chat template adds."""

    tokens_per_word: float
    overhead_tokens: float
    is_measured: bool

    def words_for(self, tokens: float) -> int:
        """At least one: an empty prompt is an error on most servers."""
        return max(1, round(tokens / self.tokens_per_word))


UNCALIBRATED = Calibration(tokens_per_word=1.0, overhead_tokens=0.0, is_measured=False)


def calibrate(shorter: tuple[int, int | None], longer: tuple[int, int | None]) -> Calibration:
    """From two prompts' (words, input tokens); `UNCALIBRATED` if the server counts nothing."""
    (words, tokens), (more_words, more_tokens) = shorter, longer
    if tokens is None or more_tokens is None or more_tokens <= tokens:
        return UNCALIBRATED
    tokens_per_word = (more_tokens - tokens) / (more_words - words)
    overhead_tokens = max(0.0, tokens - words * tokens_per_word)
    return Calibration(tokens_per_word, overhead_tokens, is_measured=True)


@dataclass(frozen=True, slots=True)
class PromptWriter:
    """Writes the prompts of one run: `prefix_tokens` that all share, then `prompt_tokens` more.

    The template's tokens are among `prompt_tokens`. The same seed and label give the same prompt.
    """

    seed: int
    prompt_tokens: int
    prefix_tokens: int
    calibration: Calibration

    def write(self, label: str) -> str:
        own_tokens = self.prompt_tokens - self.calibration.overhead_tokens
        own = random_words(f"{self.seed} {label}", self.calibration.words_for(own_tokens))
        if not self.prefix_tokens:
            return own
        num_shared = self.calibration.words_for(self.prefix_tokens)
        return f"{random_words(f'{self.seed} shared', num_shared)} {own}"


def random_words(seed: str, count: int) -> str:
    return " ".join(Random(seed).choices(WORDS, k=count))
