"""Where an output begins: in the model's thinking, or not."""

from antiphon.models.dialects.dialect import Dialect


def opens_reasoning(dialect: Dialect, prompt: str) -> bool:
    """Whether the rendered prompt ends inside the model's thinking.

    Only its very end counts: the same tag may stand anywhere in what a user wrote.
    """
    end = prompt.rstrip()
    return any(end.endswith(tags.open.rstrip()) for tags in dialect.reasoning if tags.open)
