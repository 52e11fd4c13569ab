"""The policy that docs/rollouts.md shows is one that Lockgate reads."""

from __future__ import annotations

import re
from pathlib import Path

from store.bounded import parse_toml, validate
from store.records.rollout_policy import RolloutPolicy


def test_the_ladder_of_the_docs_is_a_ladder() -> None:
    page = (Path(__file__).parents[2] / "docs/rollouts.md").read_text(encoding="utf-8")
    (sample,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    read = parse_toml(sample.encode(), "docs/rollouts.md")
    policy = validate(RolloutPolicy, read["environments"]["rollout"], "docs/rollouts.md")
    assert [step.percent for step in policy.steps] == [5, 25, 100] and policy.steps[1].approval
    assert policy.triggers.sla_ms == 4000
