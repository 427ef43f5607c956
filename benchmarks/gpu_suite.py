"""Is everything that needs a GPU right, and how fast is it there?

One command for a machine that is at hand for ten minutes: the tests of tests/gpu, then
`bench_decode` for the shape of Qwen3-8B. Ends with that benchmark's line of JSON. Without a GPU it
says so and fails, as nothing was checked.

    python benchmarks/gpu_suite.py
"""

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import torch

ROOT = Path(__file__).parents[1]


class Part(NamedTuple):
    """A module with its arguments, and the seconds after which it is stopped."""

    arguments: tuple[str, ...]
    limit_seconds: float


# Each has a limit of its own, so that tests that hang leave the benchmark its time.
PARTS = (
    Part(("pytest", "-m", "gpu", "tests/gpu"), 270.0),
    Part(("benchmarks.bench_decode", "--shape", "qwen3-8b", "--batch", "1,8,32"), 300.0),
)


def main() -> int:
    """0 if every part passed, 1 otherwise."""
    if not torch.cuda.is_available():
        print(f"There is no CUDA GPU here (torch {torch.__version__}): nothing was run.")
        return 1
    passed = [run_part(part) for part in PARTS]
    return 0 if all(passed) else 1


def run_part(part: Part) -> bool:
    """Its output is shown as it comes."""
    print(f"$ python -m {' '.join(part.arguments)}", flush=True)
    command = [sys.executable, "-m", *part.arguments]
    try:
        completed = subprocess.run(command, cwd=ROOT, timeout=part.limit_seconds, check=False)
    except subprocess.TimeoutExpired:
        print(f"{part.arguments[0]}: stopped after {part.limit_seconds:.0f} seconds", flush=True)
        return False
    return completed.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
