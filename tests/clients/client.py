"""Who is tried against the server, and how each of them is run."""

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tests.clients.environment import node_command, node_folder, python_command

NODE = "node"


class Scenario(StrEnum):
    """What clients go through, the last two only where they can; drivers have methods so named."""

    TEXT = "text"
    STREAM = "stream"
    TURNS = "turns"
    TOOL = "tool"
    FORM = "form"
    ERRORS = "errors"
    DEPARTURE = "departure"
    CHAIN = "chain"
    SOCKET = "socket"


COMMON = tuple(Scenario)[:-2]


@dataclass(frozen=True, slots=True)
class Client:
    """
    environment     the name of its pins in `environments/`.
    driver          the name of its file in `drivers/`.
    not_found       the class of its error for a model that is unknown.
    bad_request     the class of its error for a parameter that is out of range.
    extras          what it can do beyond `COMMON`.
    """

    name: str
    environment: str
    driver: str
    not_found: str = "NotFoundError"
    bad_request: str = "BadRequestError"
    extras: tuple[Scenario, ...] = (Scenario.CHAIN,)

    @property
    def scenarios(self) -> tuple[Scenario, ...]:
        return COMMON + self.extras

    def command(self, *arguments: str) -> list[str]:
        """Builds its environment if need be."""
        if self.environment == NODE:
            driver = node_folder() / "drivers" / f"{self.driver}.mjs"
            return [*node_command(), str(driver), *arguments]
        module = f"tests.clients.drivers.{self.driver}"
        return [*python_command(self.environment), module, *arguments]


CHAIN_AND_SOCKET = (Scenario.CHAIN, Scenario.SOCKET)

CLIENTS = (
    Client("OpenAI Python 3", "openai_3", "openai_sdk", extras=CHAIN_AND_SOCKET),
    Client("OpenAI Python 2", "openai_2", "openai_sdk"),
    Client("OpenAI Node", NODE, "openai_sdk", extras=CHAIN_AND_SOCKET),
    Client("Agents Python", "openai_3", "agents_sdk", extras=CHAIN_AND_SOCKET),
    Client("Agents JS", NODE, "agents_sdk"),
    Client("AI SDK, OpenAI", NODE, "ai_sdk_openai", "APICallError", "APICallError"),
    Client(
        "AI SDK, Open Responses",
        NODE,
        "ai_sdk_open_responses",
        "APICallError",
        "APICallError",
        extras=(),
    ),
    Client(
        "LangChain Python",
        "openai_3",
        "langchain_sdk",
        "OpenAIModelNotFoundError",
        "OpenAIInvalidRequestError",
    ),
    Client("LangChain JS", NODE, "langchain_sdk"),
    Client(
        "Pydantic AI",
        "openai_3",
        "pydantic_ai_sdk",
        "ModelNotFoundError",
        "ModelRequestRejectedError",
    ),
    Client("LiteLLM", "openai_2", "litellm_responses"),
    Client("LiteLLM, chat completions", "openai_2", "litellm_bridge", extras=()),
)


def client_variables(home: Path) -> dict[str, str]:
    """All that a client finds in its environment: a home of its own, and nobody to call."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        # What is not on this machine is asked for at a port where nobody listens.
        "HTTP_PROXY": "http://127.0.0.1:9",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "NO_PROXY": "127.0.0.1",
        "NODE_USE_ENV_PROXY": "1",
        "OPENAI_AGENTS_DISABLE_TRACING": "1",
        "LANGSMITH_TRACING": "false",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "DO_NOT_TRACK": "1",
    }
