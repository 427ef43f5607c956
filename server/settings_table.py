"""The settings as a table: one row a field, for the flags' help and for docs/settings.md.

`python -m antiphon.server.settings_table > docs/settings.md` writes the page anew.
"""

import types
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import ByteSize
from pydantic.fields import FieldInfo

from antiphon.server.settings import Settings
from antiphon.server.settings_sources import flag_name, variable_name

PAGE = """# Settings

Every setting can be a flag of `antiphon serve`, an environment variable or a key in a TOML file.
A flag wins over the environment, the environment over the file, the file over the default.
An empty variable counts as unset.

The file is the one named by `--config` or `ANTIPHON_CONFIG`; none is looked for. Its keys are the
names in the first column, without sections:

```toml
model = "smollm2-135m"
max_num_seqs = 64
kv_cache_memory = "4GiB"
```

An unknown flag, `ANTIPHON_*` variable or key is an error that names it. `ANTIPHON_CACHE_DIR`, the
folder in which `antiphon pull` keeps models, is the one variable that is no setting. Relative paths
start at the working directory.

| setting | flag | variable | value | default | meaning |
|---|---|---|---|---|---|
{rows}

This page is made by `python -m antiphon.server.settings_table`.
"""

VALUE_NAMES: dict[object, str] = {bool: "true|false", int: "number", float: "seconds", str: "text"}


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting as people read it; `value` lists the choices or names the kind of value."""

    name: str
    value: str
    default: str
    description: str
    is_switch: bool
    is_list: bool

    @property
    def flag(self) -> str:
        """The option as typed; a switch names both of its forms."""
        flag = flag_name(self.name)
        return f"{flag}/--no-{flag.removeprefix('--')}" if self.is_switch else flag


def setting_rows() -> list[SettingRow]:
    """All settings, in the order of the fields."""
    return [_row(name, field) for name, field in Settings.model_fields.items()]


def settings_page() -> str:
    """The text of docs/settings.md."""
    return PAGE.format(rows="\n".join(_markdown(row) for row in setting_rows()))


def _row(name: str, field: FieldInfo) -> SettingRow:
    kind = _without_none(field.annotation)
    return SettingRow(
        name=name,
        value=_value(kind),
        default=_default(field.default),
        description=field.description or "",
        is_switch=kind is bool,
        is_list=get_origin(kind) is tuple,
    )


def _without_none(annotation: Any) -> Any:  # noqa: ANN401
    """The type behind `X | None` and `Annotated`."""
    if get_origin(annotation) in (Union, types.UnionType):
        [annotation] = [member for member in get_args(annotation) if member is not type(None)]
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _value(kind: Any) -> str:  # noqa: ANN401
    if get_origin(kind) is Literal:
        return "|".join(get_args(kind))
    if get_origin(kind) is tuple:
        return "names"
    if issubclass(kind, Enum):
        return "|".join(str(member.value) for member in kind)
    if kind is ByteSize:
        return "bytes"
    return VALUE_NAMES.get(kind, "file")


def _default(default: object) -> str:
    if default is None:
        return ""
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, ByteSize):
        return default.human_readable(separator="").replace(".0", "")
    return f"{default:g}" if isinstance(default, float) else str(default)


def _markdown(row: SettingRow) -> str:
    flag = "first argument" if row.name == "model" else f"`{row.flag.replace('/', '`, `')}`"
    value = row.value.replace("|", ", ")
    default = f"`{row.default}`" if row.default else ""
    cells = (f"`{row.name}`", flag, f"`{variable_name(row.name)}`", value, default, row.description)
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    print(settings_page(), end="")
