"""The application as a whole: its document, its lifespan, and what it never loads."""

import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import FastAPI

from antiphon.models.language_side import LanguageSide
from antiphon.server.app import create_app
from tests.fake_engine import FakeEngine
from tests.schema import SCHEMA_FILE, has_published_schema, published_components
from tests.serving import make_context


@pytest.fixture
def document(language_side: LanguageSide) -> dict[str, Any]:
    return create_app(make_context(FakeEngine(), language_side)).openapi()


def test_document_refers_only_to_schemas_that_it_holds(document: dict[str, Any]) -> None:
    names = set(re.findall(r"#/components/schemas/(\w+)", str(document)))
    assert {"CreateResponseBody", "ResponseResource", "StreamingEvent", "ErrorBody"} <= names
    assert names <= document["components"]["schemas"].keys()


def test_document_promises_no_422(document: dict[str, Any]) -> None:
    answers = [
        operation["responses"]
        for path in document["paths"].values()
        for operation in path.values()
        if "responses" in operation
    ]
    assert answers
    assert not [answer for answer in answers if "422" in answer]


# Optional keys of the published schema that nothing here takes or sends yet.
NOT_SERVED = {
    "CompactionBody.created_by",
    "ErrorPayload.headers",
}


@pytest.mark.skipif(not has_published_schema(), reason=f"{SCHEMA_FILE} is absent")
def test_document_has_every_published_key_but_those_known_to_be_missing(
    document: dict[str, Any],
) -> None:
    served = document["components"]["schemas"]
    missing = {
        f"{name}.{key}"
        for name in served.keys() & published_components().keys()
        for key in published_components()[name].get("properties", {})
        if key not in served[name]["properties"]
    }
    assert missing == NOT_SERVED


@pytest.mark.skipif(not has_published_schema(), reason=f"{SCHEMA_FILE} is absent")
def test_document_requires_of_responses_what_the_published_one_does(
    document: dict[str, Any],
) -> None:
    served = document["components"]["schemas"]["ResponseResource"]["required"]
    assert set(served) == set(published_components()["ResponseResource"]["required"])


async def test_lifespan_surrounds_the_serving(language_side: LanguageSide) -> None:
    seen: list[str] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        seen.append("started")
        yield
        seen.append("stopped")

    app = create_app(make_context(FakeEngine(), language_side), lifespan)
    async with app.router.lifespan_context(app):
        assert seen == ["started"]
    assert seen == ["started", "stopped"]


def test_api_process_never_imports_torch_or_transformers() -> None:
    source = (
        "import sys, antiphon.server.app; "
        "print(sorted({'torch', 'transformers'} & sys.modules.keys()))"
    )
    output = subprocess.run([sys.executable, "-c", source], capture_output=True, check=True)
    assert output.stdout.decode().strip() == "[]"
