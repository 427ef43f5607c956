"""Who asks: by which key, and by which names they know events."""

import pytest

from antiphon.server.caller import ApiKeys, Reception
from antiphon.server.delivery.event_names import EventNames, EventNaming
from antiphon.server.protocol.errors import InvalidApiKey


def test_without_keys_everybody_is_the_same_owner() -> None:
    keys = ApiKeys()
    assert {keys.owner(None), keys.owner("Bearer a"), keys.owner("nonsense")} == {""}


def test_each_key_has_an_owner_of_its_own_that_does_not_give_it_away() -> None:
    keys = ApiKeys(["alpha", "beta"])
    owners = {keys.owner("Bearer alpha"), keys.owner("bearer beta")}
    assert len(owners) == 2
    assert not {"alpha", "beta"} & owners


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer ", "Bearer alphabet", "Basic alpha", "alpha"]
)
def test_wrong_key_is_refused(authorization: str | None) -> None:
    with pytest.raises(InvalidApiKey):
        ApiKeys(["alpha"]).owner(authorization)


@pytest.mark.parametrize(
    ("headers", "names"),
    [
        ({}, EventNames.STANDARD),
        ({"user-agent": "curl/8"}, EventNames.STANDARD),
        ({"x-stainless-lang": "python"}, EventNames.OPENAI),
        ({"originator": "codex_exec"}, EventNames.OPENAI),
        ({"user-agent": "ai/7.0 ai-sdk/openai/4"}, EventNames.OPENAI),
        ({"x-stainless-lang": "js", "openresponses-version": "2026-04-24"}, EventNames.STANDARD),
    ],
)
def test_names_are_those_that_the_client_says_it_knows(
    headers: dict[str, str], names: EventNames
) -> None:
    assert Reception(ApiKeys()).caller(headers).event_names is names


def test_setting_overrides_what_the_client_says() -> None:
    for naming, names in (
        (EventNaming.STANDARD, EventNames.STANDARD),
        (EventNaming.OPENAI, EventNames.OPENAI),
    ):
        for headers in ({}, {"originator": "codex"}):
            assert Reception(ApiKeys(), naming).caller(headers).event_names is names
