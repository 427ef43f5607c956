"""What a number was measured on: processor, GPU, versions and commit."""

import os
import platform
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import torch

from antiphon.engine.generation import EngineCard

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Hardware:
    """Everything a reader needs to place a number.

    num_threads  that torch computes with on the CPU.
    gpu          its name, memory and driver; None when the benchmark runs on the CPU.
    commit       of this repository, "-dirty" behind it when files were changed; None without git.
    """

    cpu: str
    num_cores: int
    num_threads: int
    gpu: str | None
    torch_version: str
    transformers_version: str
    python_version: str
    commit: str | None

    @classmethod
    def of(cls, device: torch.device) -> "Hardware":
        return cls(
            cpu=_cpu_name(),
            num_cores=os.cpu_count() or 1,
            num_threads=torch.get_num_threads(),
            gpu=_gpu_name(device) if device.type == "cuda" else None,
            torch_version=torch.__version__,
            transformers_version=metadata.version("transformers"),
            python_version=platform.python_version(),
            commit=_output("git", "describe", "--always", "--dirty"),
        )

    def __str__(self) -> str:
        processor = f"{self.cpu}, {self.num_cores} cores, {self.num_threads} threads"
        versions = (
            f"torch {self.torch_version}, transformers {self.transformers_version}, "
            f"Python {self.python_version}, commit {self.commit or 'unknown'}"
        )
        return "; ".join(part for part in (self.gpu, processor, versions) if part)


def device_of(card: EngineCard) -> torch.device:
    """The card names the device for people, with what it is behind it."""
    return torch.device(card.device.partition(" ")[0])


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _gpu_name(device: torch.device) -> str:
    properties = torch.cuda.get_device_properties(device)
    drivers = _output("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader")
    driver = f", driver {drivers.splitlines()[0]}" if drivers else ""
    return f"{properties.name}, {properties.total_memory / 2**30:.0f} GiB{driver}"


def _output(*command: str) -> str | None:
    """What the command prints; None if it is missing or fails."""
    try:
        completed = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    except (OSError, subprocess.CalledProcessError):
        return None
    return completed.stdout.strip() or None
