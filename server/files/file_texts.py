"""What a model reads of a file: its text."""

import asyncio
import hashlib
from dataclasses import dataclass

from antiphon.server.files.errors import FileError, UnreadableFile, UnsupportedFile
from antiphon.server.files.file_kind import is_pdf, looks_like, plain_text
from antiphon.server.files.pdf_extraction import PdfExtraction
from antiphon.server.files.posted_content import posted_content
from antiphon.server.files.remote_fetch import FetchConfig, RemoteFetch
from antiphon.server.files.shared_work import SharedWork
from antiphon.server.files.text_cache import TextCache
from antiphon.server.protocol.errors import InvalidParameter, UnsupportedParameter

MAX_TEXT_CHARS = 10 * 1024 * 1024
MAX_CACHE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class FileSource:
    """One file as a request brings it: its bytes as base64, or a URL."""

    filename: str | None
    file_data: str | None
    file_url: str | None


class FileTexts:
    """Reads PDFs and text files; a file that is asked for again is not read again."""

    def __init__(self, config: FetchConfig, pdfs: PdfExtraction | None = None) -> None:
        self._remote = RemoteFetch(config) if config.is_allowed else None
        self._pdfs = pdfs or PdfExtraction()
        self._cache = TextCache(MAX_CACHE_BYTES)
        self._work = SharedWork[str]()

    async def text(self, source: FileSource, param: str) -> str:
        """Raises InvalidParameter or UnsupportedParameter for a key of `param`."""
        where = f"{param}.{_posted_key(source, param)}"
        try:
            return await self._text_of(await self._content(source, where))
        except UnsupportedFile as error:
            raise UnsupportedParameter(where, f"'{where}': {error}") from None
        except FileError as error:
            raise InvalidParameter(where, f"'{where}': {error}") from None

    async def close(self) -> None:
        """Give up what is being read; whoever waits for it is cancelled."""
        await self._work.close()

    async def _content(self, source: FileSource, where: str) -> bytes:
        if source.file_data is not None:
            return await asyncio.to_thread(posted_content, source.file_data)
        if self._remote is None:
            raise UnsupportedParameter(
                where, f"'{where}' is not supported by this server: it runs without --fetch-urls."
            )
        assert source.file_url is not None, "one of the two is there"
        return (await self._remote.get(source.file_url)).content

    async def _text_of(self, content: bytes) -> str:
        digest = await asyncio.to_thread(_digest, content)
        text = self._cache.get(digest)
        if text is None:
            text = await self._work.result(digest, lambda: self._extract(content))
            self._cache.put(digest, text)
        return text

    async def _extract(self, content: bytes) -> str:
        if not content:
            raise UnreadableFile("The file is empty.")
        if await asyncio.to_thread(is_pdf, content):
            return await self._pdfs.text(content)
        return await asyncio.to_thread(_text_file, content)


def _posted_key(source: FileSource, param: str) -> str:
    match source:
        case FileSource(file_data=None, file_url=None):
            raise InvalidParameter(
                f"{param}.file_data", f"'{param}' needs either 'file_data' or 'file_url'."
            )
        case FileSource(file_url=None):
            return "file_data"
        case FileSource(file_data=None):
            return "file_url"
    raise InvalidParameter(
        f"{param}.file_url", f"'{param}' takes either 'file_data' or 'file_url', not both."
    )


def _text_file(content: bytes) -> str:
    text = plain_text(content)
    if text is None:
        kind = looks_like(content)
        raise UnsupportedFile(f"This looks like {kind}; only PDF and text files are read.")
    if len(text) > MAX_TEXT_CHARS:
        raise UnreadableFile(f"The file has more than {MAX_TEXT_CHARS} characters.")
    return text


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()
