"""The pins of the clients: each is one version, and comes from wherever the machine fetches."""

import json
import re

import pytest

from tests.clients.environment import PINS


@pytest.mark.parametrize("name", sorted(file.stem for file in PINS.glob("*.in")))
def test_every_package_for_python_is_of_one_version(name: str) -> None:
    pins = (PINS / f"{name}.txt").read_text().splitlines()
    assert pins
    assert all("==" in pin for pin in pins)
    wanted = (PINS / f"{name}.in").read_text().splitlines()
    assert {re.sub(r"\[.*\]", "", pin) for pin in wanted if "#" not in pin} <= set(pins)


def test_the_lock_for_javascript_names_versions_and_no_registry() -> None:
    lock = json.loads((PINS / "node" / "package-lock.json").read_text())
    wanted = json.loads((PINS / "node" / "package.json").read_text())
    packages = lock["packages"]
    for name, version in wanted["dependencies"].items():
        assert packages[f"node_modules/{name}"]["version"] == version
    assert all("integrity" in package for path, package in packages.items() if path)
    assert not any("resolved" in package for package in packages.values())
