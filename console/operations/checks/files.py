"""Each file of the store by itself: it reads, and says of itself what its path says of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from pydantic import BaseModel

from console.operations.checks.tree import File, Place
from store.bounded import decode_text, read_toml
from store.errors import InputError, LockgateError
from store.records.approval import Approval
from store.records.component import Component, Kind, Pin
from store.records.drift import DriftBaseline, DriftIncident
from store.records.drill import Drill
from store.records.environment import Environment
from store.records.keeping import Keeping
from store.records.operation import Operation
from store.records.policy import Policy
from store.records.release import Release
from store.records.verdict import Verdict
from store.records.versions import AppRevision, Guardrail, IndexManifest, ModelPin
from store.snapshot import record_path
from store.text import one_line

Read = Callable[[File], bytes]
Model = TypeVar("Model", bound=BaseModel)
_NOTE_LIMIT = 256 * 1024
_SAYS = "a file's name and its content must agree."


class Contents:
    """What was read, for the looks that need several files at once. Only what is well is in it."""

    def __init__(self) -> None:
        self.policy: Policy | None = None
        self.environments: dict[str, Environment] = {}
        self.releases: dict[str, Release] = {}
        self.verdicts: dict[str, Verdict] = {}
        """By path."""
        self.records: dict[str, Operation] = {}
        """By id, without prose: of a long history only what other files name is kept."""
        self.notes: dict[str, str] = {}
        """Path of a note to the id of its record."""
        self.versions: set[Pin] = set()
        self.judges: dict[Pin, Pin] = {}
        """By suite: the model that its judge asks."""
        self.kept: dict[str, Pin] = {}
        """Path of a file in retention/ to the index version that it is about."""
        self.baselines: dict[str, DriftBaseline] = {}
        """By id, without what was measured."""
        self.incidents: dict[str, DriftIncident] = {}
        """By id."""
        self.approvals: dict[str, Approval] = {}
        """By path."""
        self.drills: dict[str, Drill] = {}
        """By id, without what was rehearsed."""


def look(file: File, read: Read, contents: Contents) -> Iterator[str]:
    """What is wrong with `file`, one sentence each. Raises LockgateError where it does not even read."""
    data = read(file)
    path, parts = file.path, file.parts
    match file.place:
        case Place.POLICY:
            contents.policy = read_toml(Policy, data, path)
        case Place.SIGNERS:
            decode_text(data, path)
        case Place.NOTE:
            decode_text(data, path, _NOTE_LIMIT)
            contents.notes[path] = parts["record"]
        case Place.ENVIRONMENT:
            pointer = read_toml(Environment, data, path)
            contents.environments[parts["name"]] = pointer
            yield from _disagrees(path, pointer.name, parts["name"])
        case Place.RELEASE:
            release = read_toml(Release, data, path)
            contents.releases[parts["id"]] = release
            yield from _disagrees(path, release.id, parts["id"])
        case Place.VERDICT:
            verdict = read_toml(Verdict, data, path)
            contents.verdicts[path] = verdict
            yield from _disagrees(path, verdict.id, parts["id"])
            yield from _disagrees(path, verdict.release, parts["release"])
        case Place.RECORD:
            record = read_toml(Operation, data, path)
            for change in record.changes:
                _component(change.component, path)
            contents.records[parts["id"]] = record.model_copy(update={"why": "", "summary": "", "checks": ()})
            yield from _disagrees(path, record.id, parts["id"])
            if (right := record_path(parts["id"])) != path:
                yield f"{path} is in another month than its id says; it belongs to {right}."
        case Place.KEEPING:
            kept = read_toml(Keeping, data, path)
            contents.kept[path] = Pin(Component(Kind.INDEX, parts["name"]), parts["version"])
            yield from _disagrees(path, f"{kept.index}@{kept.version}", f"{parts['name']}@{parts['version']}")
        case Place.DRIFT_BASELINE:
            baseline = read_toml(DriftBaseline, data, path)
            if (baseline.id, baseline.model) == (parts["id"], str(file.model)):
                contents.baselines[parts["id"]] = baseline.model_copy(update={"rounds": (), "prompts": ()})
            yield from _disagrees(path, baseline.id, parts["id"])
            yield from _disagrees(path, baseline.model, str(file.model))
        case Place.DRIFT_INCIDENT:
            incident = read_toml(DriftIncident, data, path)
            contents.incidents[parts["id"]] = incident
            yield from _disagrees(path, incident.id, parts["id"])
            yield from _disagrees(path, incident.model, str(file.model))
        case Place.APPROVAL:
            yes = read_toml(Approval, data, path)
            contents.approvals[path] = yes
            yield from _disagrees(path, yes.id, parts["id"])
            yield from _disagrees(
                path, f"{yes.environment}/{yes.release}", f"{parts['name']}/{parts['release']}"
            )
        case Place.DRILL:
            drill = read_toml(Drill, data, path)
            contents.drills[parts["id"]] = drill.model_copy(update={"rehearsed": drill.rehearsed[:1]})
            yield from _disagrees(path, drill.id, parts["id"])
            yield from _disagrees(path, drill.environment, parts["name"])
        case Place.VERSION:
            contents.versions.add(Pin(Component(file.kind, parts["name"]), parts["version"]))
            _single(file.kind, data, path)


def _component(text: str, path: str) -> None:
    try:
        Component.parse(text)
    except InputError as error:
        raise InputError(f"{path}: {error.message}") from None


def _disagrees(path: str, says: str, wanted: str) -> Iterator[str]:
    if says != wanted:
        yield f"{path} says that it is {one_line(says, 60)}: {_SAYS}"


def _single(kind: Kind, data: bytes, path: str) -> None:
    """A version that is one TOML file. Raises LockgateError."""
    match kind:
        case Kind.MODEL:
            from evals.models.pins import require_pinned

            require_pinned(read_toml(ModelPin, data, path))
        case Kind.GUARDRAIL:
            from evals.guard import validate_guardrail

            validate_guardrail(read_toml(Guardrail, data, path), path)
        case Kind.INDEX:
            read_toml(IndexManifest, data, path)
        case _:
            read_toml(AppRevision, data, path)


def folders(files: Iterable[File]) -> dict[Pin, dict[str, File]]:
    """The files of versions that are folders, by version and then by their name in it."""
    found: dict[Pin, dict[str, File]] = {}
    for file in files:
        if file.place is Place.PART:
            pin = Pin(Component(file.kind, file.parts["name"]), file.parts["version"])
            found.setdefault(pin, {})[file.parts["file"]] = file
    return found


def look_into(pin: Pin, parts: Mapping[str, File], read: Read, contents: Contents) -> Iterator[str]:
    """What is wrong with a version that is a folder. Raises LockgateError where it does not even read."""
    from console.operations.add.evals import FILES as SUITE
    from console.operations.add.prompt import FILES as PROMPT

    contents.versions.add(pin)
    known = PROMPT if pin.component.kind is Kind.PROMPT else SUITE
    for name in parts.keys() - set(known):
        yield f"{pin.path}/{one_line(name)} does not belong there: {pin} holds {', '.join(known)}."
    files = {name: read(file) for name, file in parts.items() if name in known}
    if pin.component.kind is Kind.EVALS:
        from evals.suite import parse_suite

        judge = parse_suite(files, pin.path).info.judge
        if judge is not None:
            contents.judges[pin] = Pin.parse(judge.model)
        return
    from prompts.lint import lint
    from prompts.prompt import parse_prompt

    for finding in lint(parse_prompt(files, pin.path)):
        if finding.level == "error":
            yield f"{pin.path}: {finding.text}"


def told(look: Callable[[], Iterable[str]]) -> list[str]:
    """The sentences of one look; an error of ours is one of them."""
    found: list[str] = []
    try:
        found.extend(look())
    except LockgateError as error:
        found.append(error.message)
    return found
