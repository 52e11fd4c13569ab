"""The power goes at any moment: what was acknowledged is on disk, and the next command works."""

from __future__ import annotations

import random
import shutil

import pytest

from tests.faults.index_scenarios import INDEX_SCENARIOS
from tests.faults.point import Lab
from tests.faults.powerloss import disk_of, lay_down, read_log, states
from tests.faults.scenarios import SCENARIOS, SHOP
from tests.faults.test_faults import SEED

ALL = SCENARIOS | INDEX_SCENARIOS
SAMPLED = 12
"""States of each scenario by default."""


def wrong_after_power_cuts(scenario: str, lab: Lab, sampled: int | None) -> tuple[list[str], int]:
    """What is wrong in the states that the disk may be in, and in how many was looked."""
    folder = lab.fresh(scenario)
    before, log = disk_of(folder / SHOP), lab.folder / f"log-{lab.copies}"
    told = lab.ask(act=scenario, folder=str(folder), mode="count", point=0, log=str(log))
    assert (told["code"], told["error"]) == (0, []), told
    done = read_log(log, folder / SHOP)
    assert [one.path for one in done if one.name == "mark"] == told["ack"]
    found = list(states(before, done))
    if sampled is not None and sampled < len(found):
        found = random.Random(f"{SEED} {scenario}").sample(found, sampled)
    wrong: list[str] = []
    for model, number, acks, tree in found:
        shutil.rmtree(folder / SHOP, ignore_errors=True)
        lay_down(tree, folder / SHOP)
        seen = lab.look(scenario, folder, acks, cut=True)
        wrong += [f"{scenario}, {model}, after {number} of {len(done)} calls: {one}" for one in seen]
    shutil.rmtree(folder)
    log.unlink()
    return wrong, len(found)


@pytest.mark.parametrize("scenario", ALL)
def test_a_sample_of_states(scenario: str, lab: Lab) -> None:
    wrong, count = wrong_after_power_cuts(scenario, lab, SAMPLED)
    assert wrong == [], f"{len(wrong)} in {count} states:\n" + "\n".join(wrong)


@pytest.mark.faults
@pytest.mark.parametrize("scenario", ALL)
def test_every_state(scenario: str, lab: Lab) -> None:
    wrong, count = wrong_after_power_cuts(scenario, lab, None)
    assert wrong == [], f"{len(wrong)} in {count} states:\n" + "\n".join(wrong)
