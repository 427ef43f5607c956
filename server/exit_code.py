"""How the process says what became of it."""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of `antiphon`."""

    OK = 0
    FAILED = 1  # a benchmark in which nothing worked
    USAGE = 2  # a flag, variable or settings file that makes no sense
    STARTUP = 3  # the model or the engine could not be made ready
    INTERRUPTED = 130  # Ctrl-C: 128 and the number of the signal, as shells have it
