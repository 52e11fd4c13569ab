"""Whether the person who does it may: one more condition of every plan, where lockgate.toml names people."""

from __future__ import annotations

from dataclasses import replace

from console.operations.plan import Check, Plan
from store.records.policy import Policy
from store.rules.rights import lacking, wanted
from store.workspace import Workspace

RIGHT = "right"
"""The name of the condition."""


def with_rights(workspace: Workspace, plan: Plan, policy: Policy | None = None) -> Plan:
    """`plan` with the rights that it needs among its conditions, as `policy` (that of its tip) gives them."""
    before = plan.gate == "served before"
    groups = wanted(plan.verb, served_before=before, overrides=bool(plan.overrides))
    if not groups:
        return plan
    policy = policy or workspace.store.at(plan.tip).policy
    if policy.may is None and all(one.may is None for one in policy.environments):
        return plan
    person = plan.by or workspace.person
    missing = list(lacking(policy, groups, plan.environment, person.email))
    kept = tuple(check for check in plan.checks if check.name != RIGHT)
    found = Check(RIGHT, "unmet", f"{'; '.join(missing)}.") if missing else None
    if found is None:
        found = Check(RIGHT, "ok", f"{person.email} may")
    return replace(plan, checks=(found, *kept))
