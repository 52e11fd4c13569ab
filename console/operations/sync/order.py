"""In which order a change and its push come: forward, the remote first; back, this machine first.

So that two machines that do not hear each other can both take a canary away, and neither can give it
to more users.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from random import uniform

from console.operations.plan import Plan
from console.operations.reconcile import reconcile
from console.operations.sync.exchange import bring
from console.operations.sync.state import noted, remote_of, remote_state
from console.operations.sync.sync import asking, sync
from store.errors import Blocked, LockgateError, MachineryError
from store.git.remote import Remote, RemoteTrouble, Unreachable
from store.git.tracking import saw
from store.progress import Report, silent
from store.workspace import Workspace

FORWARD = frozenset(
    {"stage", "promote", "switch", "advance", "approve", "resume", "mark", "archive", "purge"}
)
"""The kinds of record that move users forward, or let a controller do it; and those that take bytes away:
somebody who promotes them elsewhere at the same moment must win."""


class Forward:
    """Moves forward by way of the remote: what it has comes here, then the change goes there."""

    def __init__(self, workspace: Workspace, remote: Remote, plan: Plan, report: Report = silent) -> None:
        self._workspace = workspace
        self._remote = remote
        self._title = plan.title
        self._waits = plan.by is None
        self._report = report

    def catch_up(self, attempt: int) -> None:
        """Follows what the remote has; `attempt` counts from 0.

        Raises MachineryError when it does not answer, Blocked when both sides changed a file, StaleTip
        when somebody was faster.
        """
        if attempt:
            time.sleep(uniform(0, min(1.0, 0.05 * 2**attempt)))
        if not self._waits:
            self._demand_signs_of_life()
        patience = asking(self._workspace)
        with self._wanted(), noted(self._workspace, self._remote):
            gone = bring(self._workspace, self._remote, patience, patience)
        if gone.to != gone.tip:
            reconcile(self._workspace, report=self._report)

    def publish(self, commit: str) -> None:
        """Pushes `commit`, which nothing here points to yet. Raises as `catch_up` does."""
        with self._wanted(), noted(self._workspace, self._remote):
            self._remote.push(commit, asking(self._workspace))
            saw(self._workspace.store, commit)

    def _demand_signs_of_life(self) -> None:
        """A controller waits for a silent remote once, not at each tick: a rollback may be next in line."""
        state = remote_state(self._workspace)
        if state is not None and state.is_out(self._workspace.clock.now()):
            with self._wanted():
                raise Unreachable(self._remote.name, "did not answer a moment ago")

    @contextmanager
    def _wanted(self) -> Iterator[None]:
        try:
            yield
        except RemoteTrouble as error:
            raise MachineryError(
                f"{self._title}: moving forward wants the remote, which {error.what}; nothing was changed "
                "here. Rollbacks work without it."
            ) from None


def forward(workspace: Workspace, plan: Plan, report: Report = silent) -> Forward | None:
    """How `plan` goes by way of the remote; None where it does not, or there is none."""
    remote = remote_of(workspace) if plan.verb in FORWARD else None
    return Forward(workspace, remote, plan, report) if remote is not None else None


def pushed_after(workspace: Workspace, plan: Plan, commit: str) -> tuple[str, tuple[str, ...]]:
    """Pushes `commit`, which `plan` made here, as far as the remote answers in time.

    Returns its id on `main` now, and what went wrong. What a controller did, whoever runs the controller
    pushes: it must not wait. Never raises.
    """
    if plan.by is not None or plan.verb in FORWARD or remote_of(workspace) is None:
        return commit, ()
    try:
        done = sync(workspace, within=asking(workspace))
    except Blocked as error:
        return commit, (f"not pushed: {error.message}",)
    except LockgateError as error:
        return commit, (_later(error.message),)
    problems = (*(done.lines() if done.put_aside else ()), *done.problems)
    return dict(done.moved).get(commit, commit), (
        *problems,
        *((_later(done.trouble),) if done.trouble else ()),
    )


def _later(trouble: str) -> str:
    return f"not pushed yet: {trouble} `lockgate sync` or `lockgate watch` pushes it."
