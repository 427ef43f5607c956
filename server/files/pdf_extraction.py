"""The text of PDFs, each read in a process of its own, whatever it does to it.

A PDF is a program of sorts: a few kilobytes can ask for gigabytes, or for a walk without an end.
"""

import asyncio
import contextlib
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from typing import Any

from antiphon.server.files.errors import UnreadableFile

MAX_PROCESSES = 4
MAX_CPU_SECONDS = 10
# The process ends by itself before, unless the machine is that busy.
LIMIT_SECONDS = 30.0
TOO_HARD = "The PDF takes too long or too much memory to read."


class PdfExtraction:
    """Reads a few PDFs at a time; further ones wait for their turn."""

    def __init__(self, max_cpu_seconds: int = MAX_CPU_SECONDS) -> None:
        self._max_cpu_seconds = max_cpu_seconds
        self._turns = asyncio.Semaphore(MAX_PROCESSES)

    async def text(self, content: bytes) -> str:
        """Raises UnreadableFile."""
        async with self._turns:
            answer = await _ask(content, self._max_cpu_seconds)
        match answer:
            case {"text": str(text)}:
                return text
            case {"complaint": str(complaint)}:
                raise UnreadableFile(complaint)
        raise UnreadableFile(TOO_HARD)


async def _ask(content: bytes, max_cpu_seconds: int) -> Any:  # noqa: ANN401 - any JSON value
    """None if the process ended without an answer, or had none in time."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "antiphon.server.files.pdf_process"),
        str(max_cpu_seconds),
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        start_new_session=True,
    )
    try:
        answer, _ = await asyncio.wait_for(process.communicate(content), LIMIT_SECONDS)
        # Megabytes of text take longer to decode than running streams may wait.
        return await asyncio.to_thread(json.loads, answer)
    except (OSError, RuntimeError, TimeoutError, ValueError):  # uvloop raises the second
        return None
    finally:
        await _end(process)


async def _end(process: Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()
