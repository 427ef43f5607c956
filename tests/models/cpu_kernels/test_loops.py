from antiphon.models.cpu_kernels.loops import cached


def test_where_nothing_can_be_kept_a_loop_is_compiled_all_the_same() -> None:
    asked: list[bool] = []

    def compiled(cache: bool) -> str:
        asked.append(cache)
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return "compiled"

    assert cached(compiled) == "compiled"
    assert asked == [True, False]
