"""What was done to keep index versions, or to let them go, and why that was allowed."""

from __future__ import annotations

from console.operations.audit.questions.answer import Answer, Asked, clock
from console.operations.audit.questions.past import Past
from console.operations.counted import counted

HEAD = ("at", "record", "kind", "versions", "by", "why", "conditions")
_KINDS = ("pin", "unpin", "mark", "archive", "restore", "purge")


def retention(past: Past, asked: Asked) -> Answer:
    """Newest first; the conditions are those that were looked at then."""
    rows = []
    for one in past.happened(Asked(since=asked.since, until=asked.until), *_KINDS):
        record, entry = one.record, one.entry
        rows.append(
            (
                clock(entry.at), entry.id, entry.kind,
                " ".join(f"{c.component}@{c.after or c.before}" for c in record.changes) if record else "",
                entry.author, entry.why or entry.summary,
                "; ".join(record.checks) if record else "the record cannot be read",
            )
        )  # fmt: skip
    return Answer(HEAD, tuple(rows), f"{counted(len(rows), 'action')} on what is kept.")
