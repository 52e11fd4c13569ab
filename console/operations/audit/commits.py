"""Every commit of a range by itself and against its parents: signature, signer, committer, time, contents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

import pygit2

from console.operations.audit.change import Change
from console.operations.audit.finding import Finding
from console.operations.audit.ruled import ruled
from store.git import objects
from store.git.contents import Contents, Damaged, raw
from store.progress import Progress, Report, Stop, check
from store.signing.allowed import Signers
from store.signing.commits import RawCommit, parse
from store.signing.ruling import Refused, signer_of
from store.signing.wire import Malformed
from store.snapshot import Snapshot
from store.text import one_line

_TOLD_EVERY = 200


class Reading:
    """Commits of one repository as git keeps them."""

    def __init__(self, repo: pygit2.Repository) -> None:
        self.repo = repo
        self._seen: dict[str, tuple[datetime, str] | None] = {}
        """Time and tree by commit."""
        self._snapshots: dict[str, Snapshot] = {}

    def commit(self, id: str) -> RawCommit:
        """Raises Damaged, Malformed."""
        found = parse(raw(self.repo, id, "a commit"))
        self._seen[id] = found.at, found.tree
        return found

    def time(self, id: str) -> datetime | None:
        """When `id` was committed; None where it cannot be read."""
        seen = self._look(id)
        return seen[0] if seen else None

    def tree(self, id: str) -> str | None:
        """The tree (40 hex) of the commit `id`; None where it cannot be read."""
        seen = self._look(id)
        return seen[1] if seen else None

    def snapshot(self, id: str) -> Snapshot:
        """The store at the commit `id`, which can be read; the last two are kept."""
        known = self._snapshots.get(id)
        if known is None:
            known = Snapshot(self.repo, objects.commit(self.repo, id))
            self._snapshots = {**dict(list(self._snapshots.items())[-1:]), id: known}
        return known

    def _look(self, id: str) -> tuple[datetime, str] | None:
        if id not in self._seen:
            try:
                self.commit(id)
            except (Damaged, Malformed):
                self._seen[id] = None
        return self._seen[id]


def examined(
    reading: Reading, ids: Sequence[str], signers: Signers, contents: Contents, report: Report, stop: Stop
) -> Iterator[Finding]:
    """What is wrong with the commits `ids`, of which each comes after those that it stands on."""
    owners: dict[str, list[str]] = {}
    changed: list[Finding] = []
    signatures: dict[str, str] = {}
    for number, id in enumerate(ids):
        if number % _TOLD_EVERY == 0:
            check(stop, "verifying")
            report(Progress("verifying", number, len(ids)))
        try:
            commit = reading.commit(id)
        except Damaged as error:
            yield Finding(id, "damaged", str(error))
            continue
        except Malformed as error:
            yield Finding(id, "malformed", f"the commit {error}")
            continue
        if commit.signature is not None:
            owners.setdefault(commit.signature, []).append(id)
            signatures[id] = commit.signature
        for finding in _of_one(reading, id, commit, signers):
            if finding.what == "changed":
                changed.append(finding)
            else:
                yield finding
        yield from _change(reading, id, commit, signers, contents)
    report(Progress("verifying", len(ids), len(ids)))
    bad = {finding.commit for finding in changed}
    yield from (_moved_or_changed(one, owners[signatures[one.commit]], bad) for one in changed)


def _change(
    reading: Reading, id: str, commit: RawCommit, signers: Signers, contents: Contents
) -> Iterator[Finding]:
    """What is wrong with the files that it brought, and with what it did to those that were there."""
    before = reading.tree(commit.parents[0]) if commit.parents else None
    if before is None:
        damage, paths = tuple(contents.damage(commit.tree)), {}
    else:
        brought = contents.brought(before, commit.tree)
        damage, paths = brought.damage, brought.paths
    yield from (Finding(id, "edited", sentence) for sentence in damage)
    if damage:
        return
    older = reading.snapshot(commit.parents[0]) if before is not None else None
    yield from ruled(Change(id, commit, paths, older, reading.snapshot(id)), signers)


def _of_one(reading: Reading, id: str, commit: RawCommit, signers: Signers) -> Iterator[Finding]:
    if commit.signature is None:
        yield Finding(id, "unsigned", "it has no signature")
    else:
        found = signer_of(commit.signature, commit.payload, signers, commit.at)
        if isinstance(found, Refused):
            yield Finding(id, found.what, found.why)
        elif not found.speaks_for(commit.email):
            said = one_line(commit.email, 100)
            yield Finding(
                id, "other committer", f"committed as {said!r}, but signed with the key of {found.principals}"
            )
    for parent in commit.parents:
        before = reading.time(parent)
        if before is None:
            yield Finding(id, "cut off", f"{parent[:10]}, which it stands on, cannot be read here")
        elif commit.at < before:
            yield Finding(
                id,
                "back-dated",
                f"it says {commit.at:%Y-%m-%d %H:%M:%S} UTC, and {parent[:10]}, which it stands on, says "
                f"{before:%Y-%m-%d %H:%M:%S}",
            )


def _moved_or_changed(finding: Finding, owners: Sequence[str], bad: set[str]) -> Finding:
    """A signature that is good for another commit was moved here."""
    owner = next((id for id in owners if id not in bad), None)
    if owner is None:
        return finding
    return replace(finding, what="moved signature", why=f"it has the signature of {owner[:10]}")
