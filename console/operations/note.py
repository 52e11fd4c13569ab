"""Note: a later remark on a record. The record itself never changes."""

from __future__ import annotations

from collections.abc import Mapping

from console.operations.plan import Plan, Stamp
from store.errors import InputError
from store.snapshot import Snapshot, notes_folder
from store.text import one_line
from store.workspace import Workspace


def plan(workspace: Workspace, record: str, text: str) -> Plan:
    """What adding `text` to the record `record` (its id) would do."""
    if not text.strip():
        raise InputError("a note needs words: say them with -m.")
    if len(text) > 20_000:
        raise InputError(f"the note has {len(text):,} characters; at most 20,000 are kept.")
    return _plan(workspace, workspace.store.at(), record.strip().upper(), text.strip())


def _plan(workspace: Workspace, snapshot: Snapshot, record: str, text: str) -> Plan:
    about = snapshot.operation(record)
    if about is None:
        raise InputError(f"there is no record {one_line(record, 40)!r}; `lockgate history` shows their ids.")

    def write(stamp: Stamp) -> Mapping[str, bytes]:
        head = f"{stamp.by.name}, {stamp.at:%Y-%m-%d %H:%M} UTC"
        return {f"{notes_folder(about.id)}/{stamp.id}.md": f"{head}\n\n{text}\n".encode()}

    return Plan(
        verb="note",
        tip=snapshot.commit,
        title=f"Note on {about.kind} {about.id}",
        summary=f"Noted on “{one_line(about.summary, 120)}”: {one_line(text, 200)}",
        environment=about.environment,
        release=about.release,
        about=about.id,
        write=write,
        remake=lambda fresh: _plan(workspace, fresh, record, text),
        command=f"lockgate note {about.id} -m …",
    )
