"""exp() for many float32 numbers at once: libm's takes one at a time."""

import numpy as np

from antiphon.models.cpu_kernels.arrays import Floats, Integers
from antiphon.models.cpu_kernels.loops import loop

LOG2_E = np.float32(1.4426950408889634)
# 2^f for f in [-1/2, 1/2]: the series of exp(f * ln 2), whose next term is below 1e-8.
C1 = np.float32(0.6931471805599453)
C2 = np.float32(0.2402265069591007)
C3 = np.float32(0.05550410866482158)
C4 = np.float32(0.009618129107628477)
C5 = np.float32(0.0013333558146428443)
C6 = np.float32(0.00015403530393381608)
MAX_EXPONENT = np.float32(127)
MIN_EXPONENT = np.float32(-126)  # below it: zero or a number too small to count


@loop
def exponentiate(values: Floats, powers: Integers) -> None:
    """values[i] becomes exp(values[i]), within 2^-126 and 2^127.

    The relative error is 1e-7 around 0 and grows with |values[i]| to 4e-6 at the ends. NaN for
    NaN and for infinities.

    powers  [at least as many] int32, scratch: reread as float32, 2^n for the whole part n.
    """
    for index in range(len(values)):
        value = values[index]
        exponent = min(max(value * LOG2_E, MIN_EXPONENT), MAX_EXPONENT)
        whole = np.floor(exponent + np.float32(0.5))
        f = exponent - whole
        power = np.float32(1) + f * (C1 + f * (C2 + f * (C3 + f * (C4 + f * (C5 + f * C6)))))
        values[index] = power + value * np.float32(0)
        powers[index] = (np.int32(whole) + np.int32(127)) << np.int32(23)
    scales = powers.view(np.float32)
    for index in range(len(values)):
        values[index] *= scales[index]
