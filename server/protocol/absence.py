"""Optional fields that may be left out, but not be null."""


def is_absent(value: object) -> bool:
    return value is None
