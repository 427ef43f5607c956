"""How one layer turns queries and keys into weights."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True)
class Scoring:
    """What attention needs to know of a layer besides its states.

    scale    multiplies every score.
    softcap  squeezes scores into (-softcap, softcap) (Gemma 2, section 2).
    sinks    [heads] extra scores that take weight and give nothing (gpt-oss).
    """

    scale: float
    softcap: float | None = None
    sinks: Tensor | None = None
