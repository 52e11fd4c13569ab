"""Whether a commit's record is there, and true to what the commit did."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from console.operations.audit.change import Change
from store.records.component import Kind
from store.records.operation import Operation, OperationKind
from store.text import one_line

Said = tuple[str, str]
"""(what, why), as a Finding has them."""

VERSIONS = tuple(kind.folder for kind in Kind)
KEPT = (*VERSIONS, "releases", "verdicts", "drift", "drills", "approvals", "records")
"""What never changes once it has landed."""
RECORDED = ("environments", "releases", "verdicts", "drift", "drills", "approvals", "retention", "records")
"""What only operations change."""
_POINTER = ("environments",)
_EXPLAINS: dict[OperationKind, tuple[str, ...]] = {
    "add": VERSIONS,
    "stage": ("releases", "verdicts", *_POINTER),
    "block": ("releases", "verdicts"),
    "eval": ("verdicts",),
    "promote": _POINTER,
    "switch": ("releases", *_POINTER),
    "rollback": ("releases", *_POINTER),
    "approve": ("approvals", *_POINTER),
    "note": _POINTER,
    "policy": ("lockgate.toml",),
    "drift": ("drift", *_POINTER),
    "drill": ("drills",),
    **dict.fromkeys(("pin", "unpin", "mark", "archive", "restore", "purge"), ("retention",)),
}
"""By kind of record: what such an operation touches besides its record; pointers where it is not named."""
_STAYS: frozenset[OperationKind] = frozenset({"note", "approve", "review", "freeze", "unfreeze", "clear"})
"""What serves nobody anything else."""
_APART = timedelta(seconds=2)


def immutable(change: Change) -> Iterator[Said]:
    """What landed once stays what it was."""
    for path, was_there in change.paths.items():
        top, _, rest = path.partition("/")
        if was_there and top in KEPT and not (top == "records" and "/notes/" in rest):
            did = "changes" if change.after.has(path) else "removes"
            yield "rewritten file", f"it {did} {one_line(path, 120)}, which had landed"


def recorded(change: Change) -> Iterator[Said]:
    """A record comes with what it did, and says what it did."""
    if change.before is None:
        return
    record = change.record
    if record is None:
        touched = [path for path in change.paths if path.split("/")[0] in RECORDED]
        if change.record_id is not None:
            yield "no record", f"it names the record {change.record_id}, and does not bring it"
        elif touched:
            yield "no record", f"it changes {one_line(touched[0], 120)}, and brings no record"
        return
    yield from _true(change, record)
    for one in record.evidence:
        if not change.after.has(f"verdicts/{record.release}/{one}.toml"):
            yield (
                "evidence missing",
                f"the record {record.id} stands on the verdict {one}, which is not there",
            )


def _true(change: Change, record: Operation) -> Iterator[Said]:
    said = list(_by_whom(change, record))
    said.extend(_what(change, record))
    said.extend(_pointers(change, record))
    for why in said:
        yield "untrue record", f"the record {record.id} {why}"


def _by_whom(change: Change, record: Operation) -> Iterator[str]:
    who, author = one_line(record.by.email or "nobody", 80), one_line(change.author, 80)
    if record.by.email.casefold() != change.author.casefold() and (record.by.email or author != "-"):
        yield f"says that {who} did it, the commit {author}"
    elif not change.written_at - _APART <= record.at <= change.written_at + _APART:
        yield f"is of {record.at:%Y-%m-%d %H:%M:%S}, the commit of {change.written_at:%Y-%m-%d %H:%M:%S}"


def _what(change: Change, record: Operation) -> Iterator[str]:
    explained = (*_EXPLAINS.get(record.kind, _POINTER), "records")
    for path in change.paths:
        top = path.split("/")[0]
        if top in (*KEPT, *RECORDED, "lockgate.toml") and top not in explained:
            yield f"is a {record.kind}, which does not change {one_line(path, 120)}"
            return
    records = [path for path in change.paths if path.startswith("records/") and "/notes/" not in path]
    if len(records) > 1:
        yield f"came with {len(records) - 1} more"


def _pointers(change: Change, record: Operation) -> Iterator[str]:
    for was, is_now in change.pointers():
        where = one_line(is_now.name, 64)
        if record.environment not in (None, is_now.name) and record.kind not in ("clear", "note"):
            yield f"is about {record.environment}, and {where} was changed"
        elif is_now.record != record.id:
            yield f"is not the one that {where} names"
        elif is_now.generation <= was.generation:
            yield f"left {where} at generation {is_now.generation}"
        elif is_now.stable != was.stable:
            yield from _moved(record, where, was.stable, is_now.stable)


def _moved(record: Operation, where: str, was: str | None, is_now: str | None) -> Iterator[str]:
    if record.kind in _STAYS:
        yield f"is a {record.kind}, and {where} serves {is_now} instead of {was} since"
    elif (record.before, record.after) != (was, is_now):
        said = f"{record.before or 'nothing'} to {record.after or 'nothing'}"
        yield f"says that {where} went from {said}; it went from {was or 'nothing'} to {is_now or 'nothing'}"
