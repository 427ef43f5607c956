"""Kernels with the registers of other processors than the one that runs this."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = """
from dataclasses import replace
import torch
from antiphon.models.cpu_kernels.registers import REGISTERS
from antiphon.models.fusion.panel_linear import Int8Linear, PanelLinear
assert REGISTERS.lanes == {lanes} and not REGISTERS.has_dots
torch.manual_seed(0)
for weight in (torch.randn(70, 40), torch.randn(70, 40).bfloat16().float()):
    for count in (1, 6, 13):
        rows = torch.randn(count, 40)
        torch.testing.assert_close(PanelLinear(weight, None)(rows), rows @ weight.T)
        error = Int8Linear(weight, None)(rows) - rows @ weight.T
        assert error.norm() < 0.02 * (rows @ weight.T).norm()
from tests.models.cpu_kernels.test_paged_attention import LONG, check
for num_heads in (1, 2, 3, 4, 5, 8):
    check(replace(LONG, num_heads=num_heads, num_kv_heads=1, key_dim=70, value_dim=36))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("processor", "features", "lanes"),
    [
        pytest.param("haswell", "+avx,+avx2,+fma", 8, id="AVX2"),
        pytest.param("x86-64", "+sse2", 4, id="SSE2"),
        pytest.param("skylake-avx512", "+avx512f,+avx2,+fma", 16, id="AVX-512 without VNNI"),
    ],
)
def test_kernels_are_compiled_for_smaller_processors(
    processor: str, features: str, lanes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CPU_NAME", processor)
    monkeypatch.setenv("NUMBA_CPU_FEATURES", features)
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    program = PROGRAM.format(lanes=lanes)
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT, timeout=240)
