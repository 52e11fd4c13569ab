"""Policy: change what each environment demands (lockgate.toml)."""

from __future__ import annotations

from collections.abc import Mapping

from console.operations.plan import Check, Plan, Risk, Stamp
from store.bounded import read_toml, write_toml
from store.errors import InputError
from store.records.policy import Policy
from store.snapshot import Snapshot
from store.workspace import Workspace


def plan(workspace: Workspace, policy: Policy) -> Plan:
    """What serving by `policy` from now on would change. Raises InputError when nothing would."""
    return _plan(workspace, workspace.store.at(), policy)


def plan_from(workspace: Workspace, data: bytes, where: str) -> Plan:
    """`plan` for the bytes of a lockgate.toml, read at `where`. Raises InputError naming the field."""
    return plan(workspace, read_toml(Policy, data, where))


def _plan(workspace: Workspace, snapshot: Snapshot, policy: Policy) -> Plan:
    current = snapshot.policy
    if policy == current:
        raise InputError("the policy says exactly this already; there is nothing to change.")
    said = _differences(current, policy)

    def write(_: Stamp) -> Mapping[str, bytes]:
        return {"lockgate.toml": write_toml(policy)}

    return Plan(
        verb="policy",
        tip=snapshot.commit,
        title="Change the policy",
        summary=f"Changed the policy: {'; '.join(said)}",
        checks=tuple(_checks(snapshot, policy)),
        effects=(*said, "a rollout on its way keeps the steps that it began with"),
        risk=Risk.FORWARD,
        confirm="policy",
        note_required=True,
        write=write,
        remake=lambda fresh: _plan(workspace, fresh, policy),
        command="lockgate policy set --from FILE",
    )


def _differences(before: Policy, after: Policy) -> tuple[str, ...]:
    said: list[str] = []
    if before.retention_days != after.retention_days:
        said.append(f"indexes stay ready for {after.retention_days} days instead of {before.retention_days}")
    was, is_now = before.retention or {}, after.retention or {}
    for index in sorted(was.keys() | is_now.keys()):
        if was.get(index) != is_now.get(index):
            old_days, days = before.retention_of(index).days, after.retention_of(index).days
            said.append(f"index/{index} stays ready for {days} days instead of {old_days}")
    if before.targets != after.targets:
        said.append(f"{after.targets} rollback targets stay ready instead of {before.targets}")
    for name in dict.fromkeys((*before.names, *after.names)):
        old, new = before.environment(name), after.environment(name)
        if old is None or new is None:
            said.append(f"{name} is {'new' if old is None else 'gone'}")
            continue
        fields = [one for one in type(new).model_fields if getattr(old, one) != getattr(new, one)]
        said.extend(f"{name}: {one.replace('_', ' ')} changed" for one in fields)
    if not said:
        said.append("the order of environments changed")
    return tuple(said)


def _checks(snapshot: Snapshot, policy: Policy) -> list[Check]:
    """An environment that serves cannot vanish under its users."""
    serving = [one.name for one in snapshot.environments() if one.stable and one.name not in policy.names]
    if serving:
        names = ", ".join(serving)
        return [Check("environments", "unmet", f"{names} serves a release and cannot be left out.")]
    return [Check("environments", "ok", "every environment that serves is still there")]
