"""What can go wrong between a model's name and its loaded parts, as one tree.

ModelError
├── ModelNotFound        nothing by that name here, or offline and not cached; says what to do
├── ModelDownloadError   the source was reached (or not) and did not deliver
├── ChecksumMismatch     what came is not what was promised
├── UnsupportedModel     a file is missing, broken or of a kind that cannot be used
├── UnsafeWeights        the only weights are pickles, which can run code when they are read
└── ChatTemplateError    the template is broken or refused the conversation
    └── UnsupportedEffort  it cannot be told to think as much, or as little, as was asked

Every message is written for the person who typed the command or sent the request.
"""

from collections.abc import Iterable


class ModelError(Exception):
    """Base of every error the models layer raises on purpose."""


class ModelNotFound(ModelError):
    """There is no such model, or it is not cached and may not be fetched."""


class ModelDownloadError(ModelError):
    """Fetching failed."""


class ChecksumMismatch(ModelError):
    """A file's content is not the expected one."""

    def __init__(self, subject: str, expected: str, actual: str) -> None:
        super().__init__(f"{subject}: expected sha256 {expected}, got {actual}.")
        self.expected = expected
        self.actual = actual


class UnsupportedModel(ModelError):
    """The model is there but cannot be used."""


class UnsafeWeights(ModelError):
    """The weights exist only as pickles and nobody allowed those."""


class ChatTemplateError(ModelError):
    """The chat template could not be compiled or could not render these messages."""


class UnsupportedEffort(ChatTemplateError):
    """The chat template has no such level of reasoning. param: the request's field."""

    param = "reasoning.effort"

    def __init__(self, effort: str, supported: Iterable[str]) -> None:
        levels = ", ".join(supported) or "none at all"
        super().__init__(f"The model cannot reason with effort {effort!r}; it knows {levels}.")


class UnknownDialect(ModelError):
    """There is no dialect of this name."""


class UnsupportedGrammar(ModelError):
    """A grammar uses what cannot be carried over into the model's way of writing."""
