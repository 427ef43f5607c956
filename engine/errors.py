"""What can go wrong in the engine, as one tree.

EngineError
├── ConfigError             a setting is out of range; the message names the option and the fix
├── InvalidSamplingParams   a sampling parameter is out of range; `param` names it
├── InvalidGrammar          a grammar is wrong, too large or can't be satisfied
├── GrammarFailed           a running sequence could not be continued within its grammar
├── InvalidPrompt           the prompt is empty or holds ids that the model does not know
├── PromptTooLong           the prompt can never fit the context or the KV cache
├── EngineOverloaded        too many sequences are already queued
├── EngineUnavailable       the engine is starting, restarting or stopped
├── EngineStartupError      the engine could not be started; the message is one line for the user
└── EngineDied              the engine process ended while a sequence was running
"""


class EngineError(Exception):
    """Base of every error the engine raises on purpose."""


class ConfigError(EngineError):
    """A setting is out of range."""


class InvalidSamplingParams(EngineError):
    """A sampling parameter is out of range."""

    def __init__(self, param: str, message: str) -> None:
        super().__init__(message)
        self.param = param


class InvalidGrammar(EngineError):
    """A grammar is wrong, too large or can't be satisfied; the message says which."""


class GrammarFailed(EngineError):
    """A running sequence could not be continued within its grammar; others go on."""


class InvalidPrompt(EngineError):
    """The prompt is no list of the model's tokens."""


class PromptTooLong(EngineError):
    """The prompt can never fit: refused at admission, before any block is taken."""

    def __init__(self, num_prompt_tokens: int, max_prompt_tokens: int) -> None:
        super().__init__(
            f"The prompt has {num_prompt_tokens} tokens, but at most {max_prompt_tokens} fit, "
            "leaving room for one output token."
        )
        self.num_prompt_tokens = num_prompt_tokens
        self.max_prompt_tokens = max_prompt_tokens


class EngineOverloaded(EngineError):
    """Too many sequences are queued already; trying again later can help."""


class EngineUnavailable(EngineError):
    """The engine is not ready to take sequences."""


class EngineStartupError(EngineError):
    """The engine could not be started."""


class EngineDied(EngineError):
    """The engine process ended while the sequence was running."""
