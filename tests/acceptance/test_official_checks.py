"""The official suite's checks against a real server, whose model does what it is asked.

The same once more with the default model, all at once as the suite runs them.
"""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from antiphon.models.language_side import LanguageSide
from tests.acceptance.attachments import PDF_TITLE
from tests.acceptance.official_checks import CHECKS, EXTENSION_CHECKS, Check
from tests.acceptance.server_under_test import ServerUnderTest
from tests.acceptance.speaking_engine import SpeakingEngine
from tests.fake_engine import Script
from tests.live_server import start_server
from tests.serving import MODEL, EncodePieces

IMAGE = "image-input"
CALL = '<tool_call>{"name": "get_weather", "arguments": {"location": "San Francisco"}}</tool_call>'
# The suite sets none; a slow machine has to. A call needs as many to come to its arguments.
BOUNDS = {"max_output_tokens": 16}


@pytest.fixture
def engine(language_side: LanguageSide, said: EncodePieces) -> SpeakingEngine:
    """Calls the tool where it is offered one and has not called it yet."""
    thought, text = Script(said("<think>Hm.</think>", "Hello", " there")), Script(said("Ahoy"))

    def reply(prompt: str) -> Script:
        if "get_weather" in prompt and "64 degrees" not in prompt:
            return Script(said("<think>Weather?</think>", CALL))
        return text if "pirate" in prompt else thought

    return SpeakingEngine(language_side, reply)


@pytest.fixture
async def server(url: str) -> ServerUnderTest:
    return ServerUnderTest(url, MODEL)


@pytest.mark.parametrize("check_id", [check_id for check_id in CHECKS if check_id != IMAGE])
async def test_official_check(check_id: str, server: ServerUnderTest) -> None:
    await CHECKS[check_id](server)


async def test_official_check_of_images_is_refused_by_name_until_images_are_served(
    server: ServerUnderTest,
) -> None:
    await CHECKS[IMAGE](server)


@pytest.mark.parametrize("check_id", EXTENSION_CHECKS)
async def test_check_of_the_proposed_extension(check_id: str, server: ServerUnderTest) -> None:
    await EXTENSION_CHECKS[check_id](server)


async def test_model_reads_the_file_that_the_suite_sends(
    server: ServerUnderTest, engine: SpeakingEngine, language_side: LanguageSide
) -> None:
    await EXTENSION_CHECKS["file-input"](server)
    prompt = language_side.tokenizer.decode(engine.generations[0].prompt_token_ids)
    assert PDF_TITLE in prompt


async def failures(checks: Mapping[str, Check], server: ServerUnderTest) -> dict[str, object]:
    """All start at once, as in the suite; what failed, by id."""
    outcomes = await asyncio.gather(
        *[check(server) for check in checks.values()], return_exceptions=True
    )
    return {
        check_id: outcome
        for check_id, outcome in zip(checks, outcomes, strict=True)
        if outcome is not None
    }


async def test_all_checks_pass_when_they_start_at_once(server: ServerUnderTest) -> None:
    assert await failures({**CHECKS, **EXTENSION_CHECKS}, server) == {}


@pytest.fixture
def live_server(default_model: Path) -> Iterator[ServerUnderTest]:
    with start_server(str(default_model), "--kv-cache-memory", "512MiB") as live:
        live.wait_until_ready()
        # A model of 135 million parameters would hardly choose the tool of check 13 by itself.
        yield ServerUnderTest(live.url, str(default_model), bounds=BOUNDS, chooses_tools=False)


@pytest.mark.slow
@pytest.mark.model
async def test_all_checks_pass_at_once_on_the_default_model(live_server: ServerUnderTest) -> None:
    assert await failures({**CHECKS, **EXTENSION_CHECKS}, live_server) == {}
