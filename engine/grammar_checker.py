"""Checking grammars of callers in a process of their own, whatever they do to it.

llguidance bounds most of its work, but not all: a grammar of a hundred characters can take a
minute or gigabytes, and a chain of rules can overflow the stack. Such a process is ended, and the
next grammar gets a new one.
"""

import asyncio
import contextlib
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path

from antiphon.engine.errors import EngineUnavailable, InvalidGrammar

# The process ends by itself before, unless the machine is that busy.
LIMIT_SECONDS = 20.0
TOO_HARD = "The grammar takes too long or too much memory to compile: make it smaller."


class GrammarChecker:
    """Checks one grammar at a time, against the tokenizer of a model folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: Process | None = None
        self._turn = asyncio.Lock()

    async def start(self) -> None:
        """Start the process, so that the first check need not; returns when it is ready.

        Raises EngineUnavailable when it can't be started.
        """
        async with self._turn:
            await self._running()

    async def check(self, source: str) -> None:
        """Raises InvalidGrammar, or EngineUnavailable when the process can't be started."""
        async with self._turn:
            message = await self._ask(await self._running(), source)
        if message:
            raise InvalidGrammar(message)

    async def stop(self) -> None:
        async with self._turn:
            await self._end()

    async def _running(self) -> Process:
        if self._process is not None and self._process.returncode is None:
            return self._process
        try:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "antiphon.engine.grammar_process"),
                str(self._folder),
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,  # a panic is written there, once for each grammar that causes one
                start_new_session=True,
            )
        except OSError as error:
            raise EngineUnavailable(f"Grammars can't be checked: {error}.") from error
        if await self._answer(self._process) != "":
            raise EngineUnavailable("Grammars can't be checked: the process for it did not start.")
        return self._process

    async def _ask(self, process: Process, source: str) -> str:
        """What is wrong with it; empty if nothing is."""
        answer = await self._answer(process, json.dumps(source).encode() + b"\n")
        return TOO_HARD if answer is None else answer

    async def _answer(self, process: Process, question: bytes = b"") -> str | None:
        """None, and no process any more, if it ended or did not answer in time."""
        assert process.stdin is not None, "it was started with pipes"
        assert process.stdout is not None, "it was started with pipes"
        try:
            process.stdin.write(question)
            line = await asyncio.wait_for(process.stdout.readline(), LIMIT_SECONDS)
            answer: str = json.loads(line)
        except (OSError, RuntimeError, TimeoutError, ValueError):  # uvloop raises the second
            await self._end()
            return None
        except asyncio.CancelledError:
            await self._end()  # its answer would be taken for that to the next question
            raise
        return answer

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
