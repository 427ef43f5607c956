"""Which dialect a model speaks: asked of its chat template, not of its name.

The rungs, from the surest down: the user's word; a round trip, a probe turn that the template
writes and the dialect reads back; a dialect's markers in the template or among the tokens; the
tokenizer's own response template; a pair of thinking tags; nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from antiphon.models.ability_probe import probe_abilities
from antiphon.models.chat_template import ChatTemplate
from antiphon.models.dialect_evidence import Evidence, num_misspelled
from antiphon.models.dialects.dialect import Dialect
from antiphon.models.dialects.registry import DIALECTS, dialect_named
from antiphon.models.probe_turn import ProbeTurn, write_probe_turn
from antiphon.models.response_template import dialect_of
from antiphon.models.round_trip import ReadBack, read_back
from antiphon.models.template_abilities import TemplateAbilities
from antiphon.models.template_probe import QUESTION, TOOLS, TemplateProbe
from antiphon.models.tokenizer import Tokenizer

# For models that nothing else fits; many dialects' calls are theirs too.
THINK, PLAIN = "think", "plain"


@dataclass(frozen=True, slots=True)
class DetectedDialect:
    """reason: one sentence for the log. abilities: None without a chat template."""

    dialect: Dialect
    reason: str
    abilities: TemplateAbilities | None


def detect_dialect(
    template: ChatTemplate | None,
    tokenizer: Tokenizer | None,
    *,
    response_template: Mapping[str, Any] | None = None,
    override: str | None = None,
) -> DetectedDialect:
    """`response_template` is that of tokenizer_config.json, `override` a dialect's name.

    Raises UnknownDialect for an override that is none.
    """
    abilities = None if template is None else probe_abilities(template)
    probe = None if template is None else TemplateProbe(template)
    turn = None if probe is None or abilities is None else write_probe_turn(probe, abilities)
    if override is not None:
        dialect = dialect_named(override)
        return DetectedDialect(dialect, _reason_of_choice(turn, dialect), abilities)
    evidence = Evidence(_text(probe, turn), tokenizer)
    rungs = _rungs(turn, evidence, response_template or {})
    dialect, reason = next(rungs, (DIALECTS[PLAIN], "nothing was recognised"))
    return DetectedDialect(dialect, reason, abilities)


def _reason_of_choice(turn: ProbeTurn | None, dialect: Dialect) -> str:
    """The user has the last word, and is told what the round trip says to it."""
    if turn is None:
        return "chosen by the user"
    read = read_back(turn, dialect)
    verdict = "it does not read what the template writes" if read is None else read
    return f"chosen by the user; round trip: {verdict}"


def _rungs(
    turn: ProbeTurn | None, evidence: Evidence, response_template: Mapping[str, Any]
) -> Iterator[tuple[Dialect, str]]:
    """What was found, the surest first."""
    yield from _marked(evidence) if turn is None else _round_trip(turn, evidence)
    declared = dialect_of(response_template)
    if declared is not None:
        yield declared, "the tokenizer's response template says so"
    for dialect in (DIALECTS[THINK], *_particular()):
        if evidence.has_reasoning(dialect):
            yield dialect, "only its thinking tags were recognised"


def _round_trip(turn: ProbeTurn, evidence: Evidence) -> Iterator[tuple[Dialect, str]]:
    candidates = [(dialect, read_back(turn, dialect)) for dialect in _particular()]
    fitting = [(dialect, read) for dialect, read in candidates if read is not None]

    def rank(fit: tuple[Dialect, ReadBack]) -> tuple[object, ...]:
        dialect, read = fit
        spelled = -num_misspelled(turn, dialect)
        return read.reasoning, -read.num_text_characters, spelled, evidence.weight(dialect)

    if fitting:
        dialect, read = max(fitting, key=rank)  # the first of equals, as the table has them
        yield dialect, f"round trip: {read}"


def _marked(evidence: Evidence) -> Iterator[tuple[Dialect, str]]:
    """Only for templates that show no calls: a turn that nobody read back speaks against all."""
    marked = [dialect for dialect in _particular() if evidence.has_call(dialect)]
    if marked:
        yield max(marked, key=evidence.weight), "its markers are in the template or the vocabulary"


def _particular() -> Iterable[Dialect]:
    return (dialect for name, dialect in DIALECTS.items() if name not in (THINK, PLAIN))


def _text(probe: TemplateProbe | None, turn: ProbeTurn | None) -> str:
    if probe is None:
        return ""
    prompt = probe.render([probe.message("user", QUESTION)], tools=TOOLS)
    return "\n".join([probe.source, prompt, "" if turn is None else turn.generated])
