"""Where settings come from besides flags, and how a mistake in any source is named.

Knows no setting by name: the known names are an argument.
"""

import tomllib
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from pathlib import Path

ENVIRONMENT_PREFIX = "ANTIPHON_"
# Read by the model cache, which serves programs that have no settings.
FOREIGN_VARIABLES = frozenset({"ANTIPHON_CACHE_DIR"})


class SettingsError(Exception):
    """A setting is unknown or unusable; the message is one line that names its source."""


def flag_name(name: str) -> str:
    return "--" + name.replace("_", "-")


def variable_name(name: str) -> str:
    return ENVIRONMENT_PREFIX + name.upper()


def read_settings_file(path: Path, known: Collection[str]) -> dict[str, object]:
    """The settings in a TOML file. Raises SettingsError if it is unreadable or has unknown keys."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            f"settings file {path} cannot be read: {error.strerror or error}"
        ) from error
    except ValueError as error:
        raise SettingsError(f"settings file {path} is not TOML: {error}") from error
    for key in values:
        if key not in known:
            raise SettingsError(
                f"unknown key {key!r} in settings file {path}{_did_you_mean(key, known)}"
            )
    return values


def refuse_unknown_variables(environment: Mapping[str, str], known: Collection[str]) -> None:
    """Raise SettingsError for a variable with our prefix that is no setting: a typing error."""
    known_variables = {variable_name(name) for name in known} | FOREIGN_VARIABLES
    for variable in environment:
        if variable.startswith(ENVIRONMENT_PREFIX) and variable not in known_variables:
            hint = _did_you_mean(variable, known_variables)
            raise SettingsError(f"unknown environment variable {variable}{hint}")


def _did_you_mean(name: str, known: Collection[str]) -> str:
    matches = get_close_matches(name.replace("-", "_"), known, n=1)
    return f"; did you mean {matches[0]}?" if matches else ""
