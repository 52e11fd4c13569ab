"""Bringing `main` here to where the remote's is, without losing what is only here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ulid import ULID

from console.operations.sync import local as only
from console.operations.sync.raising import raised
from console.operations.sync.taken import Local, kills, settle
from store.errors import Blocked, InputError, MachineryError
from store.git import making, replay
from store.git.apart import Apart, apart
from store.git.repository import Store, Writer
from store.git.tracking import put_aside
from store.kill_file import KillFile, write_kill
from store.records.operation import TAKING_BACK, Operation
from store.text import one_line
from store.workspace import Workspace

Relation = Literal["same", "ahead", "behind", "diverged"]
"""How `main` here stands to the remote's."""


class Conflict(Blocked):
    """Both sides changed one file, differently; a person has to decide."""


@dataclass(frozen=True, slots=True)
class Way:
    """How `main` gets from `tip` to what it will be. Nothing has happened yet, but for objects."""

    relation: Relation
    tip: str
    to: str
    """The commit (40 hex) that `main` will have."""
    pulled: int = 0
    """Commits of the remote that come."""
    ahead: int = 0
    """Commits that the remote does not have, afterwards."""
    moved: tuple[tuple[str, str], ...] = ()
    """(old, new) id of each commit that was replayed."""
    aside: tuple[Local, ...] = ()
    """What is put aside."""
    kills: tuple[tuple[str, KillFile], ...] = ()
    """By environment: what keeps users on stable."""
    ref: str | None = None
    """Where what is put aside is kept, once it is."""


def way(workspace: Workspace, tip: str, head: str | None, *, take_remote: bool = False) -> Way:
    """How `main` follows `head`, the remote's.

    Raises Conflict where both sides changed a file, MachineryError where `head` cannot be followed.
    """
    store = workspace.store
    if head is None:
        return Way("ahead", tip, tip, ahead=len(store.history(tip)))
    if head == tip:
        return Way("same", tip, tip)
    found = apart(store.repo, tip, head)
    if not found.theirs and not take_remote:
        return Way("ahead", tip, tip, ahead=len(found.ours))
    _demand_readable(store, head)
    if not found.ours:
        return Way("behind", tip, head, pulled=len(found.theirs))
    if take_remote:
        return _taken(workspace, tip, head, found)
    return _replayed(workspace, tip, head, found)


def follow(workspace: Workspace, writer: Writer, chosen: Way) -> Way:
    """Goes `chosen` way, with the store's lock held: kill files first, then what is kept aside, then `main`.

    Raises StaleTip when `main` is not where it was, MachineryError when the disk refuses.
    """
    if chosen.to == chosen.tip:
        return chosen
    for environment, kill in chosen.kills:
        write_kill(workspace.live(environment), kill)
    if chosen.aside:
        id = str(ULID.from_datetime(workspace.clock.now()))
        chosen = replace(chosen, ref=put_aside(workspace.store, id, chosen.tip))
    writer.follow(chosen.tip, chosen.to)
    return chosen


def _taken(workspace: Workspace, tip: str, head: str, found: Apart) -> Way:
    """The remote's main as it is, and what is only here aside."""
    mine = only.only_here(workspace.store, found, replayed=False)
    to, ahead = raised(workspace, tip, head)
    killed = kills(mine, workspace.store.at(to), workspace.clock.now())
    return Way("diverged", tip, to, len(found.theirs), ahead, aside=mine, kills=killed)


def _replayed(workspace: Workspace, tip: str, head: str, found: Apart) -> Way:
    """What is only here on top of the remote's main."""
    store = workspace.store
    mine = only.only_here(store, found, replayed=True)
    ours, theirs = store.at(tip), store.at(head)
    onto, moved, aside, gone = head, [], [], set[str]()
    for one in mine:
        step = replay.step(store.repo, one.commit, onto)
        outcome = "aside" if _hangs_on(one, gone) else "record"
        if step.conflicts and outcome != "aside":
            outcome = settle(one, step.conflicts, mine, ours, theirs)
        if outcome == "conflict":
            raise _conflict(store, one, step.conflicts, found)
        if outcome == "aside":
            aside.append(one)
            gone |= _made(store, one)
            continue
        takes_back = one.record is not None and one.record.kind in TAKING_BACK
        signature = making.asked(store.signing, may_fail=takes_back)
        landed = replay.land(store.repo, one.commit, onto, step.taken, signature)
        moved.append((one.commit, landed))
        onto = landed
    to, more = raised(workspace, tip, onto)
    _demand_readable(store, to)
    killed = kills(aside, store.at(to), workspace.clock.now())
    ahead = len({new for _, new in moved} - {head}) + more
    return Way("diverged", tip, to, len(found.theirs), ahead, tuple(moved), tuple(aside), killed)


def _hangs_on(one: Local, gone: set[str]) -> bool:
    """Whether `one` remarks on or uses something that was put aside."""
    record = one.record
    if record is None or not gone:
        return False
    return bool({record.about, record.release, record.before, record.after, *record.evidence} & gone)


def _made(store: Store, one: Local) -> set[str]:
    """The ids of records, releases and verdicts that came with `one`."""
    files = replay.changed(store.repo, one.commit).items()
    return {path.rpartition("/")[2].removesuffix(".toml") for path, (was, _) in files if was is None}


def _conflict(store: Store, one: Local, paths: Sequence[str], found: Apart) -> Conflict:
    theirs = only.last_that_changed(store, paths[0], found.theirs)
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    here = _told(one.record, f"commit {one.commit[:10]}")
    return Conflict(
        f"{here}, which is only here, and {_told(theirs, 'a commit made with git')}, which is on the remote, "
        f"both changed {one_line(paths[0])}{more}; nothing was changed. Look at both, then `lockgate sync "
        "--take-remote` takes the remote's and keeps what is only here aside."
    )


def _told(record: Operation | None, otherwise: str) -> str:
    if record is None:
        return otherwise
    return f"record {record.id} ({record.kind} by {one_line(record.by.name, 60)})"


def _demand_readable(store: Store, commit: str) -> None:
    """Raises MachineryError when the policy or a pointer of `commit` cannot be read."""
    try:
        store.at(commit).environments()
    except (InputError, MachineryError) as error:
        raise MachineryError(
            f"the remote's main ({commit[:10]}) is not followed, nothing was changed: {error.message}"
        ) from None
