"""What every driver in Python shares: where the server is, what to ask, and how to report.

A driver has one method per scenario, named as in `tests/clients/client.py`, and each gives what
its client saw, as JSON. All run at once. One line of JSON is printed for each as it ends.

Runs in the clients' own environments, so it imports nothing that not every one of them has.
"""

import asyncio
import json
import sys
import traceback
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

Json = dict[str, Any]

API_KEY = "unused"
MAX_OUTPUT_TOKENS = 60
QUESTIONS: Json = json.loads(Path(__file__).with_name("questions.json").read_text())
CAPITAL: str = QUESTIONS["capital"]
FOLLOW_UP: str = QUESTIONS["follow_up"]
WEATHER: str = QUESTIONS["weather"]
WEATHER_REPORT: str = QUESTIONS["weather_report"]
STORY: str = QUESTIONS["story"]
TOOL: Json = QUESTIONS["tool"]

UNKNOWN_MODEL = "no-such-model"
BAD_TEMPERATURE = 9.0
ENOUGH_OF_A_STORY = 3


class Capital(BaseModel):
    """A form to fill in."""

    city: Literal["Rome", "Paris"]
    size: Literal[1, 2, 3]


async def raised(awaitable: Awaitable[object]) -> Json:
    """The error that it ends with: its class, and its HTTP status where the client knows it.

    Raises AssertionError when it succeeds.
    """
    try:
        result = await awaitable
    except Exception as error:
        return {"kind": type(error).__name__, "status": getattr(error, "status_code", None)}
    raise AssertionError(f"no error, but {result!r}")


def run(make_driver: Callable[[str, str], object]) -> None:
    """`make_driver` takes the base URL (with /v1) and the model; scenarios come after them."""
    base_url, model, *scenarios = sys.argv[1:]
    asyncio.run(_run_all(make_driver(base_url, model), scenarios))


async def _run_all(driver: object, scenarios: list[str]) -> None:
    await asyncio.gather(*[_run_one(name, getattr(driver, name)) for name in scenarios])
    # Until its input ends this process stays: its end hangs up whatever a client left open.
    await asyncio.to_thread(sys.stdin.read)


async def _run_one(name: str, scenario: Callable[[], Awaitable[Mapping[str, object]]]) -> None:
    try:
        report: Json = {"scenario": name, "saw": await scenario()}
    except Exception:
        report = {"scenario": name, "failure": traceback.format_exc()}
    print(json.dumps(report), flush=True)
