"""All dialects by their ids."""

from collections.abc import Mapping
from types import MappingProxyType

from antiphon.models.dialects.dialect import Dialect
from antiphon.models.dialects.header_records import HEADER_DIALECTS
from antiphon.models.dialects.json_records import JSON_DIALECTS
from antiphon.models.dialects.pythonic_records import GEMMA_DIALECTS, PYTHONIC_DIALECTS
from antiphon.models.dialects.tagged_records import TAGGED_DIALECTS
from antiphon.models.errors import UnknownDialect

DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {
        dialect.id: dialect
        for dialect in (
            *JSON_DIALECTS,
            *HEADER_DIALECTS,
            *TAGGED_DIALECTS,
            *PYTHONIC_DIALECTS,
            *GEMMA_DIALECTS,
        )
    }
)


def dialect_named(name: str) -> Dialect:
    """Raises UnknownDialect, which lists what there is."""
    if name not in DIALECTS:
        raise UnknownDialect(f"Unknown dialect {name!r}: there are {', '.join(sorted(DIALECTS))}.")
    return DIALECTS[name]
