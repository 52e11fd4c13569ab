"""What files of the store say of each other: releases of versions, pointers of releases, records of both."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from console.operations.checks.files import Contents
from console.operations.counted import counted
from store.records.component import Component, Pin
from store.records.release import Release
from store.records.verdict import Verdict

Digest = Callable[[Pin], str]
"""The digest of a version's files."""


def links(contents: Contents, digest: Digest) -> Iterator[str]:
    """One sentence for each thing that is named and is not there, or is not what it was."""
    yield from _pointers(contents)
    for release in contents.releases.values():
        yield from _release(contents, release, digest)
    for path, verdict in contents.verdicts.items():
        yield from _verdict(contents, path, verdict)
    yield from _drift(contents, digest)
    yield from _drills(contents)
    yield from _approvals(contents)
    yield from _records(contents)
    for path, pin in contents.kept.items():
        if pin not in contents.versions:
            yield f"{path} is about {pin}, and there is no such version."
    for suite, judge in contents.judges.items():
        if judge not in contents.versions:
            yield (
                f"{suite.path}/suite.toml: judge: {judge} is not in the store; add that version, or name one "
                "that there is."
            )
    for path, id in contents.notes.items():
        if id not in contents.records:
            yield f"{path} is a note on {id}, and there is no such record."


def _pointers(contents: Contents) -> Iterator[str]:
    names = contents.policy.names if contents.policy else ()
    for name, pointer in contents.environments.items():
        where = f"environments/{name}.toml"
        if names and name not in names:
            yield f"{where} is no environment of lockgate.toml ({', '.join(names)}); remove it."
        named = {
            "serves": pointer.stable,
            "went on from": pointer.previous,
            "rolls out": pointer.rollout.release if pointer.rollout else None,
        }
        for verb, id in named.items():
            if id and id not in contents.releases:
                yield f"{where} {verb} {id}, and there is no releases/{id}.toml that reads well."
        gone = {served.release for served in pointer.served} - contents.releases.keys() - set(named.values())
        for id in sorted(gone):
            yield f"{where} says that {id} served, and there is no releases/{id}.toml that reads well."


def _release(contents: Contents, release: Release, digest: Digest) -> Iterator[str]:
    for pin in release.pins():
        if pin not in contents.versions:
            yield f"releases/{release.id}.toml binds {pin}, and there is no such version."
        elif digest(pin) != release.components[str(pin.component)].digest:
            yield f"releases/{release.id}.toml binds {pin}, whose files are not the ones it bound."
    for id in release.evidence:
        if f"verdicts/{release.id}/{id}.toml" not in contents.verdicts:
            yield f"releases/{release.id}.toml stands on the verdict {id}, which is not in the store."


def _verdict(contents: Contents, path: str, verdict: Verdict) -> Iterator[str]:
    judged = [("judges", verdict.release, verdict.release_digest)]
    if verdict.baseline and verdict.baseline_digest:
        judged.append(("compares with", verdict.baseline, verdict.baseline_digest))
    for verb, id, digest in judged:
        release = contents.releases.get(id)
        if release is None:
            yield f"{path} {verb} {id}, and there is no releases/{id}.toml that reads well."
        elif release.digest != digest:
            yield f"{path} {verb} another {id} than releases/{id}.toml: their digests differ."


def _drift(contents: Contents, digest: Digest) -> Iterator[str]:
    for baseline in contents.baselines.values():
        what = f"the drift baseline {baseline.id}"
        pin = Pin.parse(baseline.model)
        if pin not in contents.versions:
            yield f"{what} is of {pin}, and there is no such version."
        elif digest(pin) != baseline.model_digest:
            yield f"{what} was taken of another {pin} than the one that is here."
        yield from _brought(contents, what, baseline.id, baseline.release)
    for incident in contents.incidents.values():
        what = f"the drift incident {incident.id}"
        known = contents.baselines.get(incident.baseline)
        if known is None or known.model != incident.model:
            yield f"{what} is about the baseline {incident.baseline}, which {incident.model} does not have."
        yield from _brought(contents, what, incident.id, incident.release)


def _drills(contents: Contents) -> Iterator[str]:
    for drill in contents.drills.values():
        yield from _brought(contents, f"the drill {drill.id}", drill.id, drill.release)


def _approvals(contents: Contents) -> Iterator[str]:
    for path, yes in contents.approvals.items():
        yield from _brought(contents, path, yes.id, yes.release)
        release = contents.releases.get(yes.release)
        if release is not None and release.digest != yes.release_digest:
            yield f"{path} approves another {yes.release} than releases/{yes.release}.toml."


def _brought(contents: Contents, what: str, record: str, release: str) -> Iterator[str]:
    if record not in contents.records:
        yield f"{what} has no record that brought it."
    if release not in contents.releases:
        yield f"{what} names {release}, and there is no releases/{release}.toml that reads well."


class _Missing:
    """What records name and is not there: told once, however many records name it."""

    def __init__(self) -> None:
        self._by: dict[str, list[str]] = {}

    def add(self, what: str, record: str) -> None:
        self._by.setdefault(what, []).append(record)

    def sentences(self) -> Iterator[str]:
        for what, records in self._by.items():
            more = f" and {counted(len(records) - 1, 'more record')}" if len(records) > 1 else ""
            yield f"record {records[0]}{more} {'name' if more else 'names'} {what}."


def _records(contents: Contents) -> Iterator[str]:
    verdicts = {verdict.id for verdict in contents.verdicts.values()}
    missing = _Missing()
    for id, record in contents.records.items():
        for release in dict.fromkeys((record.release, record.before, record.after)):
            if release and release not in contents.releases:
                missing.add(f"{release}, and there is no releases/{release}.toml that reads well", id)
        for one in record.evidence:
            if one not in verdicts:
                missing.add(f"the verdict {one}, which is not in the store", id)
        if record.about and record.about not in contents.records:
            missing.add(f"the record {record.about}, which is not in the store", id)
        for change in record.changes:
            if change.after and Pin(Component.parse(change.component), change.after) not in contents.versions:
                missing.add(f"{change.component}@{change.after}, and there is no such version", id)
    yield from missing.sentences()
