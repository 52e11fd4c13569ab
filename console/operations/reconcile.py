"""Reconcile: make this machine true to the store.

Level-triggered and idempotent: it looks at what the store says and at what is here, never at what
just happened, so the same function serves after an operation, on a host that only pulls, and
after a crash.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from console.operations.excused import Excused, index_parts
from console.operations.index.server_named import server_named
from store.errors import LockgateError
from store.git.lock import held
from store.kill_file import foreign_kill, read_kill, remove_kill
from store.live import Arm, IndexPart, LiveDocument, decode, publish
from store.progress import Progress, Report, silent
from store.records.environment import Environment
from store.rules.shadow import Carried, carried
from store.snapshot import Snapshot
from store.text import one_line
from store.workspace import Workspace

if TYPE_CHECKING:
    from indexes.chroma_server import ChromaServer

CANARY_LASTS = timedelta(minutes=15)
"""Clients fall back to stable when no controller has prolonged a canary for so long."""
_PROLONGED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What was done."""

    published: tuple[str, ...]
    """Environments whose live document is new."""
    problems: tuple[str, ...]
    """One sentence for each environment that could not be followed, where its old document still serves, or
    that serves what could not be looked at."""


def reconcile(
    workspace: Workspace, *, report: Report = silent, watched: frozenset[str] = frozenset()
) -> Reconciled:
    """Writes every live document that is behind the store. Problems are returned, not raised.

    `watched` are the environments that a controller sees: only there are canaries served beyond CANARY_LASTS.
    """
    published: list[str] = []
    problems: list[str] = []
    try:
        with held(workspace.state / "reconcile.lock"):
            _publish_all(workspace, report, watched, published, problems)
    except (LockgateError, OSError) as error:
        problems.append(f"live documents are not looked after: {error}")
    return Reconciled(tuple(published), tuple(problems))


def _publish_all(
    workspace: Workspace, report: Report, watched: frozenset[str], published: list[str], problems: list[str]
) -> None:
    snapshot = workspace.store.at()
    for name in snapshot.policy.names:
        try:
            environment = snapshot.environment(name)
            if environment.stable is None:
                continue
            watching = name in watched
            if is_behind(workspace, environment) or _expires(workspace, environment, watching):
                report(Progress("publishing", note=name))
                document, troubles = _rendered(workspace, snapshot, environment, watching)
                publish(workspace.live(environment.name), document)
                published.append(environment.name)
                problems.extend(f"{name}: {trouble}" for trouble in troubles)
            _lift_kill(workspace, environment)
        except (LockgateError, OSError, ValueError) as error:  # ValidationError is a ValueError
            problems.append(f"{name} is not published: {one_line(str(error), 400)}")


def is_behind(workspace: Workspace, environment: Environment) -> bool:
    """True when the live document is missing, damaged, not the pointer's, or names a copy that is gone or not
    where this machine serves from."""
    document = published_document(workspace, environment.name)
    if document is None or document.generation != environment.generation:
        return True
    if document.stable.release != environment.stable:
        return True
    canary = document.canary.release if document.canary is not None else None
    if canary != _carried(workspace, environment).release:
        return True
    parts = index_parts(document)
    server = server_named(workspace) if parts else None
    return not all(_is_there(part, server) for part in parts)


def _is_there(part: IndexPart, server: ChromaServer | None) -> bool:
    """A server is not asked at each look: that a collection stands was seen when it was named."""
    if server is not None or part.server is not None:
        return part.server == (str(server) if server is not None else None)
    return Path(part.path).is_dir()


def _carried(workspace: Workspace, environment: Environment) -> Carried:
    """What the document of `environment` says besides stable; a kill file takes its rollout's canary out."""
    found = carried(environment)
    if found.rollout is None:
        return found
    live = workspace.live(environment.name)
    kill = read_kill(live)
    killed = kill is not None and kill.attempt == found.rollout.attempt
    return Carried() if killed or foreign_kill(live) is not None else found


def _expires(workspace: Workspace, environment: Environment, watching: bool) -> bool:
    """Whether the canary's time is to be prolonged by a controller that is alive, or was given by a clock
    that ran ahead."""
    document = published_document(workspace, environment.name)
    if document is None or document.valid_until is None:
        return False
    left = document.valid_until - workspace.clock.now()
    return left > CANARY_LASTS + _PROLONGED_EVERY or (watching and left < CANARY_LASTS - _PROLONGED_EVERY)


def _lift_kill(workspace: Workspace, environment: Environment) -> None:
    """Takes away a kill file whose rollout is over in the store: the document says so itself now."""
    live = workspace.live(environment.name)
    kill = read_kill(live)
    if kill is None:
        return
    rollout = environment.rollout
    stopped = rollout is None or rollout.attempt != kill.attempt or not rollout.active
    if stopped and environment.generation >= kill.epoch:
        remove_kill(live)


def published_document(workspace: Workspace, environment: str) -> LiveDocument | None:
    """The live document that is there now, or None when there is no readable one."""
    try:
        return decode(workspace.live(environment).read_bytes())
    except (OSError, LockgateError):
        return None


def rendered(workspace: Workspace, snapshot: Snapshot, environment: Environment) -> LiveDocument:
    """The live document that `environment` should have now; opens index copies that are not open."""
    return _rendered(workspace, snapshot, environment, watching=False)[0]


def _rendered(
    workspace: Workspace, snapshot: Snapshot, environment: Environment, watching: bool
) -> tuple[LiveDocument, list[str]]:
    """The document, why it carries no canary although the store wants one, and what it names unseen."""
    excused = Excused(snapshot, environment, published_document(workspace, environment.name))
    document = LiveDocument(
        environment=environment.name,
        generation=environment.generation,
        commit=snapshot.commit,
        rendered_at=workspace.clock.now(),
        stable=_arm(workspace, snapshot, str(environment.stable), excused),
    )
    more = _carried(workspace, environment)
    if more.release is None:
        return document.model_copy(update={"captured_percent": more.captured_percent}), excused.problems
    try:
        canary = _arm(workspace, snapshot, more.release, excused)
    except LockgateError as error:  # users of stable are not to suffer from it
        trouble = f"the canary {more.release} is not served here: {one_line(str(error), 400)}"
        return document, [*excused.problems, trouble]
    carries = {
        "canary": canary,
        "percent": more.percent,
        "salt": more.salt,
        "shadow_percent": more.shadow_percent,
        "captured_percent": more.captured_percent,
        "valid_until": _valid_until(workspace, environment, watching),
    }
    return document.model_copy(update=carries), excused.problems


def _valid_until(workspace: Workspace, environment: Environment, watching: bool) -> datetime:
    """How long the canary is served without a controller: mending a document prolongs nothing."""
    known, latest = published_document(workspace, environment.name), workspace.clock.now() + CANARY_LASTS
    if not watching and known is not None and known.generation == environment.generation:
        return min(known.valid_until or workspace.clock.now(), latest)
    return latest


def _arm(workspace: Workspace, snapshot: Snapshot, release_id: str, excused: Excused) -> Arm:
    from console.operations.serve_component import served

    release = snapshot.release(release_id)
    return Arm(
        release=release.id,
        digest=release.digest,
        components={
            str(pin.component): served(
                workspace, snapshot, pin, release.components[str(pin.component)].digest, excused.take
            )
            for pin in release.pins()
        },
    )
