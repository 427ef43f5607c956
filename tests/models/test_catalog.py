from antiphon.models.catalog import CATALOG, DEFAULT_MODEL, find_entry


def test_the_default_model_is_in_the_catalog() -> None:
    entry = find_entry(DEFAULT_MODEL)
    assert entry is not None
    assert entry.name == DEFAULT_MODEL


def test_aliases_and_capitals_find_the_same_entry() -> None:
    assert find_entry("SmolLM2-135M-Instruct") is find_entry("smollm2-135m") is not None


def test_other_names_find_nothing() -> None:
    assert find_entry("gpt-17") is None


def test_every_entry_can_be_checked_and_no_name_is_given_twice() -> None:
    names = [name for entry in CATALOG for name in entry.names]
    assert len(names) == len(set(names))
    assert all(name == name.lower() for name in names)
    assert all(len(bytes.fromhex(entry.sha256)) == 32 and entry.licence for entry in CATALOG)
