"""Every change to an environment in a period: the population that an auditor samples from.

Its count is held against the commits: what moved a pointer without a record is a row of its own.
"""

from __future__ import annotations

from console.operations.audit.questions.answer import Answer, Asked, clock
from console.operations.audit.questions.past import Past
from console.operations.counted import counted
from store.history.entry import Entry

HEAD = ("at", "record", "commit", "environment", "kind", "release", "before", "after", "gate", "by", "why")


def changes(past: Past, asked: Asked) -> Answer:
    """All that was done, or what was done to `asked.environment`; newest first."""
    pointer = f"environments/{asked.environment}.toml"
    everywhere = Asked(since=asked.since, until=asked.until)
    rows, commits, bare = [], 0, 0
    for entry in past.entries(everywhere):
        moved = asked.environment is not None and past.changed(entry.commit, pointer)
        listed = asked.environment is None or entry.environment == asked.environment or moved
        commits += moved if asked.environment else 1
        if not listed:
            continue
        bare += not entry.id
        rows.append(_row(entry))
    if asked.environment:
        said = (
            f"{counted(len(rows), 'change')}; {counted(commits, 'commit')} moved {asked.environment}, "
            f"{bare or 'none'} of what is listed without a record"
        )
    else:
        said = f"{counted(len(rows), 'change')} in {counted(commits, 'commit')}, {bare} without a record"
    return Answer(HEAD, tuple(rows), f"{said}.", wrong=asked.environment is not None and bare > 0)


def _row(entry: Entry) -> tuple[str | None, ...]:
    return (
        clock(entry.at), entry.id or None, entry.commit, entry.environment, entry.kind, entry.release,
        entry.before, entry.after, entry.gate, entry.author, entry.why or entry.summary,
    )  # fmt: skip
