"""A history as a prompt that fits: whole, without its oldest turns, or with a summary of them."""

import asyncio
import contextlib
from dataclasses import dataclass

from antiphon.engine.generation import EngineCard
from antiphon.models.language_side import LanguageSide
from antiphon.server.chat.conversation import conversation
from antiphon.server.compaction.compactor import Compaction, Compactor, NothingSummarised
from antiphon.server.history.cuts import Items, Shortened, with_summary
from antiphon.server.prompt import Prompt, build_prompt
from antiphon.server.protocol.requests import CreateResponseBody
from antiphon.server.tool_menu import ToolMenu

# Of the context, what truncation leaves free for the answer if the request does not say.
ANSWER_SHARE = 4
# Of the tokens at which a conversation is compacted, what stays as it was.
RECENT_SHARE_OF_THRESHOLD = 4


@dataclass(frozen=True, slots=True)
class Window:
    """compaction: what was summarised to make the prompt, if anything was."""

    prompt: Prompt
    compaction: Compaction | None = None


@dataclass(frozen=True, slots=True)
class ContextWindow:
    """What one request's prompt is made with."""

    body: CreateResponseBody
    menu: ToolMenu
    language_side: LanguageSide
    card: EngineCard

    async def window(self, items: Items, compactor: Compactor) -> Window:
        """Raises what `build_prompt` and `Compactor.compact` raise. The prompt may still be too
        long: that is the engine's to say.
        """
        # A long prompt takes longer to encode than running streams may wait for their next event.
        prompt = await asyncio.to_thread(self._prompt, items)
        threshold = self._threshold
        if threshold is not None and len(prompt.token_ids) >= threshold:
            max_recent = threshold // RECENT_SHARE_OF_THRESHOLD
            recent = await asyncio.to_thread(compactor.recent, items, max_recent)
            if recent is not None:
                with contextlib.suppress(NothingSummarised):
                    return await self._compacted(items, recent, compactor)
        if self.body.truncation == "auto" and len(prompt.token_ids) > self._max_prompt_tokens:
            prompt = await asyncio.to_thread(self._truncated, items, prompt)
        return Window(prompt)

    @property
    def _threshold(self) -> int | None:
        rules = self.body.context_management
        return rules[0].compact_threshold if rules else None

    @property
    def _max_prompt_tokens(self) -> int:
        """What leaves room for an answer."""
        share = self.card.max_sequence_len // ANSWER_SHARE
        return self.card.max_sequence_len - min(self.body.max_output_tokens or share, share)

    def _prompt(self, items: Items) -> Prompt:
        return build_prompt(
            conversation(self.body.instructions, items),
            self.language_side,
            tools=self.menu.for_template(),
            effort=self.body.reasoning.effort if self.body.reasoning else None,
        )

    async def _compacted(self, items: Items, recent: Items, compactor: Compactor) -> Window:
        compaction = await compactor.compact(items, recent, carried=recent)
        standing = with_summary(compaction.summary, recent)
        return Window(await asyncio.to_thread(self._prompt, standing), compaction)

    def _truncated(self, items: Items, prompt: Prompt) -> Prompt:
        """The longest that fits, or the shortest there is. Found by halves: each try is costly."""
        shorter = Shortened(items)
        low, high = 0, len(shorter)
        while low < high:
            middle = (low + high) // 2
            prompt = self._prompt(shorter[middle])
            if len(prompt.token_ids) <= self._max_prompt_tokens:
                high = middle
            else:
                low = middle + 1
        return self._prompt(shorter[min(low, len(shorter) - 1)]) if shorter else prompt
