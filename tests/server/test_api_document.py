"""The server's own OpenAPI document against the published one: nothing of that is missing."""

import copy
import json
import re
from typing import Any

import pytest

from antiphon.models.language_side import LanguageSide
from antiphon.server.app import create_app
from tests.fake_engine import FakeEngine
from tests.schema import SCHEMA_FILE, has_published_schema
from tests.schema_comparison import Comparison, Direction, Document
from tests.serving import make_context

pytestmark = pytest.mark.skipif(not has_published_schema(), reason=f"{SCHEMA_FILE} is absent")


@pytest.fixture(scope="session")
def published() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(SCHEMA_FILE.read_text())
    return document


@pytest.fixture(scope="session")
def served(language_side: LanguageSide) -> dict[str, Any]:
    return create_app(make_context(FakeEngine(), language_side)).openapi()


def lacking(
    published: dict[str, Any], served: dict[str, Any], path: str, direction: Direction
) -> set[str]:
    """What one operation lacks, over all its media types."""
    documents = [Document(d["components"]["schemas"]) for d in (published, served)]
    comparison = Comparison(documents[0], documents[1], direction)
    theirs, ours = (
        _content(document["paths"][name]["post"], direction)
        for document, name in ((published, path), (served, f"/v1{path}"))
    )
    assert theirs.keys() <= ours.keys()
    return {
        difference
        for media_type, content in theirs.items()
        for difference in comparison.missing(
            content["schema"], ours[media_type]["schema"], media_type.split("/")[1]
        )
    }


def _content(operation: dict[str, Any], direction: Direction) -> dict[str, Any]:
    if direction is Direction.REQUEST:
        content: dict[str, Any] = operation["requestBody"]["content"]
    else:
        content = operation["responses"]["200"]["content"]
    return content


# What is refused by name, for now; a format without a type is a text.
NOT_TAKEN = re.compile(r"no =input_(image|video)$|format<=json_schema>\.type: required")
# Nothing here is ever null, and items have the kinds of parts that their type is about.
NEVER_SENT = re.compile(
    r"(item|annotation): no null$"
    r"|(content\[\]|summary\[\]|output\[\]|part): no =\w+$"
    r"|<=compaction>\.created_by: missing$|\.error\.headers: missing$"
)


@pytest.mark.parametrize("path", ["/responses", "/responses/compact"])
def test_nothing_is_missing_of_what_published_requests_may_say(
    published: dict[str, Any], served: dict[str, Any], path: str
) -> None:
    found = lacking(published, served, path, Direction.REQUEST)
    assert not [difference for difference in found if not NOT_TAKEN.search(difference)]


@pytest.mark.parametrize("path", ["/responses", "/responses/compact"])
def test_nothing_is_missing_of_what_published_answers_hold(
    published: dict[str, Any], served: dict[str, Any], path: str
) -> None:
    found = lacking(published, served, path, Direction.ANSWER)
    assert not [difference for difference in found if not NEVER_SENT.search(difference)]


def test_comparison_finds_what_is_missing(published: dict[str, Any]) -> None:
    poorer = copy.deepcopy(published)
    schemas = poorer["components"]["schemas"]
    del schemas["CreateResponseBody"]["properties"]["metadata"]
    schemas["ServiceTierEnum"]["enum"].remove("flex")
    poorer["paths"] = {f"/v1{path}": item for path, item in poorer["paths"].items()}
    found = lacking(published, poorer, "/responses", Direction.REQUEST)
    assert {"json.metadata: missing", "json.service_tier: no 'flex'"} <= found


def test_connection_at_the_same_path_is_described(served: dict[str, Any]) -> None:
    described = served["paths"]["/v1/responses"]["x-openresponses-websocket"]
    assert {"clientMessage", "serverMessage", "errorMessage"} <= described.keys()
