"""History at 10,000 operations: first page, search, building, against plain git and SQLite."""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pygit2
from ulid import ULID

from console.operations.init import init
from store.bounded import write_toml
from store.git import tree
from store.git.repository import MAIN
from store.history.newest import newest
from store.history.reading import Filter, History
from store.records.base import Person
from store.records.operation import Change, Operation
from store.snapshot import record_path
from store.workspace import Workspace

_START = datetime(2025, 1, 1, tzinfo=UTC)
_ANA = Person(name="Ana", email="ana@example.org")
_WORDS = ("tone", "refusal", "pages", "prices", "latency", "release")


def filled(path: Path, operations: int) -> Workspace:
    """A workspace with `operations` records, written without syncs: only reading it is measured."""
    workspace = init(path)
    repo = workspace.store.repo
    tip = workspace.store.tip()
    for number in range(operations):
        at = _START + timedelta(minutes=37 * number)
        record = Operation(
            id=str(ULID.from_datetime(at)),
            kind="promote" if number % 3 else "rollback",
            at=at,
            by=_ANA,
            environment="production" if number % 2 else "staging",
            why=f"because of {_WORDS[number % 6]} {number}",
            summary=f"Deployed prompt support v{number + 2} (changed {_WORDS[number % 5]})",
            release=f"r{number + 1}",
            changes=(Change(component="prompt/support", before=f"v{number + 1}", after=f"v{number + 2}"),),
        )
        base = repo[tip].peel(pygit2.Tree)
        oid = tree.with_files(repo, base, {record_path(record.id): write_toml(record)})
        who = pygit2.Signature(_ANA.name, _ANA.email, int(at.timestamp()), 0)
        message = f"{record.summary}\n\nLockgate-Op: {record.id}\n"
        tip = str(repo.create_commit(None, who, who, message, oid, [tip]))
    repo.references[MAIN].set_target(tip)
    subprocess.run(["git", "-C", str(workspace.store.path), "gc", "--quiet"], check=True)
    return Workspace(path)


def run(operations: int = 10_000) -> list[dict[str, Any]]:
    """Milliseconds for building, paging and searching, beside git log and bare SQLite."""
    with tempfile.TemporaryDirectory(prefix="lockgate-bench-") as folder:
        workspace = filled(Path(folder) / "store", operations)
        git = ["git", "-C", str(workspace.store.path), "log", "--format=%H %s", "main"]
        log = _seconds(lambda: subprocess.run(git, check=True, capture_output=True), 3)
        history = History(workspace)
        started = time.perf_counter()
        history.refresh()
        build = time.perf_counter() - started
        connection = history._open().conn
        bare = _seconds(
            lambda: connection.execute("select * from operations order by rowid desc limit 50").fetchall(), 20
        )
        rows = [
            _row(
                f"history: read model of {operations:,} operations, cold", build, log, "git log of all", None
            ),
            _row(
                "history: first page from git",
                _seconds(lambda: newest(workspace.store), 20),
                log,
                "git log of all",
                1.0,
            ),
            _row(
                "history: first page of 50",
                _seconds(history.page, 20),
                bare,
                "the same rows by bare SQL",
                None,
            ),
            _row(
                "history: two words in one environment",
                _seconds(lambda: history.page(Filter(environment="production", text="tone prices")), 20),
                bare,
                "a page by bare SQL",
                None,
            ),
        ]
        history.close()
        return rows


def _row(name: str, ours: float, floor: float, peer: str, aim: float | None) -> dict[str, Any]:
    return {
        "name": name,
        "ours": round(ours * 1000, 3),
        "floor": round(floor * 1000, 3),
        "unit": "ms",
        "peer": peer,
        "ratio": round(ours / floor, 2),
        "aim": aim,
    }


def _seconds(work: Any, runs: int) -> float:
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
