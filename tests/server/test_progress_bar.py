"""Progress as people see it: bars in a terminal, lines elsewhere."""

from io import StringIO

from rich.console import Console

from antiphon.server.progress_bar import open_progress


def shown(console: Console, calls: list[tuple[str, int, int | None, str]]) -> str:
    with open_progress(console) as progress:
        for call in calls:
            progress(*call)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_each_stage_is_one_line_where_there_is_no_terminal() -> None:
    text = shown(
        Console(file=StringIO()),
        [
            ("fetching model.safetensors", 0, 269_060_552, "bytes"),
            ("fetching model.safetensors", 269_060_552, 269_060_552, "bytes"),
            ("loading [weights]", 0, 30, "steps"),
            ("loading [weights]", 30, 30, "steps"),
            ("starting", 0, None, "steps"),
        ],
    )
    assert text == (
        "fetching model.safetensors (269.1 MB)\nloading [weights] (30 steps)\nstarting\n"
    )


def test_a_long_line_is_not_broken_where_there_is_no_terminal() -> None:
    stage = "fetching " + "x" * 200
    assert shown(Console(file=StringIO(), width=40), [(stage, 0, None, "bytes")]) == stage + "\n"


def test_a_terminal_shows_how_much_is_done_in_the_stages_unit() -> None:
    console = Console(file=StringIO(), force_terminal=True, width=120, color_system=None)
    text = shown(
        console,
        [
            ("fetching", 500_000, 2_000_000, "bytes"),
            ("capturing [graphs]", 3, 8, "steps"),
            ("counting", 5, None, "requests"),
        ],
    )
    assert "500.0 kB of 2.0 MB" in text
    assert "capturing [graphs]" in text
    assert "3 of 8 steps" in text
    assert "5 requests" in text
