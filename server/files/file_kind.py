"""What a file is, by its content alone: names and declared types are often wrong."""

import codecs

# Where, what, and how it is called. Only files that are no text are looked up here.
SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (0, b"\xff\xd8\xff", "a JPEG image"),
    (0, b"GIF8", "a GIF image"),
    (8, b"WEBP", "a WebP image"),
    (8, b"WAVE", "a WAV recording"),
    (0, b"II*\0", "a TIFF image"),
    (0, b"MM\0*", "a TIFF image"),
    (4, b"ftyp", "a video or an image in an MP4 container"),
    (0, b"\x1aE\xdf\xa3", "a Matroska or WebM video"),
    (0, b"ID3", "an MP3 recording"),
    (0, b"OggS", "an Ogg recording"),
    (0, b"fLaC", "a FLAC recording"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office document of the old binary kind"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, b"Rar!", "a RAR archive"),
    (0, b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (0, b"SQLite format 3\0", "an SQLite database"),
    (0, b"PAR1", "a Parquet table"),
    (0, b"\x7fELF", "a program"),
)

# What a ZIP archive is in truth, by a name that it holds.
ZIP_SIGNATURE = b"PK\x03\x04"
ZIP_CONTENTS: tuple[tuple[bytes, str], ...] = (
    (b"word/document.xml", "a Word document"),
    (b"xl/workbook.xml", "an Excel workbook"),
    (b"ppt/presentation.xml", "a PowerPoint presentation"),
    (b"application/vnd.oasis.opendocument", "an OpenDocument file"),
    (b"application/epub+zip", "an EPUB book"),
)

PDF_SIGNATURE = b"%PDF-"
PDF_SIGNATURE_WITHIN = 1024  # readers of PDF have always looked for it so far


def is_pdf(content: bytes) -> bool:
    """A PDF may begin with something else; a text that only speaks of PDF is none."""
    begin = content[:PDF_SIGNATURE_WITHIN]
    if begin.removeprefix(codecs.BOM_UTF8).lstrip().startswith(PDF_SIGNATURE):
        return True
    return PDF_SIGNATURE in begin and plain_text(content) is None


def plain_text(content: bytes) -> str | None:
    """The text, if it is nothing else: UTF-8, or UTF-16 that says so, without any NUL."""
    is_utf_16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if is_utf_16 else "utf-8-sig")
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def looks_like(content: bytes) -> str:
    """What a file that is no text is, to whoever sent it."""
    if content.startswith(ZIP_SIGNATURE):
        return next((name for mark, name in ZIP_CONTENTS if mark in content), "a ZIP archive")
    for offset, mark, name in SIGNATURES:
        if content.startswith(mark, offset):
            return name
    return "binary data" if b"\0" in content else "text that is not UTF-8"
