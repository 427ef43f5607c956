"""From flags, environment and file to `Settings`, with mistakes told in one line."""

import os
from typing import Any

from pydantic import ValidationError

from antiphon.engine.errors import ConfigError
from antiphon.server.settings import Settings
from antiphon.server.settings_sources import (
    SettingsError,
    flag_name,
    refuse_unknown_variables,
    variable_name,
)


def load_settings(flags: dict[str, Any]) -> Settings:
    """The settings of this process.

    flags   the settings given on the command line, by field name.

    Raises SettingsError whose one line names the flag, the variable or the key in the file.
    """
    refuse_unknown_variables(os.environ, Settings.model_fields.keys())
    try:
        settings = Settings(**flags)
        settings.engine_config()
    except ValidationError as error:
        raise SettingsError(_describe(error, flags)) from error
    except ConfigError as error:
        raise SettingsError(str(error)) from error
    return settings


def _describe(error: ValidationError, flags: dict[str, Any]) -> str:
    problems = (
        f"{_source(str(problem['loc'][0]), flags)}: {problem['msg']}; got {problem['input']!r}"
        for problem in error.errors()
    )
    return "; ".join(problems)


def _source(name: str, flags: dict[str, Any]) -> str:
    if name in flags:
        return "MODEL" if name == "model" else flag_name(name)
    if os.environ.get(variable_name(name)):
        return variable_name(name)
    return f"{name} in the settings file"
