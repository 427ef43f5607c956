"""The grammar of a whole output: thinking first, if the model thinks, then what was demanded."""

from collections.abc import Mapping

from antiphon.models.dialects.call_grammar import CallGrammar
from antiphon.models.dialects.demand import CallDemand, Demand
from antiphon.models.dialects.dialect import Dialect, HarmonyBody, Tags
from antiphon.models.dialects.lark import ANY_TEXT, LarkSource, any_of
from antiphon.models.dialects.schema_closing import closed

LINE_ENDS = r"/\n\n?/"
FINAL_MESSAGE = "<|channel|>final<|message|>"
HEADER_OPENERS = ("<|start|>", "<|channel|>")


def output_grammar(
    dialect: Dialect,
    demand: Demand,
    *,
    special_tokens: Mapping[str, int],
    opens_reasoning: bool,
) -> str:
    """A grammar for llguidance.

    special_tokens   the tokenizer's, by their texts: they are tokens of their own in the grammar.
    opens_reasoning  whether the prompt ends inside the model's thinking.
    """
    writer = _OutputGrammar(dialect, demand, LarkSource(special_tokens))
    return writer.source(opens_reasoning)


class _OutputGrammar:
    def __init__(self, dialect: Dialect, demand: Demand, lark: LarkSource) -> None:
        self._dialect = dialect
        self._demand = demand
        self._lark = lark
        self._spelling = dialect.spelling

    def source(self, opens_reasoning: bool) -> str:
        reasoning = self._reasoning(opens_reasoning)
        return self._lark.source(f"{reasoning} {self._answer()}".strip())

    def _reasoning(self, is_open: bool) -> str:
        if not self._dialect.reasoning:
            return ""
        tags = self._dialect.reasoning[0]
        space = "" if self._is_harmony else f"({LINE_ENDS})?"
        thinking = f"{self._lark.text_until(tags.close, self._call_openers)} {space}".strip()
        if is_open:
            return self._lark.rule(thinking)
        return f"{self._lark.rule(f'{self._lark.literal(tags.open)} {thinking}')}?"

    def _answer(self) -> str:
        demand = self._demand
        if demand.calls is CallDemand.REQUIRED:
            return self._calls()
        options = [self._text()]
        if demand.calls is CallDemand.ALLOWED and demand.tools:
            options.append(self._calls() if demand.text_schema else self._calls_behind_text())
        return self._lark.rule(any_of(options))

    def _calls(self) -> str:
        grammar = CallGrammar(self._lark, self._dialect, self._spelling)
        return grammar.turn(self._demand.tools, is_parallel=self._demand.is_parallel)

    def _calls_behind_text(self) -> str:
        """What a model may say first ends where its calls begin."""
        if not self._call_openers or self._is_harmony:
            return self._calls()
        text = self._plain_text()
        return self._lark.rule(f"({text})? {self._calls()}")

    def _text(self) -> str:
        if self._demand.text_schema is None:
            return self._enclosed(f"({self._plain_text()})?")
        return self._enclosed(self._lark.json(closed(self._demand.text_schema)))

    def _plain_text(self) -> str:
        """Text that is not taken for a call."""
        if self._call_openers:
            return self._lark.text_without(self._call_openers)
        return self._lark.terminal(f"{ANY_TEXT} & ~/[ \\n]*[\\[{{](?s:.*)/")

    def _enclosed(self, text: str) -> str:
        if self._is_harmony:
            return self._lark.rule(f"{self._lark.literal(FINAL_MESSAGE)} {text}")
        tags = next(iter(self._dialect.answers), Tags("", ""))
        opening, closing = self._optional(tags.open), self._optional(tags.close)
        return self._lark.rule(f"{opening} {text} {closing}".strip())

    @property
    def _is_harmony(self) -> bool:
        return isinstance(self._dialect.body, HarmonyBody)

    def _optional(self, text: str) -> str:
        return f"({self._lark.literal(text)})?" if text else ""

    @property
    def _call_openers(self) -> tuple[str, ...]:
        """What begins a call; none where calls are written without any mark."""
        if self._is_harmony:
            return HEADER_OPENERS
        dialect = self._dialect
        openers = [tags.open for tags in (*dialect.calls, *dialect.sections) if tags.open]
        is_marked = self._spelling.first + self._spelling.begin
        openers += dialect.bare_calls
        return tuple(openers) if is_marked.startswith(tuple(openers)) and openers else ()
