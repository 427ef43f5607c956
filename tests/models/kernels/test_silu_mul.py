import pytest
import torch
import torch.nn.functional as F

from antiphon.models.kernels.silu_mul import gelu_tanh_mul, silu_mul

# The exponential's last bit, and what it turns after rounding to 16.
TOLERANCES = {torch.float32: 1e-5, torch.float16: 2**-9, torch.bfloat16: 2**-6}


# The interpreter's numpy warns of an exponential that is infinite, as it should be.
@pytest.mark.filterwarnings("ignore:overflow encountered in exp")
@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("shape", [(1, 3, 40), (2, 1, 2600), (5, 64)])
def test_gates_open_as_in_torch(
    shape: tuple[int, ...], dtype: torch.dtype, device: torch.device
) -> None:
    packed = 4 * torch.randn(shape, device=device).to(dtype)
    gate, up = packed.chunk(2, dim=-1)
    tolerance = TOLERANCES[dtype]
    for actual, expected in (
        (silu_mul(packed), F.silu(gate) * up),
        (gelu_tanh_mul(packed), F.gelu(gate, approximate="tanh") * up),
    ):
        torch.testing.assert_close(actual, expected, atol=tolerance, rtol=tolerance)


def test_rows_may_lie_apart(device: torch.device) -> None:
    wide = torch.randn(3, 100, device=device)
    packed = wide[:, :32]
    torch.testing.assert_close(silu_mul(packed), silu_mul(packed.contiguous()))
