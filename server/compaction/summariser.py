"""The model asked to say in short what was said at length: thoughts, and whole conversations."""

import asyncio
from dataclasses import dataclass

from antiphon.engine.generation import Engine, Generation
from antiphon.engine.sampling_params import SamplingParams
from antiphon.models.dialects.demand import CallDemand
from antiphon.models.dialects.segments import TextDelta
from antiphon.models.language_side import LanguageSide
from antiphon.models.reasoning_switch import OFF
from antiphon.server.chat.message import ChatMessage, Role
from antiphon.server.output.token_tally import NOTHING_SPENT, TokenTally, together
from antiphon.server.output.turn import Turn, TurnReader
from antiphon.server.prompt import Prompt, build_prompt
from antiphon.server.protocol.response import Usage
from antiphon.server.standing import Standing
from antiphon.server.tool_menu import ToolMenu

NO_TOOLS = ToolMenu((), CallDemand.FORBIDDEN, frozenset(), allows_parallel=False)
MAX_THINKING_TOKENS = 2048
SO_FAR = "Summary so far:\n{}\n\nWhat follows:\n{}"


@dataclass(frozen=True, slots=True)
class Summary:
    text: str
    usage: Usage


class Summariser:
    """Summarises texts of any length: what does not fit at once is folded in piece by piece."""

    def __init__(self, engine: Engine, language_side: LanguageSide, standing: Standing) -> None:
        self._engine = engine
        self._language_side = language_side
        self._standing = standing
        self._running: Generation | None = None
        self._is_cancelled = False

    def cancel(self) -> None:
        """What is being summarised ends with what there is, and nothing is summarised any more."""
        self._is_cancelled = True
        if self._running is not None:
            self._running.cancel()

    async def summarise(self, text: str, instructions: str, max_tokens: int) -> Summary:
        """Raises what `Engine.submit` and generations raise, and ChatTemplateError."""
        summary, usage = "", NOTHING_SPENT
        max_tokens = min(max_tokens, self._engine.card.max_sequence_len // 8)
        for piece in await asyncio.to_thread(self._pieces, text, max_tokens):
            if self._is_cancelled:
                break
            asked = SO_FAR.format(summary, piece) if summary else piece
            prompt = await asyncio.to_thread(self._prompt, asked, instructions)
            summary, spent = await self._answer(prompt, max_tokens)
            usage = together(usage, spent)
        return Summary(summary, usage)

    def _prompt(self, text: str, instructions: str) -> Prompt:
        return build_prompt(
            [ChatMessage(Role.SYSTEM, instructions), ChatMessage(Role.USER, text)],
            self._language_side,
            effort=OFF if self._thinks_on_demand else None,
        )

    @property
    def _thinks_on_demand(self) -> bool:
        """Whether the model can do without thinking."""
        abilities = self._language_side.abilities
        return abilities is not None and OFF in abilities.reasoning.settings

    def _room(self, prompt: Prompt, max_tokens: int) -> int:
        """A model that always thinks has to come to its summary first."""
        if self._thinks_on_demand or not self._language_side.dialect.can_think:
            return max_tokens
        left = self._engine.card.max_sequence_len - len(prompt.token_ids)
        return max(min(max_tokens + MAX_THINKING_TOKENS, left), 1)

    def _pieces(self, text: str, max_tokens: int) -> list[str]:
        """The text in pieces that fit beside instructions, an earlier summary and a new one."""
        room = self._engine.card.max_sequence_len - 2 * max_tokens
        size = max(room // 2, 16)  # half of it, as pieces may be tokenized worse on their own
        token_ids = self._language_side.tokenizer.encode(text)
        decode = self._language_side.tokenizer.decode
        if len(token_ids) <= size:
            return [text]
        return [decode(token_ids[at : at + size]) for at in range(0, len(token_ids), size)]

    async def _answer(self, prompt: Prompt, max_tokens: int) -> tuple[str, Usage]:
        params = SamplingParams(
            temperature=0,
            max_tokens=self._room(prompt, max_tokens),
            stop_token_ids=self._language_side.generation_defaults.stop_token_ids,
        )
        generation = self._engine.submit(
            prompt.token_ids,
            params,
            priority=self._standing.priority,
            cache_salt=self._standing.cache_salt,
        )
        turn = Turn(prompt, params, NO_TOOLS, self._language_side, generation)
        reader, tally = TurnReader(turn), TokenTally(len(prompt.token_ids))
        written: list[str] = []
        self._running = generation
        async with generation:
            async for delta in generation:
                segments = reader.feed(delta)
                tally.add(delta, segments)
                written += [s.text for s in segments if isinstance(s, TextDelta)]
        self._running = None
        last = reader.finish(is_cut_off=True)
        written += [segment.text for segment in last if isinstance(segment, TextDelta)]
        return "".join(written).strip(), tally.usage()
