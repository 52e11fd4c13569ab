"""Where a version (of a data set, a judge, a model, an index, …) was used: releases, and when they served."""

from __future__ import annotations

from console.operations.audit.questions.answer import Answer, Asked, Cell, clock
from console.operations.audit.questions.past import Past
from console.operations.audit.questions.stretches import Stretch, stretches
from console.operations.counted import counted
from store.errors import InputError
from store.records.component import Component, Kind, Pin
from store.records.release import Release
from store.snapshot import Snapshot

HEAD = ("version", "used_as", "release", "environment", "arm", "since", "until")


def uses(past: Past, asked: Asked) -> Answer:
    """Of `asked.what`: `kind/name@vN`, or `kind/name` for all its versions. Raises InputError."""
    now = past.now
    wanted = _wanted(now, asked.what)
    judges = _judged_by(now, wanted)
    served = {name: stretches(past, name) for name in now.policy.names}
    rows: list[tuple[Cell, ...]] = []
    releases = [now.release(id) for id in now.release_ids()]
    for release in releases:
        for pin, used_as in _in_release(release, wanted, judges):
            found = [
                (str(pin), used_as, release.id, one.environment, one.arm, clock(one.since), clock(one.until))
                for name in now.policy.names
                if asked.environment in (None, name)
                for one in served[name]
                if one.release == release.id and _overlaps(asked, one)
            ]
            rows.extend(found or [(str(pin), used_as, release.id, None, None, None, None)])
    ids = {row[2] for row in rows}
    where = sum(1 for row in rows if row[3])
    return Answer(HEAD, tuple(rows), f"{counted(len(ids), 'release')}, served {counted(where, 'time')}.")


def _overlaps(asked: Asked, one: Stretch) -> bool:
    begins = asked.until is None or one.since < asked.until
    return begins and (asked.since is None or one.until is None or one.until > asked.since)


def _wanted(now: Snapshot, text: str) -> set[Pin]:
    if "@" in text:
        return {now.pin(text)}
    component = Component.parse(text)
    versions = now.versions(component)
    if not versions:
        raise InputError(
            f"there is no {component}; `lockgate list {component.kind.value}` shows what there is."
        )
    return {Pin(component, version) for version in versions}


def _judged_by(now: Snapshot, wanted: set[Pin]) -> dict[Pin, Pin]:
    """By suite: the judge of `wanted` that grades it."""
    if not any(pin.component.kind is Kind.MODEL for pin in wanted):
        return {}
    from evals.suite import parse_suite

    found: dict[Pin, Pin] = {}
    for component in now.components(Kind.EVALS):
        for version in now.versions(component):
            suite = Pin(component, version)
            judge = parse_suite(now.files(suite), suite.path).info.judge
            if judge is not None and (pin := Pin.parse(judge.model)) in wanted:
                found[suite] = pin
    return found


def _in_release(release: Release, wanted: set[Pin], judges: dict[Pin, Pin]) -> list[tuple[Pin, str]]:
    pins = release.pins()
    own = [(pin, "component") for pin in pins if pin in wanted]
    return own + [(judges[pin], f"judge of {pin}") for pin in pins if pin in judges]
