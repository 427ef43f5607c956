"""Whichever way a response is asked for, the same comes of it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from antiphon.engine.outputs import FinishReason
from antiphon.engine.priority import Priority
from antiphon.engine.sampling_params import SamplingParams
from antiphon.models.dialects.registry import dialect_named
from antiphon.models.language_side import LanguageSide
from antiphon.server.app import create_app
from tests.fake_engine import FakeEngine, FakeGeneration, Script, engine_card
from tests.halting_generation import HaltingGeneration
from tests.server.agreement.differences import (
    events_in_common,
    in_common,
    on_websocket,
    with_numbered_ids,
)
from tests.server.agreement.random_dialogues import REFUSALS, Dialogue, Turn, random_dialogue
from tests.server.agreement.random_outputs import random_output
from tests.server.agreement.random_requests import WRONG
from tests.server.agreement.reciting_engine import RecitingEngine
from tests.server.agreement.ways_to_ask import WAYS, Answer, Asker, asker_of
from tests.serving import CountingIds, make_context
from tests.stream_rules import Event, check_stream

pytestmark = pytest.mark.slow

Json = dict[str, Any]

# Everything is drawn from here and not from hypothesis: half of its examples repeat each other.
CHANCE = st.randoms(use_true_random=True)
REPEATABLE = settings(derandomize=True, deadline=None, database=None)


@pytest.fixture(scope="session")
def language_side(language_side: LanguageSide) -> LanguageSide:
    return replace(language_side, dialect=dialect_named("qwen3"))


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of one turn.

    events   None where nobody was told any.
    asked    prompts and parameters of all that the engine was asked for.
    brought  the request's own items as they are kept, if they are.
    """

    answer: Answer
    events: Sequence[Event] | None
    asked: list[tuple[list[int], SamplingParams]]
    brought: Sequence[Json] = ()

    @property
    def told(self) -> object:
        return in_common([self.answer.status, self.answer.told, self.brought])


class RecordingIds(CountingIds):
    def __init__(self) -> None:
        super().__init__()
        self.made: set[str] = set()

    def new(self, prefix: str) -> str:
        made = super().new(prefix)
        self.made.add(made)
        return made


class Server:
    """One server, with which a dialogue is held in each way."""

    def __init__(self, language_side: LanguageSide, max_model_len: int) -> None:
        self.ids = RecordingIds()
        self.engine = RecitingEngine(engine_card(max_model_len=max_model_len))
        self.app = create_app(make_context(self.engine, language_side, ids=self.ids))
        self._language_side = language_side

    async def hold(self, dialogue: Dialogue, way: str) -> tuple[list[Seen], list[Json]]:
        """What was seen turn by turn, and what the conversation holds in the end."""
        past: list[Json] = []
        seen: list[Seen] = []
        async with asker_of(self.app) as asker:
            conversation_id = await asker.new_conversation(dialogue.conversation)
            for turn in dialogue.turns:
                body = turn.posted(past, conversation_id)
                seen.append(await self._take(turn, way, body, asker))
                if turn.is_stored and seen[-1].answer.is_response:
                    past.append(seen[-1].answer.told)
            return seen, await asker.conversation_items(conversation_id)

    async def _take(self, turn: Turn, way: str, body: Json, asker: Asker) -> Seen:
        self.engine.recite([output.script(self._language_side) for output in turn.outputs])
        self.engine.refusal = turn.refusal
        num_before = len(self.engine.generations)
        answer = await asker.ask(way, body)
        asked = [(g.prompt_token_ids, g.params) for g in self.engine.generations[num_before:]]
        if not turn.is_stored or not answer.is_response:
            return Seen(answer, answer.events or None, asked)
        events = await _stored_events(answer, way, asker)
        return Seen(answer, events, asked, await asker.input_items(answer.told["id"]))


async def _stored_events(answer: Answer, way: str, asker: Asker) -> list[Event]:
    """What is read afterwards, whole or in part, is what was told."""
    response_id = answer.told["id"]
    assert await asker.stored(response_id) == answer.told
    events = await asker.stored_events(response_id)
    if way == "plain":
        check_stream(events)
        assert events[-1]["response"] == answer.told
    else:
        told = on_websocket(events) if way == "websocket" else events
        assert list(answer.events) == list(told)
    middle = len(events) // 2
    assert await asker.stored_events(response_id, after=middle) == events[middle + 1 :]
    return events


@given(chance=CHANCE)
@settings(REPEATABLE, max_examples=40)
async def test_all_ways_to_ask_tell_the_same(language_side: LanguageSide, chance: Random) -> None:
    dialogue = random_dialogue(chance)
    note(dialogue)
    server = Server(language_side, dialogue.max_model_len)
    by_way = {way: await server.hold(dialogue, way) for way in WAYS}
    for (one, (seen, items)), (other, (others, other_items)) in pairwise(by_way.items()):
        assert [turn.asked for turn in seen] == [turn.asked for turn in others], (one, other)
        told, events = _comparable(seen, items, server)
        told_otherwise, other_events = _comparable(others, other_items, server)
        assert told == told_otherwise, (one, other)
        for turn, of_turn, of_other in zip(seen, events, other_events, strict=True):
            assert turn.events is None or of_turn == of_other, (one, other)


def _comparable(seen: Sequence[Seen], items: list[Json], server: Server) -> list[Any]:
    """What was told of each turn, with the conversation; and the events of each turn."""
    told = [[turn.told for turn in seen], in_common(items)]
    events = [events_in_common(turn.events or ()) for turn in seen]
    numbered: list[Any] = with_numbered_ids([told, events], server.ids.made)
    return numbered


@pytest.mark.parametrize("wrong", WRONG, ids=str)
async def test_all_ways_to_ask_refuse_the_same(language_side: LanguageSide, wrong: Json) -> None:
    server = Server(language_side, 4096)
    async with asker_of(server.app) as asker:
        answers = [await asker.ask(way, {"input": "Hi", **wrong}) for way in WAYS]
    assert answers[0].status in (400, 404)
    assert answers[0].told["error"]["param"]
    assert answers == answers[:1] * len(WAYS)
    assert server.engine.generations == []


@pytest.mark.parametrize("refusal", REFUSALS, ids=repr)
async def test_all_ways_to_ask_tell_the_same_of_an_engine_that_refuses(
    language_side: LanguageSide, refusal: Exception
) -> None:
    server = Server(language_side, 4096)
    server.engine.refusal = refusal
    async with asker_of(server.app) as asker:
        answers = [await asker.ask(way, {"input": "Hi"}) for way in WAYS]
    assert answers[0].status in (429, 503)
    assert answers == answers[:1] * len(WAYS)


class HaltingEngine(FakeEngine):
    def __init__(self, script: Script) -> None:
        super().__init__(script)
        self.has_halted = asyncio.Event()

    def submit(
        self,
        prompt_token_ids: list[int],
        params: SamplingParams,
        *,
        priority: Priority = Priority.DEFAULT,
        cache_salt: str = "",
    ) -> FakeGeneration:
        return HaltingGeneration(
            self, 0, self.script, prompt_token_ids, params, has_halted=self.has_halted
        )


@given(chance=CHANCE)
@settings(REPEATABLE, max_examples=30)
async def test_cancelled_response_holds_what_one_that_ran_out_of_tokens_holds(
    language_side: LanguageSide, chance: Random
) -> None:
    ids = RecordingIds()
    output, num_deltas = random_output(chance), chance.randrange(6)
    note((output, num_deltas))
    body = {"input": "Hi", "tools": [{"type": "function", "name": "f"}]}
    deltas = output.deltas(language_side)[:num_deltas]
    ran_out = FakeEngine(Script([*deltas, []], FinishReason.LENGTH))
    halting = HaltingEngine(Script(deltas, None))
    async with asker_of(create_app(make_context(ran_out, language_side, ids=ids))) as asker:
        expected = (await asker.ask("background", body)).told
    async with asker_of(create_app(make_context(halting, language_side, ids=ids))) as asker:
        told = (await asker.ask_and_cancel(body, halting.has_halted)).told
    if expected["incomplete_details"]["reason"] == "max_output_tokens":
        expected |= {"status": "cancelled", "incomplete_details": {"reason": "cancelled"}}
    assert with_numbered_ids(told, ids.made) == with_numbered_ids(expected, ids.made)
