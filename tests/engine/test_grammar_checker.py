"""Grammars of callers, hostile ones among them, checked in a process that may die of them."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from antiphon.engine.errors import EngineUnavailable, InvalidGrammar
from antiphon.engine.grammar_checker import GrammarChecker
from tests.grammars import WEATHER
from tests.tiny import train_tokenizer

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def checker(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[GrammarChecker]:
    checker = GrammarChecker(train_tokenizer(tmp_path_factory.mktemp("tiny") / "tokenizer"))
    await checker.start()
    yield checker
    await checker.stop()


def rule_chain(length: int) -> str:
    rules = [f'r{index}: r{index + 1} "x"' for index in range(length)]
    return "\n".join(["start: r0", *rules, f'r{length}: "a"'])


def multiples(*divisors: int) -> str:
    schema = {"allOf": [{"type": "integer", "multipleOf": divisor} for divisor in divisors]}
    return json.dumps({"grammars": [{"json_schema": schema}]})


async def test_what_can_be_followed_passes_and_what_cannot_is_refused_with_a_reason(
    checker: GrammarChecker,
) -> None:
    await checker.check(WEATHER)
    await checker.check("start: <|im_end|>")
    with pytest.raises(InvalidGrammar, match="missing"):
        await checker.check("start: missing")
    with pytest.raises(InvalidGrammar, match="characters"):
        await checker.check("x" * 2_000_000)


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(rule_chain(10_000), id="overflows the stack"),
        pytest.param(multiples(9973, 9967, 9949, 9941), id="takes forever, and all memory"),
    ],
)
async def test_a_grammar_that_kills_its_process_is_refused_and_the_next_one_checked(
    checker: GrammarChecker, source: str
) -> None:
    with pytest.raises(InvalidGrammar, match="too long or too much memory"):
        await checker.check(source)
    await checker.check(WEATHER)


async def test_a_process_that_was_ended_by_somebody_else_is_replaced(
    checker: GrammarChecker,
) -> None:
    others = set(psutil.Process().children())  # such as multiprocessing's own
    await checker.check(WEATHER)
    for child in set(psutil.Process().children()) - others:
        child.kill()
    for _ in range(2):  # whoever comes before the end is noticed may be refused
        with contextlib.suppress(InvalidGrammar):
            await checker.check(WEATHER)
    await checker.check(WEATHER)


async def test_checks_that_come_together_get_their_own_answers(checker: GrammarChecker) -> None:
    sources = [WEATHER, "start: first", 'start: "a"', "start: second"]
    answers = await asyncio.gather(*map(checker.check, sources), return_exceptions=True)
    assert answers[0] is None
    assert "first" in str(answers[1])
    assert answers[2] is None
    assert "second" in str(answers[3])


async def test_a_check_that_is_given_up_does_not_answer_the_next(checker: GrammarChecker) -> None:
    task = asyncio.create_task(checker.check(multiples(9973, 9967, 9949, 9941)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(InvalidGrammar, match="missing"):
        await checker.check("start: missing")


async def test_a_folder_without_a_tokenizer_is_no_fault_of_the_grammar(tmp_path: Path) -> None:
    checker = GrammarChecker(tmp_path)
    with pytest.raises(EngineUnavailable):
        await checker.check(WEATHER)


async def test_stopping_ends_the_process(checker: GrammarChecker) -> None:
    await checker.check(WEATHER)
    children = psutil.Process().children()
    await checker.stop()
    assert any(not child.is_running() for child in children)
