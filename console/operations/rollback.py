"""Roll back: everything, or only some components, to what served before.

Never waits for evals, calls no model and needs no network. Leaves a hold and marks the release
that it takes away as rejected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from console.operations import conditions
from console.operations.compose import composed, same_release, served_releases
from console.operations.describe import changes_between, sentence
from console.operations.plan import Check, Plan, Risk, Stamp
from console.operations.ready import index_checks, ready
from store.bounded import write_toml
from store.errors import Blocked, InputError
from store.records.component import Component, Kind, Pin
from store.records.environment import Environment
from store.records.operation import Change
from store.records.release import Release
from store.rules import serving
from store.rules.rejection import rejected_by, taken_away
from store.snapshot import Snapshot
from store.text import one_line
from store.workspace import Workspace


def plan(workspace: Workspace, environment: str, only: Sequence[str] = ()) -> Plan:
    """What rolling back `environment` would do.

    `only` names components (`kind/name`) or kinds (`index`); empty means everything.
    """
    return _plan(workspace, workspace.store.at(), environment, tuple(only))


def _plan(workspace: Workspace, snapshot: Snapshot, environment: str, only: tuple[str, ...]) -> Plan:
    policy = conditions.policy_of(snapshot, environment)
    pointer = snapshot.environment(environment)
    current = snapshot.release(conditions.require_stable(pointer))
    components = _chosen(current, only)
    target, is_new = _target(workspace, snapshot, pointer, current, components)
    changes = changes_between(snapshot, current, target)
    retention = timedelta(days=snapshot.policy.retention_days)
    parts = tuple(str(one) for one in components)

    def write(stamp: Stamp) -> Mapping[str, bytes]:
        reason = stamp.why or f"rolled back {', '.join(parts) or 'everything'}"
        said = (reason, stamp.by, stamp.at, stamp.id)
        moved = serving.serve(pointer, target.id, stamp.id, stamp.at, retention)
        moved = serving.hold(moved, parts, *said)
        for pins in taken_away(changes, bool(parts)):
            moved = serving.reject(moved, current.id, pins, *said)
        files = {f"environments/{environment}.toml": write_toml(moved)}
        if is_new:
            files[f"releases/{target.id}.toml"] = write_toml(
                target.model_copy(update={"created_at": stamp.at, "created_by": stamp.by})
            )
        return files

    what = ", ".join(parts) if parts else "everything"
    return Plan(
        verb="rollback",
        tip=snapshot.commit,
        title=f"Roll back {what} in {environment}: {current.id} → {target.id}",
        summary=sentence("Rolled back to", changes, environment),
        environment=environment,
        release=target.id,
        before=current.id,
        after=target.id,
        changes=changes,
        checks=(
            Check("gate", "ok", "a rollback never waits for evals"),
            *index_checks(workspace, snapshot, target),
        ),
        effects=(
            f"{environment} serves {target.id} instead of {current.id}",
            f"{_rejected(current, changes, bool(parts))} rejected",
            "automation keeps off until somebody moves forward",
        ),
        risk=Risk.ROLLBACK if policy.production else Risk.REVERSIBLE,
        write=write,
        gate="served before",
        prepare=lambda: ready(workspace, snapshot, target),
        remake=lambda fresh: _plan(workspace, fresh, environment, only),
        command="lockgate rollback --env " + environment + "".join(f" --only {one}" for one in only),
    )


def _rejected(current: Release, changes: Sequence[Change], only_some: bool) -> str:
    """What the rollback forbids from now on, as the head of a sentence."""
    pins = taken_away(changes, only_some)
    if all(len(one) < 2 for one in pins):
        return f"{current.id} and whatever holds {' or '.join(pin for one in pins for pin in one)} are marked"
    return f"{current.id} and whatever holds all that it changed are marked"


def _chosen(current: Release, only: tuple[str, ...]) -> tuple[Component, ...]:
    chosen: list[Component] = []
    for text in only:
        if text in [kind.value for kind in Kind]:
            found = [pin.component for pin in current.pins(Kind(text))]
            if not found:
                raise InputError(f"{current.id} has no {text}; it has {', '.join(current.components)}.")
            chosen.extend(found)
            continue
        component = Component.parse(text)
        if current.version_of(component) is None:
            raise InputError(f"{current.id} has no {one_line(text)}; it has {', '.join(current.components)}.")
        chosen.append(component)
    return tuple(dict.fromkeys(chosen))


def _target(
    workspace: Workspace,
    snapshot: Snapshot,
    pointer: Environment,
    current: Release,
    components: tuple[Component, ...],
) -> tuple[Release, bool]:
    """The release to go back to, and whether it has to be composed."""
    releases = served_releases(snapshot, pointer)
    if not components:
        id = serving.rollback_target(pointer, releases)
        if id is None:
            raise Blocked(
                f"{pointer.name} has served nothing before {current.id} that could be gone back to: "
                f"`lockgate switch kind/name@vN --env {pointer.name}` goes to a version that you name."
            )
        return releases[id], False
    pins = [_back(pointer, component, current, releases) for component in components]
    draft = composed(workspace, snapshot, current, pins)
    known = same_release(snapshot, draft)
    rejected = rejected_by([pointer], known or draft)
    if rejected is not None:
        _, one = rejected
        what = f"{known.id} again" if known else " with ".join(one.pins)
        raise Blocked(
            f"that would serve {what}, which was rolled back in {pointer.name}; "
            f"`lockgate clear {one.release} -m WHY` if it is meant."
        )
    return (known, False) if known else (draft, True)


def _back(
    pointer: Environment, component: Component, current: Release, releases: Mapping[str, Release]
) -> Pin:
    version = serving.component_target(pointer, component, current.version_of(component), releases)
    if version is None:
        raise Blocked(
            f"{pointer.name} has served no other version of {component} that was not rolled "
            f"back; `lockgate switch {component}@vN --env {pointer.name}` goes to one that you name."
        )
    return Pin(component, version)
