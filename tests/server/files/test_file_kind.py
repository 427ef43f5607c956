"""What a file is, by its content alone."""

import codecs
import io
import zipfile

import pytest

from antiphon.server.files.file_kind import is_pdf, looks_like, plain_text
from tests.server.files.pdfs import pdf_with_text


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"a,b\n1,2\n", "a,b\n1,2\n"),
        ("Ægir 👋".encode(), "Ægir 👋"),
        (codecs.BOM_UTF8 + b"Hi", "Hi"),
        ("Ægir".encode("utf-16"), "Ægir"),
        (codecs.BOM_UTF16_BE + "Ægir".encode("utf-16-be"), "Ægir"),
        (b"BM is no picture", "BM is no picture"),
        ("Hi".encode("utf-16-le"), None),
        ("Hi".encode("utf-32"), None),
        ("Ægir".encode("latin-1"), None),
        (b"a\0b", None),
        (codecs.BOM_UTF16_LE + b"a", None),
        (codecs.BOM_UTF16_LE + b"\x00\xd8", None),
        (b"\xed\xa0\x80", None),
    ],
)
def test_text_is_what_unicode_says_it_is(content: bytes, text: str | None) -> None:
    assert plain_text(content) == text


@pytest.mark.parametrize("before", [b"", b"\n ", codecs.BOM_UTF8, b"\x01\x80 mail header\n"])
def test_pdf_may_begin_with_something_else(before: bytes) -> None:
    assert is_pdf(before + pdf_with_text("Hi"))


def test_text_about_pdf_is_no_pdf() -> None:
    assert not is_pdf(b"A file that begins with %PDF-1.4 is a PDF.")


def archive_of(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, "content")
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0", "PNG"),
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b"RIFF\x90\0\0\0WEBPVP8 ", "WebP"),
        (b"\0\0\0\x18ftypmp42", "MP4"),
        (archive_of("[Content_Types].xml", "word/document.xml"), "Word"),
        (archive_of("xl/workbook.xml"), "Excel"),
        (archive_of("a.txt"), "ZIP"),
        (b"\x1f\x8b\x08\0", "gzip"),
        (b"\x01\x02\0", "binary"),
        ("Ægir".encode("latin-1"), "not UTF-8"),
    ],
)
def test_what_is_no_text_is_called_by_its_name(content: bytes, kind: str) -> None:
    assert kind in looks_like(content)
