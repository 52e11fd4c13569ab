"""The outbox of a workspace: opened, kept up with the store, looked at, tried."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from urllib.parse import urlsplit

from console.notify.command_hook import run
from console.notify.event import body_of, trial_event
from console.notify.letters import Letter, Letters
from console.notify.outbox import Delivery, Outbox
from console.notify.outcome import Outcome
from console.notify.webhook import post
from store.errors import InputError
from store.records.operation import Operation
from store.settings import NotifyTarget
from store.text import one_line
from store.workspace import Workspace

FILE = "outbox.sqlite"
_MOST_RECORDS = 10_000
"""Commits that are looked at in one go; of more, the newest."""
_REPLACED = 1_000


@contextmanager
def opened(workspace: Workspace, environ: Mapping[str, str] | None = None) -> Iterator[Outbox]:
    """The outbox of `workspace`, made where there is none. Raises InputError, MachineryError."""
    settings = workspace.settings
    variables = os.environ if environ is None else environ

    def send(target: NotifyTarget, event_id: str, body: bytes, now: datetime) -> Outcome:
        if target.kind == "command":
            return run(target, body, workspace.root, variables)
        return post(target, event_id, body, now, settings.allowed_hosts, variables)

    with closing(Letters(workspace.state / FILE)) as letters:
        yield Outbox(letters, settings.notify, send)


def keep_up(workspace: Workspace, now: datetime, stop: threading.Event | None = None) -> tuple[Delivery, ...]:
    """Queues the records that came since last time, and delivers what is due.

    Does nothing where nobody is to be told. May take minutes where targets are slow: call it in a thread
    of its own. Raises InputError, MachineryError.
    """
    if not workspace.settings.notify and not _exists(workspace):
        return ()
    with opened(workspace) as outbox:
        take_in(workspace, outbox, now)
        return outbox.deliver(now, stop)


def take_in(workspace: Workspace, outbox: Outbox, now: datetime) -> int:
    """Queues the records of commits that were not there last time, and remembers the tip; returns how
    many letters are new.

    The first time it only remembers: what was done before somebody asked to be told is no news.
    """
    tip, known = workspace.store.tip(), outbox.letters.mark()
    if known is None:
        return outbox.enqueue((), now, tip)
    mark, since = known
    return 0 if mark == tip else outbox.enqueue(_records(workspace, tip, mark, since), now, tip)


def _records(workspace: Workspace, tip: str, mark: str, since: float) -> Iterator[Operation]:
    """The records of commits after `mark`. Where `main` does not stand on it any more (it was replaced, or
    put on top of another machine's), those of the newest commits that are not older than `since`: what
    was told before is not told again."""
    from store.history.entry import entry_of

    store = workspace.store
    after = store.since(mark, tip) if mark in store.repo else None
    if after is None:
        after = tuple(str(commit.id) for commit in islice(store.commits(tip, lazy=True), _REPLACED))
        oldest = since
    else:
        oldest = float("-inf")
    for commit in after[:_MOST_RECORDS]:
        entry = entry_of(store, store.commit(commit))
        record = store.at(commit).operation(entry.id) if entry.id else None
        if record is not None and record.at.timestamp() >= oldest:
            yield record


@dataclass(frozen=True, slots=True)
class TargetLook:
    """One target, as it is shown."""

    name: str
    kind: str
    where: str
    """A webhook's host, or a command's name: the rest of an address may be a secret."""
    events: tuple[str, ...]
    waiting: int
    delivered: int
    dead: int


@dataclass(frozen=True, slots=True)
class Look:
    """Who is told, what waits, and what was given up."""

    targets: tuple[TargetLook, ...]
    waiting: tuple[Letter, ...]
    """Newest first."""
    dead: tuple[Letter, ...]
    """Newest first."""


def look(workspace: Workspace) -> Look:
    """The state of notifications. Changes nothing. Raises InputError, MachineryError."""
    if not _exists(workspace):
        return Look(tuple(_shown(target, {}) for target in workspace.settings.notify), (), ())
    with opened(workspace) as outbox:
        counts = outbox.letters.counts()
        return Look(
            tuple(_shown(target, counts.get(target.name, {})) for target in workspace.settings.notify),
            outbox.letters.listed("waiting"),
            outbox.letters.listed("dead"),
        )


def try_target(workspace: Workspace, name: str, now: datetime) -> Outcome:
    """Sends a test event to one target at once, past the outbox. Raises InputError for an unknown name."""
    from ulid import ULID

    target = _named(workspace, name)
    event = trial_event(str(ULID()), workspace.person.name, now)
    if target.kind == "command":
        return run(target, body_of(event), workspace.root, os.environ)
    return post(target, event.id, body_of(event), now, workspace.settings.allowed_hosts, os.environ)


def trial_plan(workspace: Workspace, name: str) -> str:
    """Where a test event would go. Raises InputError for an unknown name."""
    return _shown(_named(workspace, name), {}).where


def retry(
    workspace: Workspace, now: datetime, event_id: str | None = None, target: str | None = None
) -> tuple[int, tuple[Delivery, ...]]:
    """Makes dead letters wait again and delivers what is due: (how many came back, what happened).

    Raises InputError for an unknown target, or an event that is no dead letter.
    """
    chosen = chosen_dead(workspace, event_id, target)
    if not chosen:
        return 0, ()
    with opened(workspace) as outbox:
        revived = outbox.letters.revive(event_id, target, now.timestamp())
        return revived, outbox.deliver(now)


def chosen_dead(workspace: Workspace, event_id: str | None, target: str | None) -> tuple[Letter, ...]:
    """The dead letters that `retry` would bring back. Raises InputError as it does."""
    if target is not None:
        _named(workspace, target)
    found = tuple(
        letter
        for letter in look(workspace).dead
        if event_id in (None, letter.event_id) and target in (None, letter.target)
    )
    if event_id is not None and not found:
        raise InputError(
            f"{one_line(event_id, 60)} is no dead letter: `lockgate notify list` shows those there are."
        )
    return found


def _shown(target: NotifyTarget, counts: Mapping[str, int]) -> TargetLook:
    where = (urlsplit(target.url or "").hostname or "") if target.kind == "webhook" else target.argv[0]
    return TargetLook(
        target.name,
        target.kind,
        where,
        target.events,
        counts.get("waiting", 0),
        counts.get("delivered", 0),
        counts.get("dead", 0),
    )


def _named(workspace: Workspace, name: str) -> NotifyTarget:
    targets = {target.name: target for target in workspace.settings.notify}
    if name not in targets:
        known = ", ".join(targets) or "none"
        raise InputError(f"settings.toml names no notify target {one_line(name, 60)!r} (there are: {known}).")
    return targets[name]


def _exists(workspace: Workspace) -> bool:
    return (workspace.root / "state" / FILE).exists()
