"""Shadow stop: a release no longer answers for the log; what was compared stays."""

from __future__ import annotations

from collections.abc import Mapping

from console.operations import conditions
from console.operations.plan import Overtaken, Plan, Stamp
from store.bounded import write_toml
from store.errors import InputError
from store.records.base import Person
from store.records.shadow import Shadow
from store.rules.shadow import stopped
from store.snapshot import Snapshot
from store.workspace import Workspace


def plan(workspace: Workspace, environment: str) -> Plan:
    """What ending the shadow in `environment` would do. Raises InputError when there is none."""
    snapshot = workspace.store.at()
    conditions.policy_of(snapshot, environment)
    shadow = snapshot.environment(environment).shadow
    if shadow is None:
        rollout = snapshot.environment(environment).rollout
        way_out = ""
        if rollout is not None and rollout.active and rollout.shadow_percent:
            way_out = f"; `lockgate rollout abort --env {environment}` ends the one that its rollout makes"
        raise InputError(f"{environment} has no shadow of its own{way_out}.")
    return _plan(snapshot, environment, shadow, None, "")


def over(snapshot: Snapshot, environment: str, shadow: Shadow, by: Person) -> Plan:
    """The end of `shadow` because its time has come, by a controller."""
    return _plan(snapshot, environment, shadow, by, ": its time is over")


def _plan(snapshot: Snapshot, environment: str, shadow: Shadow, by: Person | None, because: str) -> Plan:
    pointer = snapshot.environment(environment)
    if pointer.shadow is None or pointer.shadow.attempt != shadow.attempt:
        raise Overtaken(f"the shadow in {environment} was ended by somebody else meanwhile.")

    def write(stamp: Stamp) -> Mapping[str, bytes]:
        return {f"environments/{environment}.toml": write_toml(stopped(pointer, stamp.id))}

    return Plan(
        verb="unshadow",
        tip=snapshot.commit,
        title=f"End the shadow of {shadow.release} in {environment}",
        summary=f"{shadow.release} no longer answers for the log in {environment}{because}",
        environment=environment,
        release=shadow.release,
        before=pointer.stable,
        after=pointer.stable,
        effects=("applications keep no more requests for it; what was compared stays",),
        write=write,
        by=by,
        goal=("unshadow", shadow.attempt),
        remake=lambda fresh: _plan(fresh, environment, shadow, by, because),
        command=f"lockgate shadow stop --env {environment}",
    )
