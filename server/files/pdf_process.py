"""The process that reads one PDF: `python -m antiphon.server.files.pdf_process CPU_SECONDS`.

The PDF on stdin; on stdout one JSON object, with its `text` or with a `complaint` for whoever sent
it. Ends without an answer where a limit ends it.
"""

import io
import json
import math
import resource
import sys
import time

import psutil
from pypdf import PdfReader
from pypdf.errors import PdfReadError

from antiphon.server.files.errors import UnreadableFile

MAX_BYTES = 512 * 1024**2  # beyond what the file itself takes
MAX_PAGES = 2_000
MAX_CHARS = 10 * 1024**2
MAX_REASON_CHARS = 200  # pypdf quotes what it stumbled over


def main() -> int:
    content = sys.stdin.buffer.read()
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_AS, psutil.Process().memory_info().vms + MAX_BYTES)
    _limit(resource.RLIMIT_CPU, math.ceil(time.process_time()) + int(sys.argv[1]))
    answer = json.dumps(_answer(content), ensure_ascii=False).encode()
    sys.stdout.buffer.write(answer)
    return 0


def _answer(content: bytes) -> dict[str, str]:
    try:
        return {"text": pdf_text(content)}
    except UnreadableFile as error:
        return {"complaint": str(error)}
    except MemoryError:
        raise  # as if it had been killed: there may be no memory for an answer either
    except Exception as error:  # pypdf raises whatever a broken file leads to
        reason = _clean(str(error))[:MAX_REASON_CHARS].rstrip(".") or type(error).__name__
        return {"complaint": f"The PDF is broken: {reason}."}


def pdf_text(content: bytes) -> str:
    """The text of all pages. Raises UnreadableFile, and what pypdf raises for a broken file."""
    reader = _reader(content)
    if reader.is_encrypted and not reader.decrypt(""):
        raise UnreadableFile("The PDF is encrypted; send it without a password.")
    num_pages = len(reader.pages)
    if num_pages > MAX_PAGES:
        raise UnreadableFile(f"The PDF has {num_pages} pages; at most {MAX_PAGES} are read.")
    pages, num_chars = [], 0
    for page in reader.pages:
        pages.append(_clean(page.extract_text()))
        num_chars += len(pages[-1])
        if num_chars > MAX_CHARS:
            raise UnreadableFile(f"The PDF has more than {MAX_CHARS} characters of text.")
    text = "\n\n".join(page for page in pages if page)
    if not text:
        raise UnreadableFile("The PDF has no text: perhaps its pages are pictures of a scan.")
    return text


def _reader(content: bytes) -> PdfReader:
    """pypdf looks for the objects themselves if a table of them is named, but not where it lies."""
    try:
        return PdfReader(io.BytesIO(content))
    except PdfReadError:
        return PdfReader(io.BytesIO(content + b"\nstartxref\n0\n%%EOF\n"))


def _clean(text: str) -> str:
    """Fonts map to anything: halves of surrogate pairs and NULs among it."""
    paired = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return paired.replace("\0", "").strip()


def _limit(what: int, soft: int) -> None:
    _, hard = resource.getrlimit(what)
    resource.setrlimit(what, (soft, hard))


if __name__ == "__main__":
    sys.exit(main())
