"""Random dialogues: turns that stand on each other, by id or in a conversation."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from antiphon.engine.errors import EngineOverloaded, EngineUnavailable
from tests.server.agreement.random_outputs import Output, random_output
from tests.server.agreement.random_requests import random_input, random_request

Json = dict[str, Any]

REFUSALS = (EngineOverloaded("Full."), EngineUnavailable("It is loading."))


@dataclass(frozen=True, slots=True)
class Turn:
    """One request, and what the model says whenever it is asked because of it.

    continues  which of the earlier responses, if there is one.
    answers    whether the request brings an output for each call in that.
    """

    body: Json
    outputs: tuple[Output, ...]
    refusal: Exception | None
    continues: int | None
    answers: bool

    @property
    def is_stored(self) -> bool:
        return self.body.get("store") is not False

    def posted(self, past: Sequence[Json], conversation_id: str | None) -> Json:
        """The whole body. past: the responses so far that can be continued."""
        continued, stand = self._continued(past, conversation_id)
        if continued is None or not self.answers:
            return {**stand, **self.body}
        given = [*_outputs_of_calls(continued), *listed(self.body["input"])]
        return {**stand, **self.body, "input": given}

    def _continued(
        self, past: Sequence[Json], conversation_id: str | None
    ) -> tuple[Json | None, Json]:
        if conversation_id is not None:
            return past[-1] if past else None, {"conversation": conversation_id}
        if not past or self.continues is None:
            return None, {}
        response = past[self.continues % len(past)]
        return response, {"previous_response_id": response["id"]}


@dataclass(frozen=True, slots=True)
class Dialogue:
    """conversation: what stands in one before the first turn, if the turns are made in one."""

    max_model_len: int
    conversation: list[Json] | None
    turns: tuple[Turn, ...]


def random_dialogue(chance: Random) -> Dialogue:
    return Dialogue(
        max_model_len=chance.choice((4096, 4096, 4096, 600)),
        conversation=listed(random_input(chance)) if chance.random() < 0.3 else None,
        turns=tuple(_random_turn(chance) for _ in range(chance.randint(2, 3))),
    )


def listed(posted: object) -> list[Any]:
    """An input as a list of items."""
    return posted if isinstance(posted, list) else [{"role": "user", "content": posted}]


def _random_turn(chance: Random) -> Turn:
    return Turn(
        body=random_request(chance),
        outputs=tuple(random_output(chance) for _ in range(chance.randint(1, 3))),
        refusal=chance.choice(REFUSALS) if chance.random() < 0.05 else None,
        continues=chance.choice((0, 1, 1, None)),
        answers=chance.random() < 0.7,
    )


def _outputs_of_calls(response: Json) -> list[Json]:
    return [
        {"type": f"{item['type']}_output", "call_id": item["call_id"], "output": "Done."}
        for item in response["output"]
        if "call_id" in item
    ]
