"""The whole evidence of one change: what, who, why, by whose leave, on which verdicts, to what effect."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import Any

from console.operations.audit.commits import Reading
from store.errors import InputError, LockgateError
from store.git.contents import Damaged
from store.history.reading import History
from store.records.operation import Operation
from store.records.release import Release
from store.records.verdict import Verdict
from store.signing.keys import fingerprint
from store.signing.signature import parse
from store.signing.wire import Malformed
from store.snapshot import Snapshot, record_path
from store.text import one_line
from store.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Evidence:
    """What there is to show of one record."""

    record: Operation
    commit: str
    """40 hex."""
    key: str | None
    """The fingerprint of the key that signed the commit; `lockgate audit verify` says whether it may."""
    policy_digest: str | None
    """Of what lockgate.toml demanded of the environment then."""
    release: Release | None
    verdicts: tuple[Verdict, ...]
    notes: tuple[str, ...]
    """Later remarks, oldest first."""

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "record": self.record.model_dump(mode="json"),
            "commit": self.commit,
            "key": self.key,
            "policy_digest": self.policy_digest,
            "release": self.release.model_dump(mode="json") if self.release else None,
            "verdicts": [one.model_dump(mode="json") for one in self.verdicts],
            "notes": list(self.notes),
        }


def evidence(workspace: Workspace, record: str) -> Evidence:
    """Of the record `record` (its id). Raises InputError where there is none."""
    now = workspace.store.at()
    found = now.operation(record.strip().upper())
    if found is None:
        raise InputError(f"there is no record {one_line(record, 40)!r}; `lockgate history` shows their ids.")
    commit = _commit_of(workspace, found.id)
    then = workspace.store.at(commit)
    return Evidence(
        record=found,
        commit=commit,
        key=_key(workspace, commit),
        policy_digest=_policy(then, found.environment),
        release=now.find_release(found.release) if found.release else None,
        verdicts=tuple(one for one in _verdicts(now, found) if one.id in found.evidence),
        notes=now.notes(found.id),
    )


def _commit_of(workspace: Workspace, record: str) -> str:
    """The commit that brought it."""
    with closing(History(workspace)) as history:
        history.refresh()
        entry = history.find(record)
    if entry is None:
        path = record_path(record)
        raise InputError(f"no commit brought {path}: the log ends before it, as in a shallow clone.")
    return entry.commit


def _verdicts(now: Snapshot, record: Operation) -> tuple[Verdict, ...]:
    try:
        return now.verdicts(record.release) if record.release else ()
    except LockgateError:  # `lockgate audit recheck` names it
        return ()


def _policy(then: Snapshot, environment: str | None) -> str | None:
    try:
        found = then.policy.environment(environment) if environment else None
    except LockgateError:
        return None
    return found.digest if found else None


def _key(workspace: Workspace, commit: str) -> str | None:
    try:
        signature = Reading(workspace.store.repo).commit(commit).signature
        return fingerprint(parse(signature).key) if signature else None
    except (Malformed, Damaged):
        return None
