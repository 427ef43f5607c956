"""Reasoning on its way through a client's hands."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.server.reasoning_seal import ForeignSeal, seal, unseal


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_what_was_sealed_comes_back(text: str) -> None:
    assert unseal(seal(text)) == text


@pytest.mark.parametrize(
    "content",
    [b"gAAAAAB", b"{", b"[]", b'{"antiphon": 2, "reasoning": "a"}', b'{"antiphon": 1}',
     b'{"antiphon": 1, "reasoning": 5}', b'{"antiphon": 1, "reasoning": "\\ud800"}', b"\xff",
     b"[" * 100_000],
)  # fmt: skip
def test_what_somebody_else_wrote_is_told_apart(content: bytes) -> None:
    with pytest.raises(ForeignSeal):
        unseal(base64.b64encode(content).decode())


@pytest.mark.parametrize("sealed", ["", "no base64!", "é"])
def test_what_is_no_base64_is_not_ours(sealed: str) -> None:
    with pytest.raises(ForeignSeal):
        unseal(sealed)
