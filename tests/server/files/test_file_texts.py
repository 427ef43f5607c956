"""From a file of a request to its text, or to an error that names the key at fault."""

import asyncio
import base64
from collections.abc import AsyncIterator

import pytest

from antiphon.server.files.file_texts import FileSource, FileTexts
from antiphon.server.files.pdf_extraction import PdfExtraction
from antiphon.server.files.remote_fetch import FetchConfig
from antiphon.server.protocol.errors import InvalidParameter, UnsupportedParameter
from tests.server.files.file_host import file_host, http_answer
from tests.server.files.pdfs import FIXTURE_TEXT, pdf_with_text

PARAM = "input[0].content[1]"
PNG = b"\x89PNG\r\n\x1a\n\0\0"


@pytest.fixture
async def texts() -> AsyncIterator[FileTexts]:
    texts = FileTexts(FetchConfig())
    yield texts
    await texts.close()


def encoded(content: bytes, prefix: str = "") -> FileSource:
    return FileSource("a.txt", prefix + base64.b64encode(content).decode(), None)


def linked(url: str) -> FileSource:
    return FileSource(None, None, url)


@pytest.mark.parametrize(
    "prefix",
    ["", "data:text/plain;base64,", "data:;base64,", "DATA:text/csv;charset=utf-8;BASE64,"],
)
async def test_data_may_be_bare_or_a_data_url(prefix: str, texts: FileTexts) -> None:
    assert await texts.text(encoded("Ægir".encode(), prefix), PARAM) == "Ægir"


async def test_data_may_have_line_breaks(texts: FileTexts) -> None:
    lines = base64.encodebytes(b"Hello " * 40).decode()
    assert await texts.text(FileSource(None, lines, None), PARAM) == "Hello " * 40


@pytest.mark.slow
async def test_pdf_is_read(texts: FileTexts) -> None:
    source = encoded(pdf_with_text(FIXTURE_TEXT), "data:application/pdf;base64,")
    assert await texts.text(source, PARAM) == FIXTURE_TEXT


@pytest.mark.parametrize(
    ("file_data", "reason"),
    [
        ("", "empty"),
        ("data:text/plain;base64,", "empty"),
        ("data:text/plain,Hello", "not of the form"),
        ("data:", "not of the form"),
        ("aGk", "not valid base64"),
        ("aG!k", "not valid base64"),
        ("aGk=aGk=", "not valid base64"),
        ("Ægir", "not valid base64"),
    ],
)
async def test_data_that_is_no_file_is_an_invalid_parameter(
    file_data: str, reason: str, texts: FileTexts
) -> None:
    with pytest.raises(InvalidParameter, match=reason) as raised:
        await texts.text(FileSource("a.txt", file_data, None), PARAM)
    assert raised.value.param == f"{PARAM}.file_data"


async def test_file_that_is_too_large_is_an_invalid_parameter(texts: FileTexts) -> None:
    with pytest.raises(InvalidParameter, match="larger than 33554432 bytes"):
        await texts.text(encoded(b"a" * (32 * 1024**2 + 1)), PARAM)
    with pytest.raises(InvalidParameter, match="more than 10485760 characters"):
        await texts.text(encoded(b"a" * (10 * 1024**2 + 1)), PARAM)


async def test_kind_that_is_not_read_is_unsupported_and_named(texts: FileTexts) -> None:
    with pytest.raises(UnsupportedParameter, match="PNG image") as raised:
        await texts.text(encoded(PNG), PARAM)
    assert raised.value.param == f"{PARAM}.file_data"


@pytest.mark.parametrize(
    ("source", "key"),
    [
        (FileSource("a.txt", None, None), "file_data"),
        (FileSource("a.txt", "aGk=", "http://files.test/"), "file_url"),
    ],
)
async def test_file_comes_from_exactly_one_place(
    source: FileSource, key: str, texts: FileTexts
) -> None:
    with pytest.raises(InvalidParameter, match="either 'file_data' or 'file_url'") as raised:
        await texts.text(source, PARAM)
    assert raised.value.param == f"{PARAM}.{key}"


async def test_url_is_unsupported_where_none_are_fetched(texts: FileTexts) -> None:
    with pytest.raises(UnsupportedParameter, match="--fetch-urls") as raised:
        await texts.text(linked("http://files.test/"), PARAM)
    assert raised.value.param == f"{PARAM}.file_url"


async def test_url_is_fetched_where_that_is_allowed() -> None:
    texts = FileTexts(FetchConfig(is_allowed=True, allows_private=True))
    async with file_host() as host:
        host.answers |= {"/a": http_answer(b"Hello"), "/b": http_answer(PNG)}
        assert await texts.text(linked(host.url("/a", "127.0.0.1")), PARAM) == "Hello"
        with pytest.raises(UnsupportedParameter, match="PNG image") as unsupported:
            await texts.text(linked(host.url("/b", "127.0.0.1")), PARAM)
    assert unsupported.value.param == f"{PARAM}.file_url"


async def test_url_that_is_refused_is_an_invalid_parameter() -> None:
    texts = FileTexts(FetchConfig(is_allowed=True))
    with pytest.raises(InvalidParameter, match="public internet") as raised:
        await texts.text(linked("http://127.0.0.1/"), PARAM)
    assert raised.value.param == f"{PARAM}.file_url"


class CountedPdfs(PdfExtraction):
    """Counts what it is asked, and reads nothing."""

    def __init__(self) -> None:
        self.num_asked = 0

    async def text(self, content: bytes) -> str:
        self.num_asked += 1
        await asyncio.sleep(0)
        return "text of the PDF"


async def test_file_is_read_once_however_often_and_in_whatever_form_it_comes() -> None:
    pdfs, content = CountedPdfs(), pdf_with_text("Hi")
    texts = FileTexts(FetchConfig(), pdfs)
    sources = [encoded(content), encoded(content, "data:application/pdf;base64,")]
    for _ in range(2):
        await asyncio.gather(*(texts.text(source, PARAM) for source in sources * 2))
    assert pdfs.num_asked == 1
    await texts.text(encoded(pdf_with_text("Ho")), PARAM)
    assert pdfs.num_asked == 2
