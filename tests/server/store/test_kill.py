"""What was acknowledged is there after the process was killed."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from antiphon.server.store.store import Store, StoreConfig
from tests.server.store.accounts import check_accounts
from tests.server.store.examples import OWNER, FakeClock, events, response

NUM_KILLS = 20


def save_until_killed(url: str, prefix: str, num_acknowledged: int) -> list[str]:
    """Kill a saving process some time after so many answers; all the answers it gave."""
    command = [sys.executable, "-m", "tests.server.store.saving_process", url, prefix]
    root = Path(__file__).parents[3]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(num_acknowledged)]
        process.kill()
        lines += process.stdout.readlines()
    return [line.strip() for line in lines if line.endswith("\n")]


@pytest.mark.slow
async def test_killed_process_has_kept_what_it_acknowledged(
    tmp_path: Path, clock: FakeClock
) -> None:
    path = tmp_path / "store.db"
    chance = random.Random(7)
    acknowledged: list[str] = []
    for number in range(NUM_KILLS):
        acknowledged += save_until_killed(
            f"sqlite:///{path}", str(number), chance.randrange(1, 300)
        )
    store = await Store.open(StoreConfig(f"sqlite:///{path}", 10**9, 10**6), clock)
    for name in acknowledged:
        prefix, worker, turn = name.split("-")
        previous = f"{prefix}-{worker}-{int(turn) - 1}" if int(turn) else None
        saved = await store.response(OWNER, f"resp_{name}")
        assert saved == response(name, previous, f"I am {name}")
        assert await store.events(OWNER, f"resp_{name}") == tuple(events(int(turn) % 20))
    check_accounts(path, store.num_bytes)
    await store.close()
    assert len(acknowledged) > NUM_KILLS
