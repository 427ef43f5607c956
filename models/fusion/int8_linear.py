"""A linear layer on a CPU with 8-bit weights and 16-bit activations, multiplied as integers.

Each row of the weight has a scale of its own. Each token's activations are scaled by their largest
and rounded to a high and a low byte; one product takes both as rows, and the results are put
together again. Sums of integers are exact: what a token gives doesn't depend on the tokens beside
it. Eight bits of activations would be half the work, but cost a small model three percent of its
perplexity: docs/performance.md has the numbers.
"""

import warnings
from typing import Any

import torch
from torch import Tensor, nn

LARGEST_BYTE = 127
LOW_STEPS = 254  # steps of the low byte in one step of the high byte
ZERO_POINT = 128  # the product takes unsigned bytes: this one stands for zero
BACKEND = "x86"


class Int8Linear(nn.Module):
    """Raises RuntimeError where torch was built without such products."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        self.out_features, self._in_features = weight.shape
        self.weight_bytes = weight.numel()
        self.bias = bias
        self._weight = _packed(weight.float())
        self._largest_byte = torch.tensor(float(LARGEST_BYTE))
        self._multiply = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32.default

    def forward(self, inputs: Tensor) -> Tensor:
        rows = inputs.reshape(-1, self._in_features).float()
        largest = rows.abs().amax(dim=-1, keepdim=True)
        # A row of zeros becomes NaN here and some integer below, which is multiplied by zero.
        scaled = rows * (self._largest_byte / largest)
        high = scaled.round()
        low = scaled.sub_(high).mul_(LOW_STEPS)
        products: Tensor = self._multiply(torch.cat((high, low)), 1.0, ZERO_POINT, self._weight)
        high_products, low_products = products.chunk(2)
        output = high_products.add_(low_products, alpha=1 / LOW_STEPS).mul_(largest)
        if self.bias is not None:
            output += self.bias
        return output.view(*inputs.shape[:-1], self.out_features).to(inputs.dtype)


def _packed(weight: Tensor) -> Any:  # noqa: ANN401 (a type of torch's own)
    """Rounded row by row; a step of the activations' high byte is taken into the scales."""
    scales = row_scales(weight)
    with warnings.catch_warnings():
        # torch means to drop this type; what replaces it takes a third longer for one row.
        warnings.simplefilter("ignore", UserWarning)
        quantized = torch.quantize_per_channel(
            weight / LARGEST_BYTE,
            scales.double() / LARGEST_BYTE,
            torch.zeros(len(weight), dtype=torch.int64),
            axis=0,
            dtype=torch.qint8,
        )
    torch.backends.quantized.engine = BACKEND
    return torch.ops.quantized.linear_prepack(quantized, None)


def row_scales(weight: Tensor) -> Tensor:
    """[out]: what one step of an 8-bit weight is worth in each row of [out, in]."""
    largest = weight.abs().amax(dim=1).clamp_min(torch.finfo(torch.float32).tiny)
    return largest / LARGEST_BYTE
