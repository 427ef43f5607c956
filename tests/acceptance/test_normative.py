"""Every number of the normative checklist is a test, or stands here with a reason.

The checklist is section (b) of our notes on Open Responses; tests carry its numbers in their names,
in the files `test_normative_*.py`. Left out:

1   everything here speaks HTTP through libraries that hold the server to it
2   the client's: request headers; those of answers are in 4 and 5
3   the client's: request bodies; what a body is declared as is tested in tests/server
10  the client's; what the server says to other messages is in 27
11  the client's; background on a WebSocket is refused (22, 27), stream is ignored by decision
17  the client's
18  the client's; that it suffices is in 19
24  the client's; that compacted windows are taken is an official check
26  the client's; recovery is an official check
28  the client's
56  what all numbers together are
57  there are no hosted tools yet
58  may; there are no items of our own
60  prose: docs/protocol.md describes what is not the standard's
64  may; `cancelled`, the one status more, belongs to responses and is described in docs/protocol.md
66  there are no events of our own; those of custom tools keep OpenAI's names by decision (68)
67  the client's
69  prose, as 60
71  advice to readers of extensions
"""

import ast
import re
from pathlib import Path

LAST_NUMBER = 71
FILES = sorted(Path(__file__).parent.glob("test_normative_*.py"))


def numbers_of_tests() -> set[int]:
    """As test names begin with them: `test_22_and_23_...`."""
    names = [
        node.name
        for file in FILES
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    leading = [re.match(r"test_((?:\d\d_|and_)+)", name) for name in names]
    return {int(number) for found in leading if found for number in re.findall(r"\d\d", found[1])}


def numbers_left_out() -> set[int]:
    return {int(number) for number in re.findall(r"^(\d+) ", __doc__ or "", re.MULTILINE)}


def test_every_number_is_either_tested_or_left_out_with_a_reason() -> None:
    assert numbers_of_tests() | numbers_left_out() == set(range(1, LAST_NUMBER + 1))
    assert not numbers_of_tests() & numbers_left_out()
