"""Codex as a process: what it is told in its configuration, and how it is run."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.clients.client import client_variables
from tests.clients.environment import node_command, node_folder

# By default Codex says 9,000 tokens before the user says anything.
FEW_TOOLS = """
web_search = "disabled"
include_permissions_instructions = false
include_environment_context = false

[agents]
enabled = false

[features]
goals = false

[skills]
include_instructions = false
"""
CONFIGURATION = """
model = "{model}"
model_provider = "antiphon"
model_context_window = 100000
check_for_update_on_startup = false
{more}
[analytics]
enabled = false

[feedback]
enabled = false

[model_providers.antiphon]
name = "antiphon"
base_url = "{url}/v1"
wire_api = "responses"
supports_websockets = {has_socket}
request_max_retries = 0
stream_max_retries = 0
"""


@dataclass(frozen=True, slots=True)
class Codex:
    """
    home        of Codex itself: its configuration and its logs.
    workshop    the folder it is started in.
    """

    command: list[str]
    variables: dict[str, str]
    home: Path
    workshop: Path

    @classmethod
    def at(cls, folder: Path) -> "Codex":
        """Builds its environment if need be, and skips the test where there is no npm."""
        program = node_folder() / "node_modules" / "@openai" / "codex" / "bin" / "codex.js"
        home, workshop = folder / "home", folder / "workshop"
        home.mkdir()
        workshop.mkdir()
        variables = client_variables(home) | {"CODEX_HOME": str(home)}
        return cls([node_command()[0], str(program)], variables, home, workshop)

    def configure(
        self, *, url: str, model: str, more: str = FEW_TOOLS, has_socket: bool = False
    ) -> None:
        configuration = CONFIGURATION.format(
            model=model, url=url, more=more, has_socket=str(has_socket).lower()
        )
        (self.home / "config.toml").write_text(configuration)

    @asynccontextmanager
    async def started(self, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
        process = await asyncio.create_subprocess_exec(
            *self.command,
            "exec",
            "--skip-git-repo-check",
            # Its sandbox needs rights that a container may lack; the commands are ours.
            "--dangerously-bypass-approvals-and-sandbox",
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=self.workshop,
            env=self.variables,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)

    async def execute(self, *arguments: str) -> "Ending":
        async with self.started(*arguments) as process:
            printed, told = await process.communicate()
        return Ending(process.returncode, printed.decode(), told.decode())


@dataclass(frozen=True, slots=True)
class Ending:
    """
    printed     the last message, on standard output.
    told        what happened on the way, on standard error.
    """

    code: int | None
    printed: str
    told: str
