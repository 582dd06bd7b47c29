"""The six cases through rounds of ``kill -9``. ``make soak`` plays a hundred of them."""

import os
import secrets
import time
from pathlib import Path

import pytest

from tests.support.orders import draw_round
from tests.support.rounds import crashes
from tests.support.servers import new_place

ROUNDS = int(os.environ.get("SAFECONDUCT_ROUNDS", "10"))
SEED = int(os.environ.get("SAFECONDUCT_SEED", "0")) or secrets.randbits(32)


@pytest.mark.timeout(120 + 10 * ROUNDS)
async def test_no_acknowledged_command_is_lost_or_doubled_whoever_is_killed_and_whenever(tmp_path: Path) -> None:
    again = f"again with: SAFECONDUCT_SEED={SEED} SAFECONDUCT_ROUNDS={ROUNDS} make soak"
    print(f"\nseed {SEED}, {ROUNDS} rounds")
    async with crashes(new_place(tmp_path)) as running:
        began = time.monotonic()
        for number in range(1, ROUNDS + 1):
            drawn = draw_round(SEED, number)
            await running.play(drawn)
            assert not (faults := running.round_faults()), f"round {number} ({drawn}), {again}: {faults}"
            print(f"{time.monotonic() - began:6.1f} s  round {number}: {running.tally()}", flush=True)
        faults = await running.healed()
        print(f"{time.monotonic() - began:6.1f} s  healed: {running.tally()}")
        assert not faults, f"after round {ROUNDS}, {again}: {faults}"
