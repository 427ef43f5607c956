"""Who asks, and by which names they know things."""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from antiphon.server.delivery.event_names import EventNames, EventNaming
from antiphon.server.protocol.errors import InvalidApiKey


@dataclass(frozen=True, slots=True)
class Caller:
    """owner: whose everything is that is stored; empty where the server takes any key."""

    owner: str = ""
    event_names: EventNames = EventNames.STANDARD


class ApiKeys:
    """The keys that the server takes; none means that it takes any, and tells nobody apart."""

    def __init__(self, keys: Iterable[str] = ()) -> None:
        self._keys = tuple(key.encode() for key in keys)

    def owner(self, authorization: str | None) -> str:
        """A name for the key that does not give it away. Raises InvalidApiKey."""
        if not self._keys:
            return ""
        scheme, _, key = (authorization or "").partition(" ")
        sent = key.strip().encode(errors="replace")
        # All are compared, so that the time it takes tells nothing.
        matches = [hmac.compare_digest(sent, known) for known in self._keys]
        if scheme.lower() != "bearer" or not any(matches):
            raise InvalidApiKey
        return hashlib.sha256(sent).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Reception:
    """How callers are known."""

    keys: ApiKeys
    naming: EventNaming = EventNaming.AUTO

    def caller(self, headers: Mapping[str, str]) -> Caller:
        """`headers`: with small names. Raises InvalidApiKey."""
        owner = self.keys.owner(headers.get("authorization"))
        return Caller(owner, self.naming.names_for(headers))
