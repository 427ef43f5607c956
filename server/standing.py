"""What a request says of itself to the engine: how urgent it is, and whose cache it shares."""

from dataclasses import dataclass

from antiphon.engine.priority import Priority
from antiphon.server.protocol.requests import CompactBody, CreateResponseBody


@dataclass(frozen=True, slots=True)
class Standing:
    """One request's, and that of everything the engine does for it.

    priority    its `service_tier`; "auto" is the default one.
    cache_salt  its `prompt_cache_key`: cached prefixes are shared with requests of the same key.
    """

    priority: Priority = Priority.DEFAULT
    cache_salt: str = ""

    @classmethod
    def of(cls, body: CreateResponseBody | CompactBody) -> "Standing":
        tier = body.service_tier if isinstance(body, CreateResponseBody) else None
        return cls(
            Priority.DEFAULT if tier in (None, "auto") else Priority(tier),
            body.prompt_cache_key or "",
        )
