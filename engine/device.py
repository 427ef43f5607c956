"""Where a model runs: from what a setting calls it to what people are shown."""

import torch

from antiphon.engine.errors import EngineStartupError


def find_device(name: str) -> torch.device:
    """Raises EngineStartupError for one that is unknown, not supported or not here."""
    if name == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise EngineStartupError(
            f"device {name!r} is unknown: use auto, cpu, cuda or cuda:N."
        ) from error
    if device.type not in ("cpu", "cuda"):
        raise EngineStartupError(f"device {name!r} is not supported: use auto, cpu or cuda:N.")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise EngineStartupError(
            f"device is {name!r}, but torch {torch.__version__} sees no CUDA GPU here."
        )
    if device.type == "cuda":
        torch.cuda.set_device(device)  # Triton launches on the current one
    return device


def describe_device(device: torch.device) -> str:
    """Its name, and what is behind it."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return f"{device} ({torch.get_num_threads()} threads)"
