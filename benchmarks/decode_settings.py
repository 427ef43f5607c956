"""What `bench_decode` is asked to do, and what follows for device, type and memory."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from antiphon.engine.config import DTYPES
from antiphon.engine.device import find_device
from antiphon.engine.errors import ConfigError
from antiphon.models.progress import Progress, ignore_progress
from benchmarks.dummy_model import DummyModel, Room
from benchmarks.roofline import Roofline, measure_bandwidth
from benchmarks.shapes import config_folder

PREFILL_TOKENS = 2048  # of prompts per step, before the clock runs


@dataclass(frozen=True, slots=True)
class Settings:
    """One run.

    shape           a `Shape`, or a folder with a config.json.
    context         tokens of each prompt; the timed steps come after them.
    bandwidth_gb_s  None is measured.
    enforce_eager   no captured graphs on CUDA.
    """

    shape: str
    batch_sizes: tuple[int, ...]
    context: int
    steps: int
    warmup_steps: int
    repeats: int
    device: str
    dtype: str
    bandwidth_gb_s: float | None
    num_threads: int | None
    seed: int
    enforce_eager: bool = False

    @property
    def room(self) -> Room:
        """The first sequences gain tokens while the last prompts are still being computed."""
        largest = max(self.batch_sizes)
        prompts_per_step = max(1, PREFILL_TOKENS // self.context)
        prefill_steps = -(-largest // prompts_per_step) * -(-self.context // PREFILL_TOKENS)
        num_tokens = self.context + prefill_steps + self.warmup_steps + self.steps + 1
        return Room(max_batch_size=largest, max_model_len=num_tokens)

    def load(self, progress: Progress = ignore_progress) -> DummyModel:
        """Raises ModelError or EngineError."""
        device = find_device(self.device)
        with TemporaryDirectory() as workspace:
            return DummyModel.load(
                config_folder(self.shape, Path(workspace)),
                device=device,
                dtype=choose_dtype(self.dtype, device),
                room=self.room,
                seed=self.seed,
                enforce_eager=self.enforce_eager,
                progress=progress,
            )

    def roofline(self, model: DummyModel) -> Roofline:
        bandwidth = (
            1e9 * self.bandwidth_gb_s
            if self.bandwidth_gb_s is not None
            else measure_bandwidth(model.network.device)
        )
        return Roofline(model.weight_bytes, model.network.kv_bytes_per_token, bandwidth)


def choose_dtype(name: str, device: torch.device) -> torch.dtype:
    """Raises ConfigError for a type that weights can't have."""
    if name not in DTYPES:
        raise ConfigError(f"dtype must be one of {', '.join(DTYPES)}; got {name!r}")
    if name == "auto":
        name = "bfloat16" if device.type == "cuda" else "float32"
    dtype = getattr(torch, name)
    assert isinstance(dtype, torch.dtype)
    return dtype
