"""What the interpreter lets pass and a compiler does not: types, branches, shared memory."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
HOPPER = 90
SHARED_MEMORY_BYTES = 227 * 2**10


@pytest.mark.slow
def test_every_kernel_compiles_for_a_gpu_that_is_not_here(tmp_path: Path) -> None:
    module = "tests.models.kernels.compile_kernels"
    completed = subprocess.run(
        [sys.executable, "-m", module, str(HOPPER), str(SHARED_MEMORY_BYTES)],
        cwd=ROOT,
        env=os.environ | {"TRITON_INTERPRET": "0", "TRITON_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, completed.stderr
    kernels = [json.loads(line) for line in completed.stdout.splitlines()]
    assert {kernel["name"] for kernel in kernels} == {
        "attention_kernel",
        "merge_kernel",
        "_store_kernel",
        "_norm_kernel",
        "_rotary_kernel",
        "_gate_kernel",
        "_mask_kernel",
    }
    assert max(kernel["shared"] for kernel in kernels) <= SHARED_MEMORY_BYTES
