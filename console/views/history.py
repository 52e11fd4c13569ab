"""History: one line an operation, and one record whole."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from console.views.ages import age, full_stamp, stamp
from console.views.line import BLANK, HANG, Line, Part, line, muted
from console.views.marks import GATE, gate_mark, kind_mark
from console.views.plan import change_line
from console.views.table import Column, Row
from console.views.verdict import verdict_lines
from store.history.entry import Entry
from store.records.operation import Operation, RolloutMark
from store.rules.rollout_pointer import ending
from store.snapshot import Snapshot
from store.text import one_line

COLUMNS = (
    Column("when", width=12),
    Column("who", most=14, drop=1),
    Column("what", most=12),
    Column("where", most=16, drop=2),
    Column("summary", grow=1, least=32),
    Column("gate", most=15, drop=3),
)
_SUMMARY = 200
"""Characters of a summary that are shown beside the list."""


def entry_row(entry: Entry, now: datetime) -> Row:
    """One line of the list; its key is the record's id, else the commit."""
    kind = kind_mark(entry.kind)
    gate = gate_mark(entry.gate) if entry.environment or entry.gate != "none" else None
    return Row(
        entry.id or entry.commit,
        (
            line(muted(stamp(now, entry.at))),
            line(entry.author),
            line(Part(kind.text, kind.tone)),
            line(entry.environment or muted("–")),
            line(entry.summary),
            gate.line() if gate and gate is not GATE["none"] else line(muted("–")),
        ),
    )


def detail_lines(snapshot: Snapshot, entry: Entry, now: datetime, whole: bool = False) -> tuple[Line, ...]:
    """What, why, evidence, conditions, changes and later notes of one operation.

    Unless it is wanted `whole`, a long summary is cut, so that it does not push the rest out of sight.
    """
    return tuple(_detail(snapshot, entry, now, whole))


def _detail(snapshot: Snapshot, entry: Entry, now: datetime, whole: bool) -> Iterator[Line]:
    kind = kind_mark(entry.kind)
    yield line(Part(entry.summary if whole else one_line(entry.summary, _SUMMARY), "strong"))
    where = f" in {entry.environment}" if entry.environment else ""
    yield line(Part(kind.text, kind.tone), f"{where}, {age(now, entry.at)} ago by {entry.author}")
    yield line(muted(full_stamp(entry.at)))
    record = snapshot.operation(entry.id) if entry.id else None
    if record is None:
        yield BLANK
        yield line(muted("a commit without a record: somebody changed the store with git"))
        yield line(muted(f"commit {entry.commit}"))
        return
    if record.before or record.after:
        yield line(f"{record.before or 'nothing'} → {record.after or 'nothing'}")
    yield BLANK
    yield line(muted("why  "), HANG, record.why or muted("no note was left"))
    if record.changes:
        yield BLANK
        for change in record.changes:
            yield change_line(change)
    if record.ended is not None:
        yield BLANK
        yield line(muted("ended  "), HANG, ending(record.ended), muted(_said(record.ended)))
    yield from _overrides_and_checks(record)
    if record.release and record.evidence:
        for verdict in snapshot.verdicts(record.release):
            if verdict.id in record.evidence:
                yield BLANK
                yield from verdict_lines(verdict)
    for note in snapshot.notes(record.id):
        yield BLANK
        yield line(Part("note  ", "accent"), HANG, note.strip())
    yield BLANK
    yield line(muted(f"record {record.id}"))
    yield line(muted(f"commit {entry.commit}"))
    tool = f"lockgate {record.tool}" if record.tool else ""
    yield line(muted(f"{tool} on {record.host}" if record.host else tool))


def _overrides_and_checks(record: Operation) -> Iterator[Line]:
    if record.gate != "none" or record.checks:
        yield BLANK
    if record.gate != "none":
        mark = gate_mark(record.gate)
        yield line(muted("gate  "), Part(mark.text, mark.tone))
    for override in record.overrides:
        condition = Part(f"overridden {override.condition}: ", "warn")
        yield line(Part("! ", "warn"), HANG, condition, override.reason)
    for check in record.checks:
        yield line(muted("· "), HANG, muted(check))


def _said(ended: RolloutMark) -> str:
    """What its metrics said last."""
    return "".join(f"; {one.metric}: {one.outcome}" for one in ended.findings)
