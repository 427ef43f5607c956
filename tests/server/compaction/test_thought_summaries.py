"""What was thought, in short: by the model itself, and only where somebody asked for it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from antiphon.engine.errors import EngineOverloaded
from antiphon.engine.outputs import FinishReason
from antiphon.engine.sampling_params import SamplingParams
from antiphon.models.dialects.registry import dialect_named
from antiphon.models.language_side import LanguageSide
from tests.fake_engine import FakeEngine, Script
from tests.serving import Client, EncodePieces, make_context

CALL = '<tool_call>{"name": "f", "arguments": {}}</tool_call>'
FUNCTION = {"type": "function", "name": "f"}


@pytest.fixture(scope="session")
def language_side(language_side: LanguageSide) -> LanguageSide:
    return replace(language_side, dialect=dialect_named("qwen3"))


class ScriptsInTurn(FakeEngine):
    """Each sequence has a script of its own; where they run out, the engine is full."""

    def __init__(self, scripts: Sequence[Script]) -> None:
        super().__init__()
        self._scripts = list(scripts)

    def script_for(self, prompt_token_ids: list[int], params: SamplingParams) -> Script:
        if not self._scripts:
            raise EngineOverloaded("Full.")
        return self._scripts.pop(0)


async def respond(
    language_side: LanguageSide, scripts: Sequence[Script], **body: object
) -> tuple[dict[str, Any], list[str]]:
    """The response, and the kinds of its events in the reasoning item."""
    client = Client(make_context(ScriptsInTurn(scripts), language_side))
    events = await client.stream(**body)
    kinds = [event["type"] for event in events if event.get("output_index") == 0]
    return events[-1]["response"], kinds


@pytest.mark.parametrize("kind", ["concise", "detailed"])
@pytest.mark.parametrize("rest", ["Hello", CALL])
async def test_summary_is_the_models_own(
    language_side: LanguageSide, said: EncodePieces, kind: str, rest: str
) -> None:
    scripts = [Script(said("<think>Long ", "thoughts</think>", rest)), Script(said("Short."))]
    response, kinds = await respond(
        language_side, scripts, reasoning={"summary": kind}, tools=[FUNCTION]
    )
    reasoning = response["output"][0]
    assert reasoning["summary"] == [{"type": "summary_text", "text": "Short."}]
    assert reasoning["content"][0]["text"] == "Long thoughts"
    assert kinds[-5:] == [
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_text.delta",
        "response.reasoning_summary_text.done",
        "response.reasoning_summary_part.done",
        "response.output_item.done",
    ]
    assert response["reasoning"]["summary"] == kind
    assert response["usage"]["output_tokens"] > len(said("<think>Long ", "thoughts</think>")[0])


@pytest.mark.parametrize("reasoning", [None, {}, {"summary": "auto"}, {"summary": None}])
async def test_nobody_waits_for_a_summary_unasked(
    language_side: LanguageSide, said: EncodePieces, reasoning: object
) -> None:
    scripts = [Script(said("<think>Hm.</think>Hello"))]
    response, _ = await respond(language_side, scripts, reasoning=reasoning)
    assert response["output"][0]["summary"] == []


async def test_thoughts_alone_are_summarised_when_the_model_is_done(
    language_side: LanguageSide, said: EncodePieces
) -> None:
    scripts = [Script(said("<think>Hm.</think>")), Script(said("Short."))]
    response, _ = await respond(language_side, scripts, reasoning={"summary": "concise"})
    assert response["output"][0]["summary"][0]["text"] == "Short."


async def test_model_is_asked_once_also_when_it_says_nothing(
    language_side: LanguageSide, said: EncodePieces
) -> None:
    scripts = [Script(said("<think>Hm.</think>", " ", "\n", " ", "Hello")), Script(said(" "))]
    response, _ = await respond(language_side, scripts, reasoning={"summary": "concise"})
    assert response["status"] == "completed"
    assert response["output"][0]["summary"] == []


async def test_thoughts_that_were_cut_off_are_not_summarised(language_side: LanguageSide) -> None:
    token_ids = [language_side.tokenizer.encode("<think>Hm, ")]
    scripts = [Script(token_ids, FinishReason.LENGTH)]
    response, _ = await respond(language_side, scripts, reasoning={"summary": "concise"})
    assert response["status"] == "incomplete"
    assert response["output"][0]["summary"] == []


async def test_response_goes_on_where_the_model_cannot_be_asked(
    language_side: LanguageSide, said: EncodePieces
) -> None:
    scripts = [Script(said("<think>Hm.</think>Hello"))]
    response, _ = await respond(language_side, scripts, reasoning={"summary": "detailed"})
    assert response["status"] == "completed"
    assert response["output"][0]["summary"] == []
