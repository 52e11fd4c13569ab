"""Roll back: everything, or only some components, to what served before.

Never waits for evals, calls no model and needs no network. Leaves a hold and marks the release
that it takes away as rejected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from console.operations import conditions
from console.operations.compose import composed, same_release, served_releases
from console.operations.describe import changes_between, noticed, sentence
from console.operations.plan import Check, Plan, Risk, Stamp
from console.operations.ready import index_checks, ready_again
from console.operations.rollout.transition import Wording, transition_plan
from store.bounded import write_toml
from store.errors import Blocked, InputError
from store.records.component import Component, Kind, Pin
from store.records.environment import Environment
from store.records.operation import Change
from store.records.release import Release
from store.rules import serving
from store.rules.rejection import rejected_by, taken_away
from store.rules.rollout import Transition, ended
from store.rules.rollout_pointer import mark, without_rollout
from store.snapshot import Snapshot
from store.text import one_line
from store.workspace import Workspace


def plan(workspace: Workspace, environment: str, only: Sequence[str] = ()) -> Plan:
    """What rolling back `environment` would do.

    `only` names components (`kind/name`) or kinds (`index`); empty means everything.
    """
    return _plan(workspace, workspace.store.at(), environment, tuple(only))


def _plan(workspace: Workspace, snapshot: Snapshot, environment: str, only: tuple[str, ...]) -> Plan:
    pointer = snapshot.environment(environment)
    rollout = pointer.rollout
    if rollout is not None and rollout.active:
        canary = snapshot.release(rollout.release)
        stable = snapshot.release(conditions.require_stable(pointer))
        parts = tuple(str(one) for one in _chosen(only, stable, canary))
        differs = {one.component for one in changes_between(snapshot, stable, canary)}
        if differs.issuperset(parts):
            return _of_rollout(workspace, snapshot, environment, parts)
    return _of_stable(workspace, snapshot, pointer, only)


def _of_rollout(workspace: Workspace, snapshot: Snapshot, environment: str, parts: tuple[str, ...]) -> Plan:
    """What is bad is on its way in: taking the canary away takes it back."""

    def decide(_: Snapshot, pointer: Environment) -> Transition | None:
        rollout = pointer.rollout
        if rollout is None or not rollout.active:
            return None
        reason = f"rolled back by {workspace.person.name}"
        over = ended(rollout, "rolled back", reason, pointer.generation + 1, workspace.clock.now())
        return Transition("rollback", over, takes_away=True)

    def wording(fresh: Snapshot, _: Environment, transition: Transition) -> Wording:
        rollout = transition.rollout
        policy = conditions.policy_of(fresh, environment)
        return Wording(
            title=f"Roll back {rollout.release} in {environment}: {rollout.stable} for everybody",
            command=_command(environment, parts),
            checks=(Check("gate", "ok", "a rollback never waits for evals"),),
            risk=Risk.ROLLBACK if policy.production else Risk.REVERSIBLE,
            only=parts,
        )

    return transition_plan(workspace, snapshot, environment, decide, wording)


def _of_stable(workspace: Workspace, snapshot: Snapshot, pointer: Environment, only: tuple[str, ...]) -> Plan:
    environment = pointer.name
    policy = conditions.policy_of(snapshot, environment)
    current = snapshot.release(conditions.require_stable(pointer))
    components = _chosen(only, current)
    target, is_new = _target(workspace, snapshot, pointer, current, components)
    changes = changes_between(snapshot, current, target)
    retention = snapshot.policy.longest_retention
    parts = tuple(str(one) for one in components)

    def moved(stamp: Stamp) -> Environment:
        reason = stamp.why or f"rolled back {', '.join(parts) or 'everything'}"
        said = (reason, stamp.by, stamp.at, stamp.id)
        start = without_rollout(pointer, reason, stamp.at)
        moved = serving.serve(start, target.id, stamp.id, stamp.at, retention)
        moved = serving.hold(moved, parts, *said)
        for pins in taken_away(changes, bool(parts)):
            moved = serving.reject(moved, current.id, pins, *said)
        return moved

    def write(stamp: Stamp) -> Mapping[str, bytes]:
        files = {f"environments/{environment}.toml": write_toml(moved(stamp))}
        if is_new:
            files[f"releases/{target.id}.toml"] = write_toml(
                target.model_copy(update={"created_at": stamp.at, "created_by": stamp.by})
            )
        return files

    return Plan(
        verb="rollback",
        tip=snapshot.commit,
        title=f"Roll back {', '.join(parts) or 'everything'} in {environment}: {current.id} → {target.id}",
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
            *noticed(snapshot, changes),
            *_rollout_effect(pointer),
            f"{_rejected(current, changes, bool(parts))} rejected",
            "automation keeps off until somebody moves forward",
        ),
        risk=Risk.ROLLBACK if policy.production else Risk.REVERSIBLE,
        write=write,
        mark=lambda stamp: mark(moved(stamp)) if _rollout_effect(pointer) else None,
        gate="served before",
        relative=True,
        prepare=lambda report: ready_again(workspace, snapshot, target, report),
        remake=lambda fresh: _plan(workspace, fresh, environment, only),
        command=_command(environment, only),
    )


def _command(environment: str, only: Sequence[str]) -> str:
    return "lockgate rollback --env " + environment + "".join(f" --only {one}" for one in only)


def _rollout_effect(pointer: Environment) -> tuple[str, ...]:
    rollout = pointer.rollout
    if rollout is None or not (rollout.active or rollout.watch_until):
        return ()
    what = "rollout" if rollout.active else "watch"
    return (f"the {what} of {rollout.release} ends",)


def _rejected(current: Release, changes: Sequence[Change], only_some: bool) -> str:
    """What the rollback forbids from now on, as the head of a sentence."""
    pins = taken_away(changes, only_some)
    if all(len(one) < 2 for one in pins):
        return f"{current.id} and whatever holds {' or '.join(pin for one in pins for pin in one)} are marked"
    return f"{current.id} and whatever holds all that it changed are marked"


def _chosen(only: tuple[str, ...], *releases: Release) -> tuple[Component, ...]:
    """The components that `only` names, of any of `releases`. Raises InputError for one that none has."""
    chosen: list[Component] = []
    for text in only:
        if text in [kind.value for kind in Kind]:
            found = [pin.component for release in releases for pin in release.pins(Kind(text))]
        else:
            component = Component.parse(text)
            found = [component] if any(one.version_of(component) for one in releases) else []
        if not found:
            has = ", ".join(releases[0].components)
            raise InputError(f"{releases[0].id} has no {one_line(text)}; it has {has}.")
        chosen.extend(found)
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
