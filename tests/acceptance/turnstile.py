"""A gate for scripts that lets one delta through each time it is opened."""

import asyncio
from typing import Literal


class Turnstile(asyncio.Event):
    async def wait(self) -> Literal[True]:
        await super().wait()
        self.clear()
        return True
