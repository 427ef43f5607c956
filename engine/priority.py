"""Who comes first where not all can be served at once."""

from enum import StrEnum


class Priority(StrEnum):
    """How urgent its caller says a sequence is; named as OpenAI's service tiers."""

    PRIORITY = "priority"
    DEFAULT = "default"
    FLEX = "flex"

    @property
    def patience_seconds(self) -> float:
        """How long it lets others of any kind go first that arrived after it.

        So it is bounded how long anybody waits for the sake of more urgent sequences: one that has
        waited that long is ahead of every newcomer.
        """
        return PATIENCE_SECONDS[self]


PATIENCE_SECONDS = {Priority.PRIORITY: 0.0, Priority.DEFAULT: 30.0, Priority.FLEX: 300.0}
