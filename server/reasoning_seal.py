"""Reasoning as the opaque text that clients carry from turn to turn in `encrypted_content`.

An encoding and no encryption: the server keeps no key, and hides nothing from whoever asked.
"""

import base64
import json

VERSION = 1


class ForeignSeal(ValueError):
    """The text is not one that this server gave."""


def seal(text: str) -> str:
    content = json.dumps({"antiphon": VERSION, "reasoning": text}, ensure_ascii=False)
    return base64.b64encode(content.encode()).decode()


def unseal(sealed: str) -> str:
    """Raises ForeignSeal."""
    try:
        content = json.loads(base64.b64decode(sealed, validate=True))
    except (ValueError, RecursionError):
        content = None
    match content:
        case {"antiphon": 1, "reasoning": str(text)} if _is_text(text):
            return text
    raise ForeignSeal("It is not an encoding that this server gave.")


def _is_text(text: str) -> bool:
    """Half a surrogate pair can be written in JSON, but no prompt can hold it."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
