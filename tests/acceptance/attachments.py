"""A picture and a document as clients send them, as small as they can be."""

import base64
import struct
import zlib

PDF_TITLE = "Title: OpenResponses File Input Fixture"


def png_url(size: int = 32) -> str:
    """A red square, as a data URL."""
    row = b"\0" + b"\xff\0\0" * size
    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(row * size)), (b"IEND", b"")]
    content = b"\x89PNG\r\n\x1a\n" + b"".join(_png_chunk(*chunk) for chunk in chunks)
    return _data_url("image/png", content)


def pdf_url() -> str:
    """One page with a title and without a table of objects: readers have to look for them."""
    text = f"BT /F1 12 Tf 72 720 Td ({PDF_TITLE}) Tj ET"
    objects = (
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
        "/Resources << /Font << /F1 5 0 R >> >> >>",
        f"<< /Length {len(text)} >>\nstream\n{text}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    body = "".join(
        f"{number} 0 obj\n{content}\nendobj\n" for number, content in enumerate(objects, 1)
    )
    trailer = "trailer\n<< /Root 1 0 R >>\n%%EOF\n"
    return _data_url("application/pdf", f"%PDF-1.4\n{body}{trailer}".encode())


def _png_chunk(kind: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum


def _data_url(media_type: str, content: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"
