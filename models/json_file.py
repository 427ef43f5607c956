"""JSON files of a model folder: most are optional, none may be broken."""

import json
from pathlib import Path
from typing import Any

from antiphon.models.errors import UnsupportedModel


def read_json_object(path: Path) -> dict[str, Any]:
    """The object in the file, empty where there is no file. Raises UnsupportedModel if broken."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UnsupportedModel(f"{path} cannot be read as JSON: {error}.") from error
    if not isinstance(content, dict):
        raise UnsupportedModel(f"{path} must hold a JSON object.")
    return content
