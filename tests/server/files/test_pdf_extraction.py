"""PDFs, hostile ones among them, read in processes that may die of them."""

import asyncio
import io
import os
import zlib
from collections.abc import Callable

import psutil
import pytest
from pypdf import PdfReader, PdfWriter

from antiphon.server.files import pdf_process
from antiphon.server.files.errors import UnreadableFile
from antiphon.server.files.pdf_extraction import PdfExtraction
from tests.server.files.pdfs import (
    FIXTURE_TEXT,
    pdf_of,
    pdf_with_content,
    pdf_with_pages,
    pdf_with_text,
)

pytestmark = pytest.mark.slow

# pypdf looks at every one of these many objects, again and again.
ENDLESS = b"%PDF-1.4\n" + b"1 0 obj\n" * 4_000_000


@pytest.fixture
def extraction() -> PdfExtraction:
    return PdfExtraction()


def written(
    *contents: bytes, user: str = "", owner: str | None = None, cipher: str = "AES-256"
) -> bytes:
    """The pages of these PDFs as one, with a table of offsets, and encrypted for passwords."""
    writer, file = PdfWriter(), io.BytesIO()
    for content in contents:
        ending = b"startxref\n0\n%%EOF\n"
        for page in PdfReader(io.BytesIO(content + ending)).pages:
            writer.add_page(page)
    if user or owner:
        writer.encrypt(user, owner, algorithm=cipher)
    writer.write(file)
    return file.getvalue()


@pytest.mark.parametrize(
    "ending", [b"", b"startxref\n0\n%%EOF\n", b"startxref\n9999\n%%EOF\n", b"startxref\n7\n"]
)
async def test_pdf_without_a_table_of_its_objects_is_read(
    ending: bytes, extraction: PdfExtraction
) -> None:
    assert await extraction.text(pdf_with_text(FIXTURE_TEXT) + ending) == FIXTURE_TEXT


async def test_pages_of_a_whole_pdf_are_set_apart(extraction: PdfExtraction) -> None:
    content = written(pdf_with_text("First"), pdf_with_text(""), pdf_with_text("Second"))
    assert await extraction.text(content) == "First\n\nSecond"


@pytest.mark.parametrize("cipher", ["RC4-128", "AES-128", "AES-256"])
async def test_pdf_that_anybody_may_open_is_read_though_it_is_encrypted(
    cipher: str, extraction: PdfExtraction
) -> None:
    content = written(pdf_with_text("Hi"), owner="secret", cipher=cipher)
    assert await extraction.text(content) == "Hi"


def bomb() -> bytes:
    packed = zlib.compress(zlib.compress(b"\0" * 100_000_000, 9), 9)
    return pdf_with_content(packed, "/Filter [/FlateDecode /FlateDecode] ")


def endless_page_tree() -> bytes:
    return pdf_of(
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R 3 0 R] >>",
        "<< /Type /Pages /Kids [2 0 R 2 0 R] >>",
    )


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(lambda: pdf_with_text(""), "no text", id="a scan"),
        pytest.param(lambda: pdf_with_pages(2_001), "at most 2000", id="too many pages"),
        pytest.param(lambda: written(pdf_with_text("Hi"), user="secret"), "encrypted", id="locked"),
        pytest.param(bomb, "broken", id="decompression bomb"),
        pytest.param(endless_page_tree, "broken", id="endless page tree"),
        pytest.param(
            lambda: b"%PDF-1.4\n1 0 obj\n" + b"[" * 1_000_000, "broken", id="deep nesting"
        ),
        pytest.param(lambda: b"%PDF-1.4\nHello", "broken", id="no PDF at all"),
        pytest.param(lambda: b"%PDF-1.4\n" + os.urandom(100_000), "broken", id="noise"),
    ],
)
async def test_hostile_pdf_is_refused_with_a_reason(
    make: Callable[[], bytes], reason: str, extraction: PdfExtraction
) -> None:
    with pytest.raises(UnreadableFile, match=reason):
        await extraction.text(make())


async def test_pdf_that_takes_too_long_is_refused() -> None:
    with pytest.raises(UnreadableFile, match="too long or too much memory"):
        await PdfExtraction(max_cpu_seconds=1).text(ENDLESS)


def test_more_text_than_is_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_process, "MAX_CHARS", 10)
    assert pdf_process.pdf_text(written(pdf_with_text("01234"), pdf_with_text("56789")))
    with pytest.raises(UnreadableFile, match="more than 10 characters"):
        pdf_process.pdf_text(written(pdf_with_text("01234"), pdf_with_text("56789x")))


async def test_hostile_pdf_holds_up_no_other(extraction: PdfExtraction) -> None:
    others = set(psutil.Process().children())
    task = asyncio.create_task(extraction.text(ENDLESS))
    while not (own := set(psutil.Process().children()) - others):
        await asyncio.sleep(0)
    assert await extraction.text(pdf_with_text("Hi")) == "Hi"
    assert not task.done()
    task.cancel()
    await asyncio.wait((task,))
    assert not any(child.is_running() for child in own)


async def test_process_that_somebody_ends_is_a_refusal(extraction: PdfExtraction) -> None:
    others = set(psutil.Process().children())
    task = asyncio.create_task(extraction.text(ENDLESS))
    while not (own := set(psutil.Process().children()) - others):
        await asyncio.sleep(0)
    own.pop().kill()
    with pytest.raises(UnreadableFile, match="too long or too much memory"):
        await task
