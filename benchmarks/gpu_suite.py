"""Is everything that needs a GPU right, and how fast is it there?

One command for a machine that is at hand for ten minutes: the tests of tests/gpu and of the
kernels, the kernels' speed, decode steps of Qwen3-8B's shape beside the roofline, and nano-vllm's
offline workload on that shape with transformers' own two ways beside it. Ends with one table and
one line of JSON. Without a GPU it says so and fails, as nothing was checked.

    python -m benchmarks.gpu_suite
"""

import sys

import torch

from benchmarks.suite_part import Part, run_part
from benchmarks.suite_report import publish_suite

SHAPE = ("--shape", "qwen3-8b")

# Each has a limit of its own, ten minutes together: one that hangs leaves the others theirs.
PARTS = (
    Part("tests", ("pytest", "-q", "-m", "gpu", "tests/gpu"), 150.0),
    Part("kernels' tests", ("pytest", "-q", "tests/models/kernels"), 80.0),
    Part("decode", ("benchmarks.bench_decode", *SHAPE, "--batch", "1,8,32,256"), 150.0),
    Part("offline", ("benchmarks.bench_offline", *SHAPE), 80.0),
    Part(
        "offline, generate()",
        ("benchmarks.bench_offline", *SHAPE, "--contender", "generate", "--requests", "1"),
        45.0,
    ),
    Part(
        "offline, continuous batching",
        (
            "benchmarks.bench_offline",
            *SHAPE,
            *("--contender", "continuous-batching", "--requests", "32"),
        ),
        60.0,
    ),
    Part("kernels", ("benchmarks.bench_kernels", "--repeats", "5"), 35.0),
)


def main() -> int:
    """0 if every part passed, 1 otherwise."""
    if not torch.cuda.is_available():
        print(f"There is no CUDA GPU here (torch {torch.__version__}): nothing was run.")
        return 1
    outcomes = [run_part(part) for part in PARTS]
    publish_suite(outcomes)
    return 0 if all(outcome.passed for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
