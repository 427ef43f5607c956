"""What linear layers become on a CPU."""

import pytest
import torch
from torch import Tensor, nn

from antiphon.models.cpu_kernels.registers import REGISTERS
from antiphon.models.cpu_layout import lay_out_linears
from antiphon.models.fusion.onednn_linear import OneDnnLinear
from antiphon.models.fusion.packed_linear import pack_linears
from antiphon.models.fusion.panel_linear import Int8Linear, PanelLinear

BYTES = sorted({False, REGISTERS.has_dots})
DTYPES = [torch.float32, torch.bfloat16]


def layer(dtype: torch.dtype = torch.float32, *, bias: bool = True) -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(96, 80, bias=bias).to(dtype).requires_grad_(False)


def rows(count: int, dtype: torch.dtype = torch.float32) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(2, count, 96, generator=generator).to(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count", [1, 3, 40])
@pytest.mark.parametrize("bias", [True, False])
def test_another_layout_gives_the_same_product(dtype: torch.dtype, count: int, bias: bool) -> None:
    linear = layer(dtype, bias=bias)
    laid_out = OneDnnLinear(linear.weight, linear.bias)
    tolerance = 1e-5 if dtype == torch.float32 else 2e-2
    inputs = rows(count, dtype)
    torch.testing.assert_close(laid_out(inputs), linear(inputs), atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize("is_bfloat16", [False, True])
@pytest.mark.parametrize("count", [1, 4, 13, 40])
@pytest.mark.parametrize(("num_inputs", "num_outputs"), [(1, 1), (7, 31), (96, 64), (40, 200)])
def test_panels_give_the_same_product(
    num_inputs: int, num_outputs: int, count: int, is_bfloat16: bool
) -> None:
    torch.manual_seed(0)
    weight = torch.randn(num_outputs, num_inputs)
    weight = weight.bfloat16().float() if is_bfloat16 else weight
    inputs, bias = torch.randn(2, count, num_inputs), torch.randn(num_outputs)
    for own_bias in (None, bias):
        expected = nn.functional.linear(inputs, weight, own_bias)
        actual = PanelLinear(weight, own_bias)(inputs)
        torch.testing.assert_close(actual, expected, atol=1e-5, rtol=1e-5)


def test_panels_of_numbers_that_came_in_16_bits_take_16_bits() -> None:
    weight = layer().weight
    assert PanelLinear(weight.bfloat16().float(), None).weight_bytes * 2 == (
        PanelLinear(weight, None).weight_bytes
    )


def test_panels_multiply_16_bits_as_they_are() -> None:
    """Every kind of float32 that 16 bits can hold: the product with one is the number itself."""
    numbers = [0.0, -0.0, 1.0, -1.0, 3.38e38, -3.38e38, 2.0**-133, -(2.0**-133), torch.inf, -0.1]
    weight = torch.tensor(numbers * 7).bfloat16().float()[:, None]
    laid_out = PanelLinear(weight, None)
    assert laid_out.weight_bytes < weight.nbytes
    assert torch.equal(laid_out(torch.ones(1, 1))[0], weight[:, 0])
    assert PanelLinear(torch.full((3, 1), torch.nan), None)(torch.ones(1, 1)).isnan().all()


@pytest.mark.parametrize("is_bfloat16", [False, True])
def test_a_row_of_panels_is_the_same_to_the_last_bit_among_any_others(is_bfloat16: bool) -> None:
    weight = layer().weight
    laid_out = PanelLinear(weight.bfloat16().float() if is_bfloat16 else weight, None)
    alone = laid_out(rows(40)[:, 17:18])
    for count in range(18, 40):
        assert torch.equal(laid_out(rows(40)[:, :count])[:, 17:18], alone)


@pytest.mark.parametrize("dtype", DTYPES)
def test_eight_bits_are_a_hundredth_off(dtype: torch.dtype) -> None:
    linear = layer(dtype)
    quantized = Int8Linear(linear.weight, linear.bias)
    expected = linear(rows(20, dtype)).float()
    error = (quantized(rows(20, dtype)).float() - expected).norm() / expected.norm()
    assert 1e-4 < error < 1.5e-2


@pytest.mark.parametrize("has_dots", BYTES)
@pytest.mark.parametrize("count", [0, 1, 5, 6, 13, 40])
@pytest.mark.parametrize(("num_inputs", "num_outputs"), [(4, 1), (68, 17), (576, 33), (96, 64)])
def test_eight_bits_are_those_of_the_rounded_weight(
    num_inputs: int, num_outputs: int, count: int, has_dots: bool
) -> None:
    torch.manual_seed(0)
    weight, inputs = torch.randn(num_outputs, num_inputs), torch.randn(count, num_inputs)
    scales = weight.abs().amax(dim=1, keepdim=True) / 127
    expected = inputs.double() @ ((weight / scales).round() * scales).T.double()
    actual = Int8Linear(weight, None, has_dots=has_dots)(inputs)
    torch.testing.assert_close(actual.double(), expected, atol=5e-3, rtol=1e-4)


@pytest.mark.parametrize("has_dots", BYTES)
def test_the_largest_numbers_of_the_longest_rows_fit_their_sums(has_dots: bool) -> None:
    for sign in (1, -1):
        quantized = Int8Linear(torch.full((2, 65536), sign * 2.0), None, has_dots=has_dots)
        inputs = torch.ones(1, 65536)
        torch.testing.assert_close(quantized(inputs), torch.full((1, 2), sign * 131072.0))
        torch.testing.assert_close(quantized(-inputs), torch.full((1, 2), sign * -131072.0))


@pytest.mark.parametrize("num_inputs", [3, 70, 65540])
def test_rows_that_no_kernel_of_8_bits_takes_are_refused(num_inputs: int) -> None:
    with pytest.raises(RuntimeError, match=f"{num_inputs} inputs"):
        Int8Linear(torch.ones(1, num_inputs), None)


@pytest.mark.parametrize("has_dots", BYTES)
def test_a_row_of_eight_bits_is_the_same_to_the_last_bit_among_any_others(
    has_dots: bool,
) -> None:
    quantized = Int8Linear(layer().weight, layer().bias, has_dots=has_dots)
    alone = quantized(rows(40)[:, 17:18])
    for count in range(18, 40):
        assert torch.equal(quantized(rows(40)[:, :count])[:, 17:18], alone)


@pytest.mark.parametrize("count", [1, 20])
def test_a_row_of_zeros_gives_the_bias(count: int) -> None:
    quantized = Int8Linear(layer().weight, layer().bias)
    assert torch.equal(quantized(torch.zeros(count, 96))[-1], layer().bias)


@pytest.mark.parametrize("kind", [PanelLinear, Int8Linear])
@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_a_row_that_is_no_number_harms_no_other(
    kind: type[PanelLinear] | type[Int8Linear], bad: float
) -> None:
    laid_out = kind(layer().weight, layer().bias)
    inputs = rows(20)
    expected = laid_out(inputs)
    inputs[0, 3, 5] = bad
    output = laid_out(inputs)
    assert not output[0, 3].isfinite().any()
    assert torch.equal(output[0, 4:], expected[0, 4:])


def test_packed_layers_may_be_called_in_any_order() -> None:
    linears = [layer(), layer(bias=False), layer()]
    expected = [[linear(inputs) for linear in linears] for inputs in (rows(1), rows(2))]
    parts = pack_linears(linears)
    first, second = rows(1), rows(2)
    for index, inputs, which in [(2, first, 0), (0, second, 1), (1, first, 0), (0, first, 0)]:
        torch.testing.assert_close(parts[index](inputs), expected[which][index])


class Model(nn.Module):
    """One layer that is called, and one whose weight is reached for."""

    def __init__(self) -> None:
        super().__init__()
        self.called = layer()
        self.reached = nn.Linear(80, 16, bias=False).requires_grad_(False)

    def forward(self) -> Tensor:
        hidden: Tensor = self.called(rows(2))
        return hidden @ self.reached.weight.T


@pytest.mark.parametrize("kind", [OneDnnLinear, PanelLinear, Int8Linear])
def test_only_layers_that_are_called_are_laid_out(
    kind: type[OneDnnLinear] | type[PanelLinear] | type[Int8Linear],
) -> None:
    model = Model()
    expected = model()
    assert lay_out_linears(model, kind, model) == 1
    assert isinstance(model.called, kind)
    torch.testing.assert_close(model(), expected, atol=5e-2, rtol=5e-2)


class Broken(Int8Linear):
    """As on a processor that this was never tried on."""

    def forward(self, inputs: Tensor) -> Tensor:
        return super().forward(inputs).clamp(-0.01, 0.01)


def test_a_layer_that_computes_nonsense_is_not_used() -> None:
    model = Model()
    assert lay_out_linears(model, Broken, model) == 0
    assert type(model.called) is nn.Linear
