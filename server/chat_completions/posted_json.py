"""A first look at posted JSON: as much as a translation needs to find its way."""

from collections.abc import Mapping

from pydantic import JsonValue

from antiphon.server.protocol.errors import InvalidParameter

Json = dict[str, JsonValue]


def list_at(posted: Mapping[str, JsonValue], key: str, param: str) -> list[JsonValue]:
    """Empty where there is none. Raises InvalidParameter, naming `param`, for anything else."""
    value = posted.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise InvalidParameter(param, f"'{param}' should be a list.")
    return value


def bool_at(posted: Mapping[str, JsonValue], key: str, param: str) -> bool:
    """False where there is none. Raises InvalidParameter, naming `param`, for anything else."""
    value = posted.get(key)
    if value is not None and not isinstance(value, bool):
        raise InvalidParameter(param, f"'{param}' should be a boolean.")
    return bool(value)


def object_at(posted: Mapping[str, JsonValue], key: str) -> Json:
    """Empty where there is none: what is missing in it will be named."""
    value = posted.get(key)
    return value if isinstance(value, dict) else {}


def picked(posted: Mapping[str, JsonValue], **keys: str) -> Json:
    """These keys under other names, as far as they are there."""
    return {name: posted[key] for name, key in keys.items() if key in posted}
