"""What docs/rights.md shows is a policy that Lockgate takes."""

from __future__ import annotations

import re
from pathlib import Path

from store.bounded import read_toml
from store.records.policy import Policy
from store.rules.rights import WANTS, may

PAGE = Path(__file__).parents[2] / "docs" / "rights.md"


def test_the_examples_are_policies() -> None:
    roles, approvals = re.findall(r"```\n(\[.*?)```", PAGE.read_text(), re.DOTALL)[:2]
    first = '[[environments]]\nname = "staging"\n\n'
    found = read_toml(Policy, roles.replace("[[environments]]", first + "[[environments]]", 1).encode(), "x")
    assert may(found, "promote", "production", "bo@example.org")
    assert not may(found, "approve", "production", "ana@example.org")
    second = first + approvals
    demanded = read_toml(Policy, second.encode(), "x").environments[1].approvals
    assert demanded is not None and (demanded.count, demanded.signed, demanded.days) == (2, True, 30)


def test_every_right_is_told() -> None:
    text = PAGE.read_text()
    for action in {one for actions in WANTS.values() for one in actions}:
        assert f"\n- {action}: " in text, action
