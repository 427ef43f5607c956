"""What a model thought, said in short by itself, where a request asks for that."""

import logging

from antiphon.engine.errors import EngineError
from antiphon.models.errors import ModelError
from antiphon.server.compaction.summariser import Summariser, Summary
from antiphon.server.protocol.requests import CreateResponseBody

logger = logging.getLogger(__name__)

LENGTHS = {"concise": "in one sentence", "detailed": "in one short paragraph"}
INSTRUCTIONS = "Say {} what these thoughts come to. Write about the matter, not about the thoughts."
MAX_TOKENS = {"concise": 64, "detailed": 192}


class ThoughtSummaries:
    """kind: `concise` or `detailed`."""

    def __init__(self, kind: str, summariser: Summariser) -> None:
        self._kind = kind
        self._summariser = summariser

    @classmethod
    def for_request(
        cls, body: CreateResponseBody, summariser: Summariser
    ) -> "ThoughtSummaries | None":
        """None where none was asked for. `auto`, which clients send unasked, is nobody's wish."""
        kind = body.reasoning.summary if body.reasoning else None
        return cls(kind, summariser) if kind in LENGTHS and kind is not None else None

    async def of(self, thoughts: str) -> Summary | None:
        """None where the model could not be asked: a response does not fail for want of it."""
        instructions = INSTRUCTIONS.format(LENGTHS[self._kind])
        try:
            return await self._summariser.summarise(thoughts, instructions, MAX_TOKENS[self._kind])
        except (EngineError, ModelError) as error:
            logger.warning("Thoughts were not summarised: %s", error)
            return None
