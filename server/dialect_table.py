"""The dialects as a table, for docs/dialect_table.md.

`python -m antiphon.server.dialect_table > docs/dialect_table.md` writes the page anew.
"""

from antiphon.models.dialects.dialect import (
    Dialect,
    GemmaBody,
    HarmonyBody,
    HeaderJsonBody,
    JsonBody,
    PythonicBody,
    TaggedBody,
)
from antiphon.models.dialects.registry import DIALECTS

PAGE = """# All dialects

A call of `f` with `a` = 1, as each is held to write it; see [dialects.md](dialects.md).

| id | kind | thinking | call |
|---|---|---|---|
{rows}

This page is made by `python -m antiphon.server.dialect_table`.
"""

KINDS = {
    JsonBody: "JSON",
    HeaderJsonBody: "header, JSON",
    TaggedBody: "tags",
    PythonicBody: "Python",
    GemmaBody: "Gemma",
    HarmonyBody: "Harmony",
}


def table_page() -> str:
    return PAGE.format(rows="\n".join(map(_row, DIALECTS.values())))


def _row(dialect: Dialect) -> str:
    tags = [f"{tags.open} … {tags.close}" for tags in dialect.reasoning[:1]]
    cells = (
        f"`{dialect.id}`",
        KINDS[type(dialect.body)],
        *(map(_code, tags) if tags else ("",)),
        _code(example(dialect)),
    )
    return f"| {' | '.join(cells)} |"


def example(dialect: Dialect) -> str:
    spelling = dialect.spelling
    begin = spelling.begin.replace("{name}", "f").replace("{index}", "0")
    return f"{spelling.first}{begin}{_arguments(dialect)}{spelling.end}{spelling.last}"


def _arguments(dialect: Dialect) -> str:
    match dialect.body:
        case TaggedBody():
            tag = dialect.spelling.parameter.replace("{key}", "a")
            tag = tag.replace("{type}", "number").replace("{string}", "false")
            return f"{tag}1{dialect.spelling.parameter_end}"
        case PythonicBody():
            return "a=1"
        case GemmaBody():
            return "{a:1}"
    return '{"a": 1}'


def _code(text: str) -> str:
    """On one line of a table, with line ends shown."""
    fence = "``" if "`" in text else "`"
    shown = text.replace("\n", "⏎").replace("|", "\\|")
    return f"{fence} {shown} {fence}"


if __name__ == "__main__":
    print(table_page(), end="")
