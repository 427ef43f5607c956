import pytest

from antiphon.models.cpu_kernels.loops import cached


@pytest.mark.parametrize("error", [RuntimeError("no locator available"), OSError("disk full")])
def test_where_nothing_can_be_kept_a_loop_is_compiled_all_the_same(error: Exception) -> None:
    asked: list[bool] = []

    def compiled(cache: bool) -> str:
        asked.append(cache)
        if cache:
            raise error
        return "compiled"

    assert cached(compiled) == "compiled"
    assert asked == [True, False]
