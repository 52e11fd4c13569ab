"""Where a shadow stands: what it compared, what it cost, what is said of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from console.operations import conditions
from console.operations.heartbeat import Heartbeat, last_beat
from console.operations.shadow.paths import envelopes_of, work_file_of
from console.operations.shadow.verdicts import budget_of, fed, job_of, verdict_of
from store.rules.shadow import Running, rests, running
from store.workspace import Workspace

if TYPE_CHECKING:
    from evals.live.budget import Spent
    from evals.live.shadow import Counted
    from evals.live.shadow_verdict import ShadowVerdict

_NAMED = 20
"""Requests that are named."""


@dataclass(frozen=True, slots=True)
class ShadowStatus:
    """One environment's shadow at one moment."""

    environment: str
    at: datetime
    shadow: Running | None
    """The one that is on; None where there is none, or where it rests."""
    rests: str | None
    """Why the environment's own shadow does nothing now."""
    verdict: ShadowVerdict | None
    candidate: Counted | None
    again: Counted | None
    """Stable's own second answers."""
    states: dict[str, int]
    """Requests by state: working, done, failed, dropped (too many waited), repeat (of a user)."""
    spent: Spent | None
    dropped: int
    """Sampled requests that applications counted and could not hand over."""
    flagged: tuple[str, ...]
    """Requests whose answer by the shadow was called harmful; `lockgate compare --request ID` shows both."""
    heartbeat: Heartbeat
    worst: tuple[Pair, ...] = ()
    """The requests on which the shadow differs most, failures first."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One replayed request: the shadow's answer against what the user was answered."""

    request_id: str
    failed: bool
    quality: float | None
    """By the suite's graders, 0 to 1."""
    ranked: float | None
    """Rank-biased overlap of the retrieved passages, 0 to 1."""
    similarity: float | None
    """Of the answers, 0 to 1."""
    harmful: bool


def status(workspace: Workspace, environment: str) -> ShadowStatus:
    """The shadow in `environment`. Raises InputError for an environment that is not, MachineryError when
    the comparisons cannot be read."""
    snapshot = workspace.store.at()
    conditions.policy_of(snapshot, environment)
    pointer = snapshot.environment(environment)
    shadow, now = running(pointer), workspace.clock.now()
    if shadow is None:
        return ShadowStatus(
            environment, now, None, rests(pointer), None, None, None, {}, None, 0, (), last_beat(workspace)
        )
    file, watch = work_file_of(workspace), fed(workspace, shadow)
    flagged = file.rows(
        "select request_id from comparisons where job = ? and harmful > 0 order by id desc limit ?",
        (job_of(shadow), _NAMED),
    )
    worst = file.rows(
        "select request_id, failed, quality, ranked, similarity, harmful from comparisons"
        " where job = ? and arm = 'candidate'"
        " order by failed desc, coalesce(harmful, 0) desc, coalesce(similarity, ranked, 1), id limit ?",
        (job_of(shadow), _NAMED),
    )
    return ShadowStatus(
        environment=environment,
        at=now,
        shadow=shadow,
        rests=None,
        verdict=verdict_of(workspace, shadow, watch),
        candidate=watch.candidate,
        again=watch.again,
        states=file.states(job_of(shadow)),
        spent=budget_of(workspace, environment, shadow).spent(),
        dropped=envelopes_of(workspace).dropped(),
        flagged=tuple(str(row[0]) for row in flagged),
        heartbeat=last_beat(workspace),
        worst=tuple(
            Pair(str(id), bool(failed), quality, ranked, alike, bool(harmful))
            for id, failed, quality, ranked, alike, harmful in worst
        ),
    )
