"""What a model that speaks qwen3 may say, well or badly, cut anywhere and ended in any way."""

from dataclasses import dataclass
from itertools import pairwise
from random import Random

from antiphon.engine.errors import EngineDied, GrammarFailed
from antiphon.engine.outputs import FinishReason
from antiphon.models.language_side import LanguageSide
from tests.fake_engine import Script


def _call(name: str, arguments: str) -> str:
    return f'<tool_call>\n{{"name": "{name}", "arguments": {arguments}}}\n</tool_call>'


THOUGHTS = "<think>\nHm, 世界?\n</think>\n\n"
CALLS = (
    *(_call("f", '{"a": "b\\n"}'), _call("g", '{"a":"ü"}'), _call("h", "{}")),
    *(_call("patch", '{"input": "x\\ny"}'), _call("word", '{"input": "abc"}')),
    *(_call("sum", '{"input": "1+1"}'), _call("agents__spawn", '{"a": "b"}')),
)
PIECES = (
    *("Hello", " wörld 👋🏽", "\n\n", "  ", "Zażółć.", '{"a": "b"}', "</think>", "<think>"),
    *(THOUGHTS, "<think> </think>", "<think>More.</think>"),
    *CALLS,
    *CALLS,
    *(_call("nobody", "{}"), _call("f", "[1]"), _call("f", '{"a": ]'), _call("", "{}")),
    *('<tool_call>{"name": "f", "arg', "<tool_call>", "</tool_call>", "<tool_", "Call f."),
)
ERRORS = (EngineDied("The engine ended."), GrammarFailed("It has no way on."))
ENDINGS: tuple[FinishReason | Exception | None, ...] = (
    *[FinishReason.STOP] * 6,
    *[FinishReason.LENGTH] * 2,
    *(FinishReason.GRAMMAR_END, None, *ERRORS),
)


@dataclass(frozen=True, slots=True)
class Output:
    """text: what is said. cuts: where, of 1.0, its tokens are cut into deltas."""

    text: str
    cuts: tuple[float, ...]
    ending: FinishReason | Exception | None

    def deltas(self, language_side: LanguageSide) -> list[list[int]]:
        """At least one. Characters and marks are cut like anything else."""
        token_ids = language_side.tokenizer.encode(self.text)
        places = sorted({int(cut * len(token_ids)) for cut in self.cuts} - {0})
        deltas = [token_ids[begin:end] for begin, end in pairwise([0, *places, len(token_ids)])]
        if self.ending is FinishReason.STOP:
            deltas[-1].append(language_side.generation_defaults.stop_token_ids[0])
        return deltas

    def script(self, language_side: LanguageSide) -> Script:
        deltas = self.deltas(language_side)
        if isinstance(self.ending, Exception):
            return Script(deltas, error=self.ending)
        return Script(deltas, self.ending)


def random_output(chance: Random) -> Output:
    opening = THOUGHTS if chance.random() < 0.3 else ""
    text = opening + "".join(chance.choices(PIECES, k=chance.randrange(7)))
    cuts = tuple(chance.random() for _ in range(chance.randrange(9)))
    return Output(text, cuts, chance.choice(ENDINGS))
