"""PDFs written by hand, most of them without the table of offsets that a PDF should have."""

FIXTURE_TEXT = "Title: OpenResponses File Input Fixture"


def pdf_of(*objects: str | bytes, trailer: str = "") -> bytes:
    """Objects are numbered from 1; the first one is the catalog."""
    parts = [b"%PDF-1.4\n"]
    for number, body in enumerate(objects, start=1):
        encoded = body.encode() if isinstance(body, str) else body
        parts.append(b"%d 0 obj\n%b\nendobj\n" % (number, encoded))
    parts.append(f"trailer\n<< /Root 1 0 R {trailer}>>\n%%EOF\n".encode())
    return b"".join(parts)


def stream_of(content: bytes, entries: str = "") -> bytes:
    return b"<< /Length %d %b>>\nstream\n%b\nendstream" % (
        len(content),
        entries.encode(),
        content,
    )


def pdf_with_content(content: bytes, entries: str = "") -> bytes:
    """One page with this content stream and a font F1."""
    return pdf_of(
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] "
        "/Resources << /Font << /F1 4 0 R >> >> /Contents 5 0 R >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        stream_of(content, entries),
    )


def pdf_with_text(text: str) -> bytes:
    return pdf_with_content(f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET".encode())


def pdf_with_pages(num_pages: int) -> bytes:
    """Empty pages, each an object of its own."""
    kids = " ".join(f"{number} 0 R" for number in range(3, num_pages + 3))
    return pdf_of(
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {num_pages} >>",
        *["<< /Type /Page /Parent 2 0 R >>"] * num_pages,
    )
