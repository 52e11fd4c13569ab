"""Freeze, unfreeze: for a time nothing moves forward in an environment; going back always may."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from console.operations.conditions import policy_of
from console.operations.plan import Check, Plan, Stamp
from store.bounded import write_toml
from store.errors import InputError
from store.records.environment import Environment, Freeze
from store.snapshot import Snapshot
from store.workspace import Workspace

_MOST = 50
_FORMAT = "%Y-%m-%d %H:%M UTC"


def plan(workspace: Workspace, environment: str, until: datetime, since: datetime | None = None) -> Plan:
    """What freezing `environment` from `since` (now) to `until` would do; the note is the freeze's reason.

    Raises InputError for an environment that is not, for a time that is over, and for too many freezes.
    """
    now = workspace.clock.now()
    start = since or now
    if until <= max(start, now):
        raise InputError(
            f"a freeze until {until:{_FORMAT}} is over before it begins; name a later time with --until."
        )
    return _freezing(workspace, workspace.store.at(), environment, start, until, since is None)


def _freezing(
    workspace: Workspace, snapshot: Snapshot, name: str, start: datetime, until: datetime, at_once: bool
) -> Plan:
    policy_of(snapshot, name)
    pointer = snapshot.environment(name)
    kept = tuple(one for one in pointer.freezes if one.until > workspace.clock.now())
    if len(kept) >= _MOST:
        raise InputError(f"{name} has {_MOST} freezes to come; `lockgate unfreeze --env {name}` lifts them.")

    def frozen(stamp: Stamp) -> Environment:
        freeze = Freeze(reason=stamp.why, since=min(start, stamp.at) if at_once else start, until=until)
        return _moved(pointer, (*kept, freeze), stamp)

    begins = "now" if at_once else f"{start:{_FORMAT}}"
    return Plan(
        verb="freeze",
        tip=snapshot.commit,
        title=f"Freeze {name} until {until:{_FORMAT}}",
        summary=f"Froze {name} from {begins} until {until:{_FORMAT}}",
        environment=name,
        checks=(Check("rollback", "ok", "going back stays possible, by people and by itself"),),
        effects=(
            f"nothing moves forward in {name} from {begins} until {until:{_FORMAT}}",
            *(("the rollout that is on its way waits",) if _is_rolling(pointer) else ()),
        ),
        note_required=True,
        write=_writing(name, frozen),
        remake=lambda fresh: _freezing(workspace, fresh, name, start, until, at_once),
        command=f"lockgate freeze --env {name} --until {until:%Y-%m-%dT%H:%MZ}"
        + ("" if at_once else f" --since {start:%Y-%m-%dT%H:%MZ}"),
    )


def lift(workspace: Workspace, environment: str) -> Plan:
    """What lifting every freeze of `environment`, of now and to come, would do; windows stay.

    Raises InputError where there is none.
    """
    return _lifting(workspace, workspace.store.at(), environment)


def _lifting(workspace: Workspace, snapshot: Snapshot, name: str) -> Plan:
    policy_of(snapshot, name)
    pointer = snapshot.environment(name)
    lifted = [one for one in pointer.freezes if one.until > workspace.clock.now()]
    if not lifted:
        raise InputError(f"no freeze is on in {name} or to come; windows are in lockgate.toml.")
    told = ", ".join(f"until {one.until:{_FORMAT}} ({one.reason})" for one in lifted)
    return Plan(
        verb="unfreeze",
        tip=snapshot.commit,
        title=f"Unfreeze {name}",
        summary=f"Lifted what froze {name}: {told}",
        environment=name,
        effects=(f"{name} may move forward again, as far as its windows let it",),
        note_required=True,
        write=_writing(name, lambda stamp: _moved(pointer, (), stamp)),
        remake=lambda fresh: _lifting(workspace, fresh, name),
        command=f"lockgate unfreeze --env {name}",
    )


def _is_rolling(pointer: Environment) -> bool:
    return pointer.rollout is not None and pointer.rollout.active


def _moved(pointer: Environment, freezes: tuple[Freeze, ...], stamp: Stamp) -> Environment:
    return pointer.model_copy(
        update={"freezes": freezes, "generation": pointer.generation + 1, "record": stamp.id}
    )


def _writing(name: str, moved: Callable[[Stamp], Environment]) -> Callable[[Stamp], Mapping[str, bytes]]:
    def write(stamp: Stamp) -> Mapping[str, bytes]:
        return {f"environments/{name}.toml": write_toml(moved(stamp))}

    return write
