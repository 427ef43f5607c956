"""What reasoning events are called: the standard's names, or those that OpenAI's SDKs know."""

from collections.abc import Mapping
from enum import StrEnum

OPENAI_TYPES: Mapping[str, str] = {
    "response.reasoning.delta": "response.reasoning_text.delta",
    "response.reasoning.done": "response.reasoning_text.done",
}


class EventNames(StrEnum):
    STANDARD = "standard"
    OPENAI = "openai"

    def of(self, event_type: str) -> str:
        """What an event of the standard's type is called."""
        return OPENAI_TYPES.get(event_type, event_type) if self is EventNames.OPENAI else event_type


class EventNaming(StrEnum):
    """The setting: which names are used, or that each client gets those it knows."""

    AUTO = "auto"
    STANDARD = "standard"
    OPENAI = "openai"

    def names_for(self, headers: Mapping[str, str]) -> EventNames:
        if self is not EventNaming.AUTO:
            return EventNames(self.value)
        return EventNames.OPENAI if _is_openai_family(headers) else EventNames.STANDARD


def _is_openai_family(headers: Mapping[str, str]) -> bool:
    """Whether an SDK says of itself, by its own headers, that it knows OpenAI's names only."""
    if "openresponses-version" in headers:
        return False
    return (
        "originator" in headers
        or "ai-sdk/" in headers.get("user-agent", "")
        or any(name.startswith("x-stainless-") for name in headers)
    )
