"""What can be wrong with a file, whoever asks for it; the message is a sentence for the client.

FileError
├── FetchRefused      a URL that is not fetched, or that gave nothing usable
├── UnreadableFile    the file is empty, broken, encrypted, without text or too large
└── UnsupportedFile   no text is ever read from files of this kind
"""


class FileError(Exception):
    """Base of everything that can be wrong with a file."""


class FetchRefused(FileError):
    """The URL is not one that is fetched, or nothing usable came of it."""


class UnreadableFile(FileError):
    """The file is of a kind that is read, but this one can't be."""


class UnsupportedFile(FileError):
    """No text is ever read from files of this kind."""
