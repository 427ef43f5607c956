"""Where a model folder keeps its chat templates: a file of its own, or a field of a JSON file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from antiphon.models.errors import UnsupportedModel
from antiphon.models.json_file import read_json_object


@dataclass(frozen=True, slots=True)
class TemplateSources:
    """The Jinja text for conversations, and a second one for when tools are given, if any."""

    default: str
    tool_use: str | None = None


def read_template_sources(folder: Path) -> TemplateSources | None:
    """Files before fields, tokenizer_config.json before chat_template.json; None without any.

    Raises UnsupportedModel when one is there and cannot be read.
    """
    templates = _from_files(folder)
    for name in ("tokenizer_config.json", "chat_template.json"):
        templates = templates or _from_field(folder / name)
    if "default" not in templates:
        return None
    return TemplateSources(templates["default"], templates.get("tool_use"))


def _from_files(folder: Path) -> dict[str, str]:
    files = {file.stem: file for file in (folder / "additional_chat_templates").glob("*.jinja")}
    if (folder / "chat_template.jinja").is_file():
        files["default"] = folder / "chat_template.jinja"
    return {name: _read(file) for name, file in files.items()}


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnsupportedModel(f"{file} cannot be read: {error}.") from error


def _from_field(path: Path) -> dict[str, str]:
    field: Any = read_json_object(path).get("chat_template")
    match field:
        case None:
            return {}
        case str():
            return {"default": field}
        case [*entries] if all(_is_named_template(entry) for entry in entries):
            return {entry["name"]: entry["template"] for entry in entries}
    raise UnsupportedModel(f"{path}: chat_template must be a string or a list of named templates.")


def _is_named_template(entry: object) -> bool:
    match entry:
        case {"name": str(), "template": str()}:
            return True
    return False
