"""The bytes of a file that lies in the request itself."""

import binascii

from antiphon.server.files.errors import UnreadableFile

MAX_CONTENT_BYTES = 32 * 1024 * 1024


def posted_content(file_data: str) -> bytes:
    """Decode base64, bare or as a data URL, with or without line breaks. Raises UnreadableFile."""
    encoded = _payload(file_data) if file_data[:5].lower() == "data:" else file_data
    try:
        content = binascii.a2b_base64("".join(encoded.split()), strict_mode=True)
    except ValueError as error:
        raise UnreadableFile(f"The data is not valid base64: {error}.") from None
    if len(content) > MAX_CONTENT_BYTES:
        raise UnreadableFile(f"The file is larger than {MAX_CONTENT_BYTES} bytes.")
    return content


def _payload(data_url: str) -> str:
    declared, _, payload = data_url.partition(",")
    if not declared.lower().endswith(";base64"):
        raise UnreadableFile("The data URL is not of the form 'data:MIME;base64,...'.")
    return payload
