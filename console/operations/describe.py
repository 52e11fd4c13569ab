"""What a change is, in words: the sentence that people want in an incident."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from console.operations.counted import counted
from store.errors import LockgateError
from store.records.component import Component, Kind, Pin
from store.records.operation import Change
from store.records.release import Release
from store.snapshot import Snapshot
from store.text import one_line

_ORDER = list(Kind)
_PARTS = 20
_KEPT = 10_000
"""Characters of a "what changed" that a record keeps."""
_WHAT = 400
"""Characters of a "what changed" that the sentence takes over; the record's change keeps all of it."""


def changes_between(snapshot: Snapshot, before: Release | None, after: Release) -> tuple[Change, ...]:
    """One Change for each component that differs, in the order of kinds."""
    names = set(after.components) | set(before.components if before else ())
    components = sorted(
        (Component.parse(name) for name in names), key=lambda c: (_ORDER.index(c.kind), c.name)
    )
    found = (_change(snapshot, component, before, after) for component in components)
    return tuple(change for change in found if change is not None)


def _change(
    snapshot: Snapshot, component: Component, before: Release | None, after: Release
) -> Change | None:
    old = before.components.get(str(component)) if before else None
    new = after.components.get(str(component))
    if old == new:
        return None
    return Change(
        component=str(component),
        before=old.version if old else None,
        after=new.version if new else None,
        before_digest=old.digest if old else None,
        after_digest=new.digest if new else None,
        what=what_changed(snapshot, component, old.version if old else None, new.version if new else None)[
            :_KEPT
        ],
    )


def what_changed(snapshot: Snapshot, component: Component, before: str | None, after: str | None) -> str:
    """What differs from `before` to `after`, in a few words; empty where nothing is known."""
    if after is None:
        return "taken out"
    pin = Pin(component, after)
    if before is not None and int(before[1:]) > int(after[1:]):
        undone = getattr(snapshot.version(Pin(component, before)), "what_changed", "")
        return f"back from {before}" + (f": {undone}" if undone else "")
    said = str(getattr(snapshot.version(pin), "what_changed", ""))
    if said:
        return said
    return "first version" if before is None else _computed(snapshot, Pin(component, before), pin)


def _computed(snapshot: Snapshot, before: Pin, after: Pin) -> str:
    kind = after.component.kind
    if kind is Kind.INDEX:
        old, new = snapshot.index(before), snapshot.index(after)
        return f"{old.documents} → {counted(new.documents, 'document')}"
    if kind is Kind.APP:
        return f"revision {snapshot.app(before).revision[:12]} → {snapshot.app(after).revision[:12]}"
    if kind in (Kind.PROMPT, Kind.EVALS):
        return _files_changed(snapshot.files(before), snapshot.files(after))
    return _fields_changed(
        snapshot.version(before).model_dump(mode="json"), snapshot.version(after).model_dump(mode="json")
    )


def _fields_changed(old: dict[str, Any], new: dict[str, Any], prefix: str = "") -> str:
    parts: list[str] = []
    for key in sorted(set(old) | set(new)):
        was, now = old.get(key), new.get(key)
        if was == now or key == "what_changed":
            continue
        if isinstance(was, dict) and isinstance(now, dict):
            parts.append(_fields_changed(was, now, f"{prefix}{key}."))
        elif isinstance(was, list) or isinstance(now, list):
            parts.append(f"{prefix}{key} changed")
        else:
            parts.append(f"{prefix}{key} {was} → {now}")
    return ", ".join(part for part in parts if part)


def _files_changed(old: dict[str, bytes], new: dict[str, bytes]) -> str:
    names = [name for name in sorted(set(old) | set(new)) if old.get(name) != new.get(name)]
    return f"{', '.join(names)} changed" if names else ""


def noticed(snapshot: Snapshot, changes: Sequence[Change]) -> tuple[str, ...]:
    """What users will notice of `changes`: what their answers come from afterwards. A version that cannot be
    read is left out: going back does not wait for words."""
    lines: list[str] = []
    for change in changes:
        if change.before is None or change.after is None:
            continue
        component = Component.parse(change.component)
        with suppress(LockgateError):
            lines += _noticed(snapshot, Pin(component, change.before), Pin(component, change.after))
    return tuple(lines)


def _noticed(snapshot: Snapshot, before: Pin, after: Pin) -> Iterator[str]:
    if after.component.kind is Kind.INDEX:
        old, new = snapshot.index(before), snapshot.index(after)
        held = f"{counted(new.documents, 'document')} in {counted(new.passages, 'passage')}"
        yield f"questions are looked up in {held} instead of {old.documents:,} in {old.passages:,}"
    if after.component.kind is Kind.MODEL:
        model, other = (one_line(snapshot.model(pin).id, 80) for pin in (after, before))
        yield f"users are answered by {model} instead of {other}"


def sentence(verb: str, changes: Sequence[Change], environment: str | None = None) -> str:
    """ "Deployed prompt support v7 (changed tone) + index handbook v3 (50 documents added)"."""
    parts = [_part(change) for change in changes]
    if len(parts) > _PARTS:
        parts = [*parts[:_PARTS], f"{len(parts) - _PARTS} more"]
    where = f" in {environment}" if environment else ""
    return f"{verb} {' + '.join(parts)}{where}" if parts else f"{verb}{where}, with no component changed"


def _part(change: Change) -> str:
    kind, name = change.component.split("/", 1)
    what = f" ({one_line(change.what, _WHAT)})" if change.what else ""
    return f"{kind} {name} {change.after or 'removed'}{what}"
