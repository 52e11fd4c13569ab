"""Changes that nobody else approved, that their author approved, or that somebody answered for."""

from __future__ import annotations

from console.operations.audit.questions.answer import Answer, Asked, clock
from console.operations.audit.questions.past import Past
from console.operations.counted import counted
from store.records.operation import Operation
from store.records.release import Release

HEAD = ("at", "record", "environment", "kind", "release", "by", "what")
_FORWARD = ("promote", "switch", "advance")


def unapproved(past: Past, asked: Asked) -> Answer:
    """Forward changes with something to ask about; going to what served before is none."""
    rows, seen = [], 0
    for one in past.happened(asked, *_FORWARD):
        record = one.record
        if record is None or record.gate == "served before":
            continue
        seen += 1
        release = past.now.find_release(record.release) if record.release else None
        if what := _what(record, release):
            rows.append(
                (clock(record.at), record.id, record.environment, record.kind, record.release,
                 record.by.name, "; ".join(what))
            )  # fmt: skip
    said = f"{counted(seen, 'forward change')}, {len(rows)} to ask about."
    return Answer(HEAD, tuple(rows), said, wrong=bool(rows))


def _what(record: Operation, release: Release | None) -> list[str]:
    found = []
    author = release.created_by.email.casefold() if release else None
    others = [one for one in record.approvals if one.by.email.casefold() != author]
    if not record.approvals:
        found.append("nobody approved it")
    elif not others:
        found.append("only its author approved it")
    if release and any(one.release_digest != release.digest for one in record.approvals):
        found.append("another release was approved")
    found.extend(f"{one.condition} was overridden: {one.reason}" for one in record.overrides)
    return found
