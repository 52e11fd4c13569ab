"""Sync: fetch, follow, push."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field

from console.operations.reconcile import reconcile
from console.operations.sync.exchange import bring, chosen, fetched
from console.operations.sync.following import Way
from console.operations.sync.state import noted, remote_of
from console.operations.sync.synced import Synced, told
from store.errors import InputError, StaleTip
from store.git.maintenance import pack_when_due
from store.git.program import Patience
from store.git.remote import Remote, RemoteTrouble
from store.git.tracking import saw
from store.progress import Progress, Report, Stop, check, never, silent
from store.workspace import Workspace

TRIES = 30
"""How often somebody else may be faster."""
SILENT_SECONDS = 30.0
"""A large fetch or push may take long; this is how long it may say nothing."""


@dataclass(slots=True)
class _Exchange:
    """One sync under way."""

    workspace: Workspace
    remote: Remote
    within: Patience | None
    report: Report
    stop: Stop
    ways: list[Way] = field(default_factory=list)
    """Those that were gone, oldest first: more than one where somebody else was faster."""

    def go(self, take_remote: bool) -> None:
        """Until both mains are equal. Raises StaleTip when somebody else was faster each time."""
        for attempt in range(TRIES):
            check(self.stop, "sync")
            try:
                return self._round(take_remote and not self.ways)
            except StaleTip:
                if attempt == TRIES - 1 or (self.within is not None and self.within.is_over()):
                    raise
                time.sleep(random.uniform(0, min(1.0, 0.05 * 2**attempt)))

    def _round(self, take_remote: bool) -> None:
        gone = bring(
            self.workspace,
            self.remote,
            self.within or asking(self.workspace, self.stop),
            self._patience(),
            take_remote=take_remote,
            report=self.report,
        )
        self.ways.append(gone)
        if gone.ahead:
            self.report(Progress("pushing", note=f"{gone.ahead:,}"))
            self.remote.push(gone.to, self._patience())
            saw(self.workspace.store, gone.to)

    def _patience(self) -> Patience:
        return self.within or patient(self.workspace, self.stop)

    @property
    def has_moved(self) -> bool:
        """Whether `main` here is another one now."""
        return any(one.to != one.tip for one in self.ways)


def plan(
    workspace: Workspace, *, take_remote: bool = False, report: Report = silent, stop: Stop = never
) -> Synced:
    """What `sync` would do. Fetches, and changes nothing else. Raises as `sync` does."""
    remote = demanded(workspace)
    with noted(workspace, remote):
        head = fetched(workspace, remote, asking(workspace, stop), patient(workspace, stop), report=report)
        found = chosen(workspace, remote, workspace.store.tip(), head, take_remote)
    return told(workspace.store, remote.name, (found,), dry=True)


def sync(
    workspace: Workspace,
    *,
    take_remote: bool = False,
    within: Patience | None = None,
    report: Report = silent,
    stop: Stop = never,
) -> Synced:
    """Makes the two mains equal: what the remote has comes here, what is only here goes there.

    `take_remote` puts aside what is only here. `within` bounds all of it; without, large transfers take
    as long as they get on.

    Raises InputError when there is no remote; Blocked when both sides changed a file; MachineryError when
    the remote does not answer, or was rewritten: nothing was changed then. What came here and could not be
    answered by a push is told in `trouble`.
    """
    remote = demanded(workspace)
    exchange = _Exchange(workspace, remote, within, report, stop)
    trouble: str | None = None
    problems: tuple[str, ...] = ()
    try:
        with noted(workspace, remote):
            exchange.go(take_remote)
    except (RemoteTrouble, StaleTip) as error:
        if not exchange.ways:
            raise
        trouble = error.message
    finally:
        if exchange.has_moved:
            problems = reconcile(workspace, report=report).problems
    pack_when_due(workspace.store.path)
    return told(workspace.store, remote.name, tuple(exchange.ways), problems=problems, trouble=trouble)


def demanded(workspace: Workspace) -> Remote:
    """The workspace's remote. Raises InputError where settings.toml names none."""
    remote = remote_of(workspace)
    if remote is None:
        raise InputError('this workspace has no remote: settings.toml names one (`remote = "ADDRESS"`).')
    return remote


def asking(workspace: Workspace, stop: Stop = never) -> Patience:
    """The patience that settings.toml has."""
    return Patience(workspace.settings.remote_timeout_s, stop=stop)


def patient(workspace: Workspace, stop: Stop = never) -> Patience:
    """For transfers that may be large: as long as they get on."""
    return Patience(max(SILENT_SECONDS, workspace.settings.remote_timeout_s), renewed=True, stop=stop)
