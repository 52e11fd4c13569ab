"""Browse: lists, and one thing whole, as text and as plain data."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from store.canonical import short
from store.errors import InputError
from store.index_readiness import index_statuses
from store.records.component import Kind, Pin
from store.records.environment import Environment
from store.rules.index_status import IndexStatus
from store.snapshot import Snapshot
from store.text import one_line
from store.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Rows:
    """A table."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    empty: str
    """What to say, and do next, when there is none."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One thing."""

    text: str
    data: Any


def listed(workspace: Workspace, kind: str, name: str | None = None) -> Rows:
    """Every version of every component of `kind`, releases or environments; with `name` only that one's.

    Raises InputError when there is none of that name.
    """
    snapshot = workspace.store.at()
    if kind == "release":
        return _releases(snapshot, (snapshot.release(name).id,) if name else snapshot.release_ids())
    if kind == "environment":
        return _environments(
            (snapshot.environment(name),) if name else snapshot.environments(),
        )
    return _versions(workspace, snapshot, Kind(kind), name)


def _versions(workspace: Workspace, snapshot: Snapshot, kind: Kind, name: str | None) -> Rows:
    components = [one for one in snapshot.components(kind) if name is None or one.name == name]
    if name is not None and not components:
        raise InputError(
            f"there is no {kind.value}/{one_line(name, 60)}; `lockgate list {kind.value}` shows all."
        )
    rows: list[tuple[str, ...]] = []
    for component in components:
        statuses = (
            index_statuses(snapshot, component.name, workspace.clock.now()) if kind is Kind.INDEX else {}
        )
        for version in reversed(snapshot.versions(component)):
            pin = Pin(component, version)
            record = snapshot.version(pin)
            where = (
                status_words(statuses[version])
                if kind is Kind.INDEX
                else ", ".join(_serving(snapshot, pin)) or "—"
            )
            what = str(getattr(record, "what_changed", "")) or _essence(record)
            rows.append((str(component), version, where, short(snapshot.digest(pin)), one_line(what, 100)))
    return Rows(
        ("component", "version", "status" if kind is Kind.INDEX else "serves", "digest", "what"),
        tuple(rows),
        f"There is no {kind.value} yet; `lockgate add {kind.value} NAME …` makes the first.",
    )


def _essence(record: Any) -> str:
    for field in ("id", "revision", "source"):
        if getattr(record, field, ""):
            return str(getattr(record, field))
    return ""


def _serving(snapshot: Snapshot, pin: Pin) -> list[str]:
    found: list[str] = []
    for pointer in snapshot.environments():
        release = snapshot.find_release(pointer.stable) if pointer.stable else None
        if release and release.version_of(pin.component) == pin.version:
            found.append(pointer.name)
    return found


def status_words(status: IndexStatus) -> str:
    """ "production (staging, production)", "rollback ready, 6 d 3 h left", "archived", "built", and a pin."""
    words = _status_words(status)
    return words if not status.pinned or status.pinned in words else f"{words}; {status.pinned}"


def _status_words(status: IndexStatus) -> str:
    if status.status == "production":
        return f"production ({', '.join(status.environments)})"
    if status.status == "rollback_ready" and status.left is not None:
        return f"rollback ready, {duration(status.left)} left"
    if status.status == "unknown":
        return f"unknown: {', '.join(status.unreadable)} cannot be read"
    if status.status == "rollback_ready":
        return f"rollback ready, {'; '.join(status.kept)}"
    if status.status == "archived":
        return {
            None: "archived",
            "over": "archived, still sealed here",
            "marked": "archived, still sealed here",
            "packed": f"archived, {(status.packed or 0) / 1_000_000:,.1f} MB",
            "purged": "purged",
        }[status.phase]
    return "built, never served"


def duration(span: timedelta) -> str:
    """ "6 d 3 h", "5 h", "12 min"."""
    seconds = max(0, int(span.total_seconds()))
    days, hours, minutes = seconds // 86_400, seconds % 86_400 // 3600, seconds % 3600 // 60
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    return f"{hours} h" if hours else f"{minutes} min"


def _releases(snapshot: Snapshot, ids: Sequence[str]) -> Rows:
    rejected = {one.release for pointer in snapshot.environments() for one in pointer.rejected}
    serving: dict[str, list[str]] = {}
    for pointer in snapshot.environments():
        if pointer.stable:
            serving.setdefault(pointer.stable, []).append(pointer.name)
    rows = []
    for id in reversed(ids):
        release = snapshot.release(id)
        verdicts = snapshot.verdicts(id)
        gate = f"{verdicts[0].outcome} ({verdicts[0].tier})" if verdicts else "—"
        state = ", ".join(serving.get(id, [])) or ("rejected" if id in rejected else "—")
        pins = " ".join(str(pin) for pin in release.pins())
        rows.append((id, f"{release.created_at:%Y-%m-%d %H:%M}", state, gate, short(release.digest), pins))
    return Rows(
        ("release", "made", "serves", "gate", "digest", "components"),
        tuple(rows),
        "There is no release yet; `lockgate stage --set kind/name=vN …` makes the first.",
    )


def _environments(pointers: Sequence[Environment]) -> Rows:
    rows = tuple(
        (
            pointer.name,
            pointer.stable or "—",
            pointer.previous or "—",
            str(pointer.generation),
            ", ".join(one.component for one in pointer.holds) or "—",
            ", ".join(one.release for one in pointer.rejected) or "—",
        )
        for pointer in pointers
    )
    return Rows(("environment", "stable", "previous", "generation", "holds", "rejected"), rows, "")


def shown(workspace: Workspace, ref: str) -> Shown:
    """What `ref` names: kind/name@vN, kind/name, rN, an environment, or a record's id."""
    snapshot = workspace.store.at()
    if ref in snapshot.policy.names:
        return _record(snapshot.environment(ref).model_dump(mode="json"))
    if (release := snapshot.find_release(ref)) is not None:
        verdicts = [one.model_dump(mode="json") for one in snapshot.verdicts(ref)]
        return _record({**release.model_dump(mode="json"), "verdicts": verdicts})
    if (operation := snapshot.operation(ref.upper())) is not None:
        notes = list(snapshot.notes(operation.id))
        return _record({**operation.model_dump(mode="json"), "notes": notes})
    if "/" not in ref:
        raise InputError(
            f"{one_line(ref, 60)!r} names nothing here: give kind/name@vN, rN, an environment "
            f"({', '.join(snapshot.policy.names)}) or a record's id."
        )
    return _version(snapshot, snapshot.pin(ref))


def _version(snapshot: Snapshot, pin: Pin) -> Shown:
    files = {name: data.decode(errors="replace") for name, data in snapshot.files(pin).items()}
    data = {"version": str(pin), "digest": snapshot.digest(pin), "files": files}
    parts = [f"{pin}  {data['digest']}"]
    for name, text in files.items():
        parts += ["", f"── {name}", text.rstrip()]
    return Shown("\n".join(parts), data)


def _record(data: dict[str, Any]) -> Shown:
    return Shown("\n".join(_lines(data)), data)


def _lines(value: Any, indent: str = "") -> list[str]:
    lines: list[str] = []
    for key, one in value.items():
        if one in (None, "", [], {}):
            continue
        if isinstance(one, dict):
            lines += [f"{indent}{key}:", *_lines(one, indent + "  ")]
        elif isinstance(one, list) and one and isinstance(one[0], dict):
            lines.append(f"{indent}{key}:")
            for item in one:
                inner = _lines(item, indent + "    ")
                lines += [f"{indent}  - {inner[0].strip()}", *inner[1:]] if inner else []
        elif isinstance(one, list):
            lines.append(f"{indent}{key}: {', '.join(map(str, one))}")
        else:
            lines.append(f"{indent}{key}: {one if isinstance(one, str) else json.dumps(one)}")
    return lines


def components_of(snapshot: Snapshot, ref: str) -> dict[str, str]:
    """Component to version of a release or an environment. Raises InputError."""
    if ref in snapshot.policy.names:
        stable = snapshot.environment(ref).stable
        if stable is None:
            raise InputError(f"{ref} serves nothing yet.")
        ref = stable
    return {name: one.version for name, one in snapshot.release(ref).components.items()}
