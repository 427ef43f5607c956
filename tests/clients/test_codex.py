"""Codex, as it comes from npm, through a turn in which it runs a command.

The model is scripted: to choose to run a command takes a larger one than a test can wait for.
"""

import json
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from antiphon.engine.sampling_params import SamplingParams
from antiphon.models.dialects.registry import dialect_named
from antiphon.models.language_side import LanguageSide
from tests.clients.codex import Codex
from tests.fake_engine import FakeEngine, Script, engine_card
from tests.serving import MODEL, EncodePieces, loopback, make_context

pytestmark = pytest.mark.slow

CALL: Any = {"name": "exec_command", "arguments": {"cmd": "echo sung > answer.txt"}}
FINAL_TEXT = "The file is written."


class ScriptedTurns(FakeEngine):
    """Says one script after the other, and the last one from then on."""

    def __init__(self, *scripts: Script) -> None:
        card = engine_card(max_model_len=100_000)
        super().__init__(card=replace(card, num_blocks=card.max_model_len // card.block_size))
        self.say(*scripts)

    def say(self, *scripts: Script) -> None:
        self.scripts = list(scripts)

    def script_for(self, prompt_token_ids: list[int], params: SamplingParams) -> Script:
        return self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]


@pytest.fixture
def codex(tmp_path: Path) -> Codex:
    return Codex.at(tmp_path)


@pytest.fixture
def engine(said: EncodePieces) -> ScriptedTurns:
    call = f"<tool_call>{json.dumps(CALL)}</tool_call>"
    return ScriptedTurns(Script(said(call)), Script(said(FINAL_TEXT)))


@pytest.fixture
async def url(engine: ScriptedTurns, language_side: LanguageSide) -> AsyncIterator[str]:
    language_side = replace(language_side, dialect=dialect_named("qwen3"))
    async with loopback(make_context(engine, language_side)) as url:
        yield url


async def test_codex_runs_the_command_that_the_model_asks_for(codex: Codex, url: str) -> None:
    codex.configure(url=url, model=MODEL)
    ending = await codex.execute("Write the file.")
    assert ending.code == 0, ending.told
    assert (codex.workshop / "answer.txt").read_text() == "sung\n"
    assert ending.printed.strip() == FINAL_TEXT


async def test_codex_with_all_its_tools_does_so_too(codex: Codex, url: str) -> None:
    codex.configure(url=url, model=MODEL, more="")
    ending = await codex.execute("Write the file.")
    assert ending.code == 0, ending.told
    assert (codex.workshop / "answer.txt").read_text() == "sung\n"


async def test_over_a_web_socket_codex_warms_up_and_then_does_so_too(
    codex: Codex, url: str, engine: ScriptedTurns
) -> None:
    engine.say(Script([[70]]), *engine.scripts)
    codex.configure(url=url, model=MODEL, has_socket=True)
    ending = await codex.execute("Write the file.")
    assert ending.code == 0, ending.told
    assert (codex.workshop / "answer.txt").read_text() == "sung\n"
    assert ending.printed.strip() == FINAL_TEXT
    assert [generation.params.max_tokens for generation in engine.generations] == [1, None, None]


async def test_a_resumed_session_brings_what_was_said_before(
    codex: Codex, url: str, engine: ScriptedTurns, language_side: LanguageSide
) -> None:
    codex.configure(url=url, model=MODEL)
    await codex.execute("Write the file.")
    ending = await codex.execute("resume", "--last", "Is it there?")
    assert ending.code == 0, ending.told
    prompt = language_side.tokenizer.decode(engine.generations[-1].prompt_token_ids)
    said = ["Write the file.", CALL["arguments"]["cmd"], FINAL_TEXT, "Is it there?"]
    places = [prompt.index(text) for text in said]
    assert places == sorted(places)


async def test_an_unknown_model_is_told_to_the_user(codex: Codex, url: str) -> None:
    codex.configure(url=url, model=MODEL)
    ending = await codex.execute("--model", "no-such-model", "Hi")
    assert ending.code == 1
    assert "'no-such-model'" in ending.told


async def test_an_interrupted_codex_frees_its_sequence(
    codex: Codex, url: str, engine: ScriptedTurns
) -> None:
    engine.say(Script([[70]], has_gate=True))
    codex.configure(url=url, model=MODEL)
    async with codex.started("Write the file.") as process:
        generation = await engine.next_generation()
        process.send_signal(signal.SIGINT)
        await generation.was_left.wait()
        assert engine.aborted == [generation.sequence_id]
        await process.communicate()
