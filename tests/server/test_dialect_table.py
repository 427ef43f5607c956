from pathlib import Path

from antiphon.models.dialects.output import ParsedOutput
from antiphon.models.dialects.parser import DialectParser
from antiphon.models.dialects.registry import DIALECTS
from antiphon.models.dialects.tool_types import ToolTypes
from antiphon.server.dialect_table import example, table_page

ROOT = Path(__file__).parents[2]


def test_the_page_of_dialects_is_up_to_date() -> None:
    page = (ROOT / "docs" / "dialect_table.md").read_text(encoding="utf-8")
    assert page == table_page(), "python -m antiphon.server.dialect_table > docs/dialect_table.md"


def test_every_example_on_the_page_is_read_as_the_call_it_shows() -> None:
    tools = ToolTypes.from_schemas({"f": {"a": "integer"}})
    for dialect in DIALECTS.values():
        parser = DialectParser(dialect, tools)
        segments = parser.feed(example(dialect)) + parser.finish(is_cut_off=False)
        assert ParsedOutput.of(segments).calls == (("f", '{"a": 1}'),), dialect.id
