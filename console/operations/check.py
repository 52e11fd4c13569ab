"""Check: read every file of the store strictly and collect what is malformed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from evals.guard import validate_guardrail
from evals.models.pins import require_pinned
from evals.suite import parse_suite
from prompts.lint import lint
from prompts.prompt import parse_prompt
from store.errors import LockgateError
from store.records.component import Component, Kind, Pin
from store.snapshot import Snapshot
from store.workspace import Workspace


def check(workspace: Workspace, commit: str | None = None) -> tuple[str, ...]:
    """One sentence for each malformed file of the store at `commit` (the tip); empty when all is well."""
    snapshot = workspace.store.at(commit)
    findings: list[str] = []
    for look in _looks(snapshot):
        try:
            findings.extend(look())
        except LockgateError as error:
            findings.append(error.message)
    return tuple(findings)


def _looks(snapshot: Snapshot) -> Iterator[Callable[[], list[str]]]:
    yield lambda: list(snapshot.policy.names)[:0]  # reading it is the look
    yield lambda: _environments(snapshot)
    for id in snapshot.release_ids():
        yield lambda id=id: _release(snapshot, id)  # type: ignore[misc]
    refused: list[str] = []
    for component in _components(snapshot, refused):
        for version in snapshot.versions(component):
            yield lambda pin=Pin(component, version): _version(snapshot, pin)  # type: ignore[misc]
    yield lambda: refused


def _components(snapshot: Snapshot, refused: list[str]) -> Iterator[Component]:
    """Every component; a kind whose folder holds a name that is not allowed goes to `refused`."""
    for kind in Kind:
        try:
            yield from snapshot.components(kind)
        except LockgateError as error:
            refused.append(error.message)


def _environments(snapshot: Snapshot) -> list[str]:
    found: list[str] = []
    for pointer in snapshot.environments():
        if pointer.stable and snapshot.find_release(pointer.stable) is None:
            found.append(f"environments/{pointer.name}.toml serves {pointer.stable}, which does not exist.")
    return found


def _release(snapshot: Snapshot, id: str) -> list[str]:
    release = snapshot.release(id)
    snapshot.verdicts(id)
    return [
        f"releases/{id}.toml binds {pin}, whose files are not the ones it bound."
        for pin in release.pins()
        if snapshot.digest(pin) != release.components[str(pin.component)].digest
    ]


def _version(snapshot: Snapshot, pin: Pin) -> list[str]:
    match pin.component.kind:
        case Kind.PROMPT:
            prompt = parse_prompt(snapshot.files(pin), pin.path)
            return [f"{pin.path}: {one.text}" for one in lint(prompt) if one.level == "error"]
        case Kind.MODEL:
            require_pinned(snapshot.model(pin))
        case Kind.GUARDRAIL:
            validate_guardrail(snapshot.guardrail(pin), pin.path)
        case Kind.EVALS:
            parse_suite(snapshot.files(pin), pin.path)
        case _:
            snapshot.version(pin)
    return []
