import pytest

from antiphon.engine.child import with_large_pages


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, "glibc.malloc.hugetlb=1"),
        (
            {"GLIBC_TUNABLES": "glibc.malloc.arena_max=2"},
            "glibc.malloc.arena_max=2:glibc.malloc.hugetlb=1",
        ),
        ({"GLIBC_TUNABLES": "glibc.malloc.hugetlb=0"}, "glibc.malloc.hugetlb=0"),
    ],
)
def test_an_engine_gets_large_pages_unless_somebody_chose_otherwise(
    before: dict[str, str], after: str
) -> None:
    environment = with_large_pages({"PATH": "/bin", **before})
    assert environment == {"PATH": "/bin", "GLIBC_TUNABLES": after}
