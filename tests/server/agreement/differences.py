"""All in which the ways to ask differ by definition, and what is left without it.

Ids are new every time, and so are seals: ids are numbered in the order in which they appear, and
seals are opened.
"""

import json
import re
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Any

from antiphon.server.seal import COMPACTION, REASONING, ForeignSeal
from tests.serving import SEAL
from tests.stream_rules import Event

# What is in the background is queued first, and in progress only when something comes of it.
OPENING = frozenset({"response.created", "response.queued", "response.in_progress"})
# On a WebSocket the failed response alone ends a turn.
LEFT_OUT = OPENING | {"error"}
# The opening shifts all numbers; a WebSocket knows no `stream_options`, and hides no lengths.
OF_EVENTS = frozenset({"sequence_number", "obfuscation"})
# Echoes: what is in the background is always stored.
OF_RESPONSES = frozenset({"background", "store"})

SEALED = re.compile("gAAAA.+")
ID = re.compile(r"([a-z]+)_\d+")


def in_common(value: object) -> object:
    """Any JSON, without what differs; ids are left as they are."""
    match value:
        case dict():
            kept = value.keys() - OF_EVENTS - OF_RESPONSES
            return {key: in_common(value[key]) for key in value if key in kept}
        case list() | tuple():
            return [in_common(element) for element in value]
        case str() if SEALED.fullmatch(value):
            return _opened(value)
    return value


def events_in_common(events: Sequence[Event]) -> list[object]:
    return [in_common(event) for event in events if event["type"] not in LEFT_OUT]


def on_websocket(events: Sequence[Event]) -> Sequence[Event]:
    """The events of a response as they are told there."""
    if events[-2]["type"] != "error":
        return events
    return [*events[:-2], {**events[-1], "sequence_number": events[-2]["sequence_number"]}]


def with_numbered_ids(value: object, made: Collection[str]) -> Any:  # noqa: ANN401 - any JSON
    """made: the ids that the server made, wherever they stand."""
    numbers: dict[str, str] = {}

    def numbered(found: re.Match[str]) -> str:
        if found.group() not in made:
            return found.group()
        return numbers.setdefault(found.group(), f"{found.group(1)}-{len(numbers)}")

    return json.loads(ID.sub(numbered, json.dumps(value, ensure_ascii=False)))


def _opened(sealed: str) -> object:
    for kind in (REASONING, COMPACTION):
        with suppress(ForeignSeal):
            return in_common(SEAL.open(kind, sealed))
    raise AssertionError("no seal of this server")
