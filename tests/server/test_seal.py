"""What clients carry: readable by this server only, and only as it was given."""

from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from antiphon.server.seal import COMPACTION, REASONING, ForeignSeal, Seal, SealKeyUnusable
from tests.serving import SEAL


@pytest.mark.parametrize("content", ["", "Hm.", "👋" * 1000, {"a": [1, None]}])
def test_what_was_sealed_can_be_opened(content: object) -> None:
    sealed = SEAL.close(REASONING, content)
    assert SEAL.open(REASONING, sealed) == content


def test_sealed_text_shows_nothing_of_its_content() -> None:
    assert "secret" not in SEAL.close(REASONING, "secret")


@pytest.mark.parametrize("place", [0, 10, -1])
def test_changed_seal_is_foreign(place: int) -> None:
    sealed = list(SEAL.close(REASONING, "Hm."))
    sealed[place] = "A" if sealed[place] != "A" else "B"
    with pytest.raises(ForeignSeal):
        SEAL.open(REASONING, "".join(sealed))


@pytest.mark.parametrize("text", ["", "gAAAAAB", "ü", "\ud800", "x" * 10_000])
def test_what_was_never_sealed_is_foreign(text: str) -> None:
    with pytest.raises(ForeignSeal):
        SEAL.open(REASONING, text)


def test_seal_of_another_key_or_of_another_kind_is_foreign() -> None:
    other = Seal(Fernet.generate_key())
    with pytest.raises(ForeignSeal):
        SEAL.open(REASONING, other.close(REASONING, "Hm."))
    with pytest.raises(ForeignSeal):
        SEAL.open(COMPACTION, SEAL.close(REASONING, "Hm."))


def test_key_is_made_once_and_found_again(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "seal.key"
    sealed = Seal.from_file(path).close(REASONING, "Hm.")
    assert Seal.from_file(path).open(REASONING, sealed) == "Hm."
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_file_that_holds_no_key_is_told_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "seal.key"
    path.write_text("no key")
    with pytest.raises(SealKeyUnusable, match=r"seal\.key"):
        Seal.from_file(path)
    with pytest.raises(SealKeyUnusable, match="cannot be used"):
        Seal.from_file(path / "below")
