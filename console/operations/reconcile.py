"""Reconcile: make this machine true to the store.

Level-triggered and idempotent: it looks at what the store says and at what is here, never at what
just happened, so the same function serves after an operation, on a host that only pulls, and
after a crash.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from store.errors import LockgateError
from store.git.lock import held
from store.live import Arm, IndexPart, LiveDocument, decode, publish
from store.progress import Progress, Report, silent
from store.records.environment import Environment
from store.snapshot import Snapshot
from store.text import one_line
from store.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What was done."""

    published: tuple[str, ...]
    """Environments whose live document is new."""
    problems: tuple[str, ...]
    """One sentence for each environment that could not be followed; its old document still serves."""


def reconcile(workspace: Workspace, *, report: Report = silent) -> Reconciled:
    """Writes every live document that is behind the store. Problems are returned, not raised."""
    published: list[str] = []
    problems: list[str] = []
    try:
        with held(workspace.state / "reconcile.lock"):
            _publish_all(workspace, report, published, problems)
    except (LockgateError, OSError) as error:
        problems.append(f"live documents are not looked after: {error}")
    return Reconciled(tuple(published), tuple(problems))


def _publish_all(workspace: Workspace, report: Report, published: list[str], problems: list[str]) -> None:
    snapshot = workspace.store.at()
    for name in snapshot.policy.names:
        try:
            environment = snapshot.environment(name)
            if environment.stable is None or not is_behind(workspace, environment):
                continue
            report(Progress("publishing", note=name))
            document = rendered(workspace, snapshot, environment)
            publish(workspace.live(environment.name), document)
            published.append(environment.name)
        except (LockgateError, OSError, ValueError) as error:  # ValidationError is a ValueError
            problems.append(f"{name} is not published: {one_line(str(error), 400)}")


def is_behind(workspace: Workspace, environment: Environment) -> bool:
    """True when the live document is missing, damaged, not the pointer's, or names a copy that is gone."""
    document = published_document(workspace, environment.name)
    if document is None or document.generation != environment.generation:
        return True
    if document.stable.release != environment.stable:
        return True
    return not all(Path(part.path).is_dir() for part in _index_parts(document))


def published_document(workspace: Workspace, environment: str) -> LiveDocument | None:
    """The live document that is there now, or None when there is no readable one."""
    try:
        return decode(workspace.live(environment).read_bytes())
    except (OSError, LockgateError):
        return None


def _index_parts(document: LiveDocument) -> tuple[IndexPart, ...]:
    arms = (document.stable, document.canary)
    parts = (part for arm in arms if arm for part in arm.components.values())
    return tuple(part for part in parts if isinstance(part, IndexPart))


def rendered(workspace: Workspace, snapshot: Snapshot, environment: Environment) -> LiveDocument:
    """The live document that `environment` should have now; opens index copies that are not open."""
    rollout = environment.rollout
    return LiveDocument(
        environment=environment.name,
        generation=environment.generation,
        commit=snapshot.commit,
        rendered_at=workspace.clock.now(),
        stable=_arm(workspace, snapshot, str(environment.stable)),
        canary=_arm(workspace, snapshot, rollout.release) if rollout else None,
        percent=rollout.percent if rollout else 0.0,
        salt=rollout.salt if rollout else "",
        shadow_percent=rollout.shadow_percent if rollout else 0.0,
    )


def _arm(workspace: Workspace, snapshot: Snapshot, release_id: str) -> Arm:
    from console.operations.serve_component import served

    release = snapshot.release(release_id)
    return Arm(
        release=release.id,
        digest=release.digest,
        components={
            str(pin.component): served(
                workspace, snapshot, pin, release.components[str(pin.component)].digest
            )
            for pin in release.pins()
        },
    )
