"""The folder where fetched and converted models are kept. A model is there whole, or not at all."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from antiphon.models.errors import ModelNotFound
from antiphon.models.provenance import Provenance, Source


@dataclass(frozen=True, slots=True)
class ModelCache:
    """One folder per model under `root`/models; a key is that folder's name."""

    root: Path

    @classmethod
    def default(cls) -> "ModelCache":
        """ANTIPHON_CACHE_DIR, else the user's cache directory."""
        chosen = os.environ.get("ANTIPHON_CACHE_DIR")
        return cls(
            Path(chosen).expanduser() if chosen else platformdirs.user_cache_path("antiphon")
        )

    def folder(self, key: str) -> Path:
        """Where the model is or will be."""
        return self.root / "models" / key

    def is_complete(self, key: str) -> bool:
        """A quick check: the record is there and every file it lists has its size."""
        folder = self.folder(key)
        provenance = Provenance.read(folder)
        return provenance is not None and provenance.fits_sizes(folder)

    def verify(self, key: str) -> None:
        """Read every file again. Raises ModelNotFound, ChecksumMismatch."""
        if not self.is_complete(key):
            raise ModelNotFound(f"{self.folder(key)} is not complete; pull the model again.")
        provenance = Provenance.read(self.folder(key))
        assert provenance is not None
        provenance.require_contents(self.folder(key))

    @contextmanager
    def publish(self, key: str, source: Source) -> Iterator[Path]:
        """An empty folder to fill; when the block ends well it becomes the model, recorded.

        Any number of processes may publish the same key at once: the first to end wins, and the
        others keep what it made. When the block fails, nothing is left behind.
        """
        self.folder(key).parent.mkdir(parents=True, exist_ok=True)
        prefix = f"{key}.part-{os.getpid()}-"
        part = Path(tempfile.mkdtemp(prefix=prefix, dir=self.folder(key).parent))
        try:
            yield part
            Provenance.of(part, source).write(part)
            part.chmod(0o755)  # mkdtemp makes it private
            self._install(part, key)
        finally:
            shutil.rmtree(part, ignore_errors=True)

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        """A folder on the cache's disk for what is needed on the way; removed at the end."""
        self.root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="workspace-", dir=self.root) as folder:
            yield Path(folder)

    def _install(self, part: Path, key: str) -> None:
        """One rename; in its way may stand another's whole model, or a broken one to replace."""
        try:
            part.rename(self.folder(key))
        except OSError:
            if self.is_complete(key):
                return
            self._discard(key)
            part.rename(self.folder(key))

    def _discard(self, key: str) -> None:
        # Renamed before it is removed, so that nobody ever sees half a model under its name.
        doomed = Path(tempfile.mkdtemp(prefix=f"{key}.part-", dir=self.folder(key).parent))
        self.folder(key).rename(doomed / "broken")
        shutil.rmtree(doomed, ignore_errors=True)
