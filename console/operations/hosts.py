"""Hosts: what every machine that follows the store says that it serves, and which of them lag or are silent.

A report is a ref on the remote that its host alone writes. People and the console read it; no decision does.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from console.operations.heartbeat import last_beat
from console.operations.reconcile import published_document
from console.operations.sync.state import remote_of
from console.version import version
from store.errors import InputError, LockgateError
from store.git.hosts import HOSTS, forget_report, read_reports, write_report
from store.git.program import Patience
from store.records.host import HostReport, HostServes
from store.snapshot import Snapshot
from store.text import one_line
from store.workspace import Workspace

AGAIN = timedelta(minutes=2)
"""A host that has nothing new to say says so again after that."""
SILENT = timedelta(minutes=6)
"""A host that has said nothing for so long is missed."""
LAGS = timedelta(minutes=1)
"""What a host has to follow a change in."""
_NO_NAME = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Host:
    """One host, and what is wrong with it in words; empty where nothing is."""

    report: HostReport
    lags: tuple[str, ...]
    """For each environment that it serves something else in: a sentence."""
    silent: bool
    here: bool
    """Whether it is this machine."""

    @property
    def word(self) -> str:
        """ok, lags, silent, or troubled."""
        if self.silent:
            return "silent"
        return "lags" if self.lags else "troubled" if self.report.problems else "ok"


def host_name(workspace: Workspace) -> str:
    """What this machine is called in reports: `host` of settings.toml, else its own name."""
    try:
        given = workspace.settings.host
    except InputError:
        given = None
    if given is not None:
        return given
    return _NO_NAME.sub("-", socket.gethostname().lower().partition(".")[0]).strip("-")[:63] or "host"


def report_of(workspace: Workspace) -> HostReport:
    """What this machine serves now. Raises LockgateError when the store cannot be read."""
    snapshot = workspace.store.at()
    return HostReport(
        host=host_name(workspace),
        at=workspace.clock.now(),
        tool=version(),
        commit=snapshot.commit,
        serves=tuple(_serves(workspace, snapshot)),
        problems=tuple(one_line(text, 400) for text in last_beat(workspace).problems[:20]),
    )


def _serves(workspace: Workspace, snapshot: Snapshot) -> Iterator[HostServes]:
    for name in snapshot.policy.names:
        document = published_document(workspace, name)
        if document is not None:
            yield HostServes(
                environment=name,
                generation=document.generation,
                release=document.stable.release,
                canary=document.canary.release if document.canary is not None else None,
            )


def exchange(workspace: Workspace, within: Patience) -> None:
    """Tells the remote what this machine serves, when that is news or long ago, and hears the others.

    Raises RemoteTrouble where the remote does not answer or refuses, LockgateError where the store cannot be
    read. Does nothing without a remote.
    """
    remote = remote_of(workspace)
    if remote is None:
        return
    mine = report_of(workspace)
    known = next((one for one in read_reports(workspace.store) if one.host == mine.host), None)
    if known is None or not mine.says_same(known) or mine.at - known.at >= AGAIN:
        commit = write_report(workspace.store, mine)
        try:
            remote.push_ref(commit, f"{HOSTS}{mine.host}", within)
        except LockgateError:
            forget_report(workspace.store, mine.host)  # the next exchange tries again
            raise
    remote.fetch_refs(HOSTS, within)


def hosts(workspace: Workspace, snapshot: Snapshot | None = None) -> tuple[Host, ...]:
    """Every host that is known here, by name; this machine itself as it is now. Asks nobody."""
    main, now = snapshot or workspace.store.at(), workspace.clock.now()
    mine = report_of(workspace)
    others = (one for one in read_reports(workspace.store) if one.host != mine.host)
    found = (_host(main, one, now, mine.host) for one in (mine, *others))
    return tuple(sorted(found, key=lambda one: one.report.host))


def _host(snapshot: Snapshot, report: HostReport, now: datetime, here: str) -> Host:
    return Host(
        report=report,
        lags=tuple(_lags(snapshot, report, now)),
        silent=report.host != here and abs(now - report.at) > SILENT,
        here=report.host == here,
    )


def _lags(snapshot: Snapshot, report: HostReport, now: datetime) -> Iterator[str]:
    served = {one.environment: one for one in report.serves}
    for pointer in snapshot.pointers().read:
        one = served.get(pointer.name)
        since = next((stretch.since for stretch in reversed(pointer.served) if stretch.until is None), None)
        if pointer.stable is None or since is None or now - since < LAGS:
            continue
        if one is None:
            yield f"serves nothing in {pointer.name}, where {pointer.stable} is meant"
        elif one.release != pointer.stable:
            yield f"serves {one.release} in {pointer.name}, where {pointer.stable} is meant"


def forget(workspace: Workspace, name: str, within: Patience) -> None:
    """Deletes the report of a host that is no more, here and on the remote.

    Raises InputError where nobody reports under that name, RemoteTrouble.
    """
    if not any(one.host == name for one in read_reports(workspace.store)):
        raise InputError(f"no host reports as {one_line(name, 60)}; `lockgate hosts` lists them.")
    remote = remote_of(workspace)
    if remote is not None:
        remote.push_ref("", f"{HOSTS}{name}", within)
    forget_report(workspace.store, name)
