"""Reports of hosts: one ref each, whose commit holds one file and stands on nothing."""

from __future__ import annotations

import pygit2

from store.bounded import read_json
from store.errors import LockgateError, MachineryError
from store.git.repository import Store
from store.records.host import HostReport
from store.text import one_line

HOSTS = "refs/lockgate/hosts/"
FILE = "host.json"
_LIMIT = 64 * 1024
_MOST = 1_000
_NOBODY = "lockgate"


def write_report(store: Store, report: HostReport) -> str:
    """Points the host's ref at a commit that holds `report`; returns the commit (40 hex).

    Raises MachineryError when the disk refuses.
    """
    repo = store.repo
    try:
        blob = repo.create_blob(report.model_dump_json(exclude_none=True).encode())
        builder = repo.TreeBuilder()
        builder.insert(FILE, blob, pygit2.enums.FileMode.BLOB)
        who = pygit2.Signature(_NOBODY, f"{_NOBODY}@localhost", int(report.at.timestamp()), 0)
        commit = repo.create_commit(None, who, who, f"{report.host} reports\n", builder.write(), [])
        repo.references.create(f"{HOSTS}{report.host}", commit, force=True)
        return str(commit)
    except (pygit2.GitError, OSError, ValueError) as error:
        raise MachineryError(f"{store.path}: no report could be kept: {one_line(str(error), 200)}.") from None


def read_reports(store: Store) -> tuple[HostReport, ...]:
    """The reports that are here, by name, without those that are malformed: nothing depends on them."""
    found = []
    try:
        names = sorted(one for one in store.repo.references if one.startswith(HOSTS))
    except (pygit2.GitError, OSError) as error:
        raise MachineryError(f"{store.path}: refs cannot be read: {one_line(str(error), 200)}.") from None
    for name in names[:_MOST]:
        report = _read(store, name)
        if report is not None and f"{HOSTS}{report.host}" == name:
            found.append(report)
    return tuple(found)


def _read(store: Store, ref: str) -> HostReport | None:
    try:
        commit = store.repo.references[ref].peel(pygit2.Commit)
        blob = commit.tree[FILE]
        if not isinstance(blob, pygit2.Blob) or blob.size > _LIMIT:
            return None
        return read_json(HostReport, blob.data, FILE)
    except (LockgateError, pygit2.GitError, KeyError, OSError, ValueError):
        return None


def forget_report(store: Store, host: str) -> bool:
    """Deletes the report of `host` here; False where there is none."""
    found = store.repo.references.get(f"{HOSTS}{host}")
    if found is None:
        return False
    found.delete()
    return True
