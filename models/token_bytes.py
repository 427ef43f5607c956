"""What each token adds to a text, as bytes: the ground under streaming.

Bytes and not text, since one character may be spread over several tokens. A token is decoded once,
behind an anchor token, because many decoders strip the space before the first token of a text.
"""

import json
import re
from collections.abc import Mapping

import tokenizers

REPLACEMENT = "\ufffd"
BYTE_FALLBACK = re.compile(r"<0x([0-9A-Fa-f]{2})>")


class TokenBytes:
    """`token_bytes[token_id]`: computed when first asked for, then kept."""

    __slots__ = ("_anchor", "_anchor_text", "_backend", "_byte_of_character", "_known")

    def __init__(self, backend: tokenizers.Tokenizer) -> None:
        self._backend = backend
        self._known: dict[int, bytes] = {}
        self._anchor = backend.encode("a", add_special_tokens=False).ids[-1:]
        self._anchor_text = backend.decode(self._anchor, skip_special_tokens=False)
        self._byte_of_character = _byte_of_character(backend)

    def __getitem__(self, token_id: int) -> bytes:
        if token_id not in self._known:
            self._known[token_id] = self._find(token_id)
        return self._known[token_id]

    def _find(self, token_id: int) -> bytes:
        text = self._backend.decode([*self._anchor, token_id], skip_special_tokens=False)
        text = text.removeprefix(self._anchor_text)
        return self._split_character(token_id, text) if REPLACEMENT in text else text.encode()

    def _split_character(self, token_id: int, text: str) -> bytes:
        """The bytes of a token that decodes to no whole character."""
        token = self._backend.id_to_token(token_id) or ""
        if all(character in self._byte_of_character for character in token):
            return bytes(self._byte_of_character[character] for character in token)
        fallback = BYTE_FALLBACK.fullmatch(token)
        return bytes.fromhex(fallback[1]) if fallback else text.encode()


def byte_level_alphabet() -> Mapping[str, int]:
    """The printable stand-in of each byte in a byte-level vocabulary (GPT-2's encoder.py).

    Printable Latin-1 stands for itself; the other bytes, in order, take the characters from 256 on.
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    direct = {chr(byte): byte for byte in printable}
    return direct | {chr(256 + position): byte for position, byte in enumerate(others)}


def decoder_kinds(backend: tokenizers.Tokenizer) -> frozenset[str]:
    """The types of decoder that the tokenizer chains, such as ByteLevel or ByteFallback."""
    if backend.decoder is None:
        return frozenset()
    description = json.loads(backend.decoder.__getstate__())
    return frozenset(step["type"] for step in description.get("decoders", [description]))


def _byte_of_character(backend: tokenizers.Tokenizer) -> Mapping[str, int]:
    return byte_level_alphabet() if "ByteLevel" in decoder_kinds(backend) else {}
