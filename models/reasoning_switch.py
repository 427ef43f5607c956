"""The variables of a chat template that tell its model to think, and how much."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from antiphon.models.errors import UnsupportedEffort

Variables = Mapping[str, Any]

OFF = "none"
EFFORTS = (OFF, "minimal", "low", "medium", "high", "xhigh")


@dataclass(frozen=True, slots=True)
class ReasoningSwitch:
    """settings: the variables for each effort that the template can be asked for."""

    settings: Mapping[str, Variables]

    def variables(self, effort: str | None) -> Variables:
        """For a request's `reasoning.effort`; None, nothing asked, leaves it to the template.

        Raises UnsupportedEffort.
        """
        if effort is None:
            return {}
        if effort not in self.settings:
            raise UnsupportedEffort(effort, self.settings)
        return self.settings[effort]

    @property
    def thinking(self) -> Variables:
        """What surely makes the model think, if anything does."""
        efforts = [effort for effort in ("high", *EFFORTS[1:]) if effort in self.settings]
        return self.settings[efforts[0]] if efforts else {}
