"""Everything the routes need from outside, in one record that `create_app` is given."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from antiphon.engine.errors import EngineUnavailable
from antiphon.engine.generation import Engine
from antiphon.models.language_side import LanguageSide
from antiphon.server.caller import Reception
from antiphon.server.clock import Clock, SystemClock
from antiphon.server.delivery.background import BackgroundResponses
from antiphon.server.files.file_texts import FileTexts
from antiphon.server.history.claims import ConversationClaims
from antiphon.server.ids import IdSource, RandomIds
from antiphon.server.protocol.unsupported import UnsupportedTools
from antiphon.server.seal import Seal
from antiphon.server.store.store import Store


@dataclass(frozen=True, slots=True)
class Limits:
    """What one HTTP exchange may cost.

    max_body_bytes         a larger request body is answered 413.
    retry_after_seconds    what `Retry-After` says when the engine is full or not there.
    websocket_max_seconds  how long one connection may last; None takes no connections.
    """

    max_body_bytes: int = 64 * 1024 * 1024
    retry_after_seconds: int = 2
    websocket_max_seconds: float | None = 3600


@dataclass(frozen=True, slots=True)
class ServerContext:
    """What the server stands on.

    store          what is kept. Raises StoreUnavailable until it is open.
    language_side  the loaded model's tokenizer and template. Raises EngineUnavailable before the
                   engine has been ready once, as nobody knows the model's folder until then.
    check_grammar  raises InvalidGrammar for a grammar that the model's engine cannot follow.
    model_names    the names the model is served under; the first one is its own, the rest aliases.
    """

    engine: Engine
    language_side: Callable[[], LanguageSide]
    check_grammar: Callable[[str], Awaitable[None]]
    model_names: tuple[str, ...]
    store: Callable[[], Store]
    seal: Seal
    file_texts: FileTexts
    reception: Reception
    background: BackgroundResponses
    conversations: ConversationClaims = field(default_factory=ConversationClaims)
    unsupported_tools: UnsupportedTools = UnsupportedTools.DROP
    clock: Clock = field(default_factory=SystemClock)
    ids: IdSource = field(default_factory=RandomIds)
    limits: Limits = field(default_factory=Limits)

    @property
    def is_ready(self) -> bool:
        """Whether a request would be taken now."""
        try:
            self.language_side()
        except EngineUnavailable:
            return False
        return self.engine.is_ready
