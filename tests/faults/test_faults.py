"""Any call that changes a file may be the last, be torn or fail: nothing is lost, nothing stuck."""

from __future__ import annotations

import random

import pytest

from tests.faults.index_scenarios import INDEX_SCENARIOS
from tests.faults.point import FAULTS, Lab
from tests.faults.scenarios import SCENARIOS

SAMPLED, SAMPLED_SLOW = 32, 12
"""Points of each scenario by default: a thousand in all, with the states after a power cut."""
SEED = 20260302

ALL = SCENARIOS | INDEX_SCENARIOS


@pytest.mark.parametrize("scenario", ALL)
def test_a_sample_of_points(scenario: str, lab: Lab) -> None:
    calls = lab.calls(scenario)
    points = [(mode, point) for mode in FAULTS for point in range(1, calls + 1)]
    chosen = random.Random(f"{SEED} {scenario}").sample(
        points, SAMPLED_SLOW if ALL[scenario].slow else SAMPLED
    )
    wrong = [one for mode, point in sorted(chosen) for one in lab.wrong_at(scenario, mode, point)]
    assert wrong == [], f"{len(wrong)} of {len(chosen)} points:\n" + "\n".join(wrong)


@pytest.mark.faults
@pytest.mark.parametrize("mode", FAULTS)
@pytest.mark.parametrize("scenario", ALL)
def test_every_point(scenario: str, mode: str, lab: Lab) -> None:
    calls = lab.calls(scenario)
    wrong = [one for point in range(1, calls + 1) for one in lab.wrong_at(scenario, mode, point)]
    assert wrong == [], f"{len(wrong)} at {calls} points:\n" + "\n".join(wrong)
