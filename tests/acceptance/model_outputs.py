"""What a model may say, in the dialect of Qwen3, and how it may end."""

from collections.abc import Callable, Mapping
from typing import Any

from antiphon.engine.errors import EngineDied
from antiphon.engine.outputs import FinishReason
from tests.fake_engine import Script
from tests.serving import EncodePieces

PLACE: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}
TOOLS: list[dict[str, Any]] = [
    {"type": "function", "name": name, "parameters": PLACE} for name in ("get_weather", "get_time")
]
THOUGHT = "<think>Let me see.</think>"
# As grammars have it, to the letter.
WEATHER = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Oslo"}}\n</tool_call>'
TIME = '<tool_call>\n{"name": "get_time", "arguments": {"city": "Rome"}}\n</tool_call>'
BROKEN = '<tool_call>{"name": "get_weather", "arguments": {"city": ]'


def ended(*pieces: str) -> Callable[[EncodePieces], Script]:
    return lambda said: Script(said(*pieces))


def cut_off(*pieces: str) -> Callable[[EncodePieces], Script]:
    """Without the stop token."""
    return lambda said: Script(_unended(said(*pieces)), FinishReason.LENGTH)


def failed(*pieces: str) -> Callable[[EncodePieces], Script]:
    return lambda said: Script(_unended(said(*pieces)), error=EngineDied("The engine ended."))


def _unended(steps: list[list[int]]) -> list[list[int]]:
    return [*steps[:-1], steps[-1][:-1]]


OUTPUTS: Mapping[str, Callable[[EncodePieces], Script]] = {
    "text": ended("Hello", " world"),
    "nothing": ended(""),
    "thought and text": ended("<think>Let me", " see.</think>", "Hello"),
    "call": ended(WEATHER),
    "text and two calls": ended("One moment.", WEATHER, "\n", TIME),
    "everything": ended(THOUGHT, "One moment.", WEATHER, "Done", "."),
    "thought that is cut off": cut_off("<think>Let me"),
    "text that is cut off": cut_off(THOUGHT, "Hello", " wor"),
    "call that is cut off": cut_off("One moment.", WEATHER[:60]),
    "call that breaks off": ended("One moment.", BROKEN, "}"),
    "failure at once": failed(""),
    "failure in a text": failed(THOUGHT, "Hello"),
    "failure in a call": failed(WEATHER[:60]),
}
ENDED_WELL = ("text", "nothing", "thought and text", "call", "text and two calls", "everything")
INCOMPLETE = tuple(name for name in OUTPUTS if "off" in name)
FAILED = tuple(name for name in OUTPUTS if "failure" in name)
