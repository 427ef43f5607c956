"""Texts that clients carry and cannot read: what was thought, what was compacted.

Encrypted and authenticated with the server's own key (Fernet: AES-128-CBC and HMAC-SHA256), so
that they can be read again after a restart, and by no other server.
"""

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, InvalidToken

# A sealed reasoning is no compaction: each is only read where it belongs.
REASONING = "reasoning"
COMPACTION = "compaction"


class ForeignSeal(ValueError):
    """The text was not sealed by this server, or was changed."""

    def __init__(self) -> None:
        super().__init__("It was not encrypted by this server, or it was changed.")


class SealKeyUnusable(Exception):
    """The file with the key cannot be read, made, or used; the message is one line."""


class Seal:
    """One key. Raises SealKeyUnusable for what is none."""

    def __init__(self, key: bytes) -> None:
        try:
            self._fernet = Fernet(key)
        except ValueError as error:
            raise SealKeyUnusable(f"the key is no Fernet key: {error}") from None

    @classmethod
    def from_file(cls, path: Path) -> "Seal":
        """The key in a file, which is made when it is missing. Raises SealKeyUnusable."""
        try:
            return cls(_read_or_create(path))
        except (OSError, SealKeyUnusable) as error:
            raise SealKeyUnusable(f"The seal key in {path} cannot be used: {error}") from None

    def close(self, kind: str, content: Any) -> str:  # noqa: ANN401 - any JSON value
        """Two seals of the same content differ."""
        text = json.dumps([kind, content], ensure_ascii=False, separators=(",", ":"))
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, kind: str, sealed: str) -> Any:  # noqa: ANN401 - any JSON value
        """Raises ForeignSeal."""
        try:
            found_kind, content = json.loads(self._fernet.decrypt(sealed.encode()))
        except (InvalidToken, UnicodeEncodeError):
            raise ForeignSeal from None
        if found_kind != kind:
            raise ForeignSeal
        return content


def _read_or_create(path: Path) -> bytes:
    with contextlib.suppress(FileNotFoundError):
        return path.read_bytes().strip()
    path.parent.mkdir(parents=True, exist_ok=True)
    return _created(path)


def _created(path: Path) -> bytes:
    """Written whole before it has its name: two servers that start at once take the same key."""
    key = Fernet.generate_key()
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(key)
        os.link(draft, path)
    except FileExistsError:
        return path.read_bytes().strip()
    finally:
        draft.unlink(missing_ok=True)
    return key
