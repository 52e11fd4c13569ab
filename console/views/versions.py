"""The versions of one component, and what can be chosen from them."""

from __future__ import annotations

from console.operations.compose import served_releases
from console.views.ages import age, span
from console.views.line import BLANK, Line, Part, line, muted
from console.views.marks import INDEX_STATUS
from console.views.overview import about_version
from console.views.table import Column, Row, Table
from console.views.world import World
from store.records.component import Component, Kind, Pin
from store.rules import serving


def serving_environments(world: World, pin: Pin) -> tuple[str, ...]:
    """The environments that serve `pin` now."""
    snapshot = world.snapshot
    return tuple(
        one.name
        for one in snapshot.environments()
        if one.stable
        and (release := snapshot.find_release(one.stable))
        and release.version_of(pin.component) == pin.version
    )


def current_version(world: World, environment: str, component: Component) -> str | None:
    """The version of `component` that `environment` serves, or None."""
    pointer = world.snapshot.environment(environment)
    release = world.snapshot.find_release(pointer.stable) if pointer.stable else None
    return release.version_of(component) if release else None


def versions_table(world: World, component: Component) -> Table:
    """Every version, newest first; the key of a row is the version."""
    rows = tuple(_row(world, Pin(component, version)) for version in reversed(_versions(world, component)))
    return Table(
        (
            Column("version", most=8),
            Column("serves", least=6, most=24),
            Column("what it is", grow=1, least=10),
            Column("what changed", grow=2, least=14, drop=1),
        ),
        rows,
        line("no version yet: ", Part(f"lockgate add {component.kind.value} {component.name} …", "key")),
    )


def _versions(world: World, component: Component) -> tuple[str, ...]:
    return world.snapshot.versions(component)


def _row(world: World, pin: Pin) -> Row:
    record = world.snapshot.version(pin)
    serves = ", ".join(serving_environments(world, pin))
    essence = about_version(world.snapshot, pin)
    changed = str(getattr(record, "what_changed", ""))
    return Row(
        pin.version,
        (
            line(Part(pin.version, "strong")),
            line(Part(f"● {serves}", "good")) if serves else _waiting(world, pin),
            line(essence if essence != changed else muted(world.snapshot.digest(pin)[7:19])),
            line(changed),
        ),
    )


def _waiting(world: World, pin: Pin) -> Line:
    if pin.component.kind is not Kind.INDEX:
        return line(muted("–"))
    status = world.statuses[pin.component.name][pin.version]
    mark = INDEX_STATUS[status.status]
    left = f" {span(status.left)}" if status.left else ""
    return line(Part(f"{mark.text}{left}", mark.tone))


def switch_choices(world: World, environment: str, component: Component) -> Table:
    """The versions that `environment` could serve instead, newest first, with when they served there."""
    pointer = world.snapshot.environment(environment)
    releases = served_releases(world.snapshot, pointer)
    current = current_version(world, environment, component)
    rows = []
    for version in reversed(_versions(world, component)):
        if version == current:
            continue
        at = serving.has_served(pointer, component, version, releases)
        said = f"served here until {age(world.now, at)} ago" if at else "never served here"
        pin = Pin(component, version)
        what = str(getattr(world.snapshot.version(pin), "what_changed", ""))
        rows.append(
            Row(
                str(pin),
                (
                    line(Part(version, "strong")),
                    line(Part(said, "accent" if at else "muted")),
                    line(what or about_version(world.snapshot, pin)),
                ),
            )
        )
    columns = (Column("", most=8), Column("", most=34), Column("", grow=1, least=10))
    return Table(columns, tuple(rows), line("there is no other version"))


def environment_choices(world: World, pin: Pin) -> Table:
    """The environments that serve another version of the component; those where `pin` served come first,
    and among equals the last one of the order, where people are waiting."""
    found: list[tuple[bool, int, Row]] = []
    for place, name in enumerate(world.environments):
        current = current_version(world, name, pin.component)
        if current is None or current == pin.version:
            continue
        pointer = world.snapshot.environment(name)
        at = serving.has_served(pointer, pin.component, pin.version, served_releases(world.snapshot, pointer))
        said = f"served here until {age(world.now, at)} ago" if at else "never served here"
        cells = (line(Part(name, "strong")), line(f"{current} → {pin.version}"), line(muted(said)))
        found.append((at is None, -place, Row(name, cells)))
    rows = tuple(row for _, _, row in sorted(found, key=lambda one: one[:2]))
    return Table((Column("", most=24), Column("", most=20), Column("", grow=1, least=8)), rows)


EVERYTHING = "*"


def rollback_choices(world: World, environment: str) -> Table:
    """What could be rolled back: everything first, then each component that served in another version."""
    snapshot = world.snapshot
    pointer = snapshot.environment(environment)
    current = snapshot.find_release(pointer.stable) if pointer.stable else None
    rows = []
    releases = served_releases(snapshot, pointer)
    whole = serving.rollback_target(pointer, releases)
    if current is not None and whole is not None:
        rows.append(
            Row(EVERYTHING, (line(Part("everything", "strong")), line(f"{current.id} → {whole}"), BLANK))
        )
    for pin in current.pins() if current else ():
        target = serving.component_target(pointer, pin.component, pin.version, releases)
        if target is not None:
            back = Pin(pin.component, target)
            rows.append(
                Row(
                    str(pin.component),
                    (
                        line(Part(str(pin.component), "strong")),
                        line(f"{pin.version} → {target}"),
                        line(muted(about_version(snapshot, back))),
                    ),
                )
            )
    columns = (Column("", most=30), Column("", most=20), Column("", grow=1, least=8))
    return Table(columns, tuple(rows))


def release_choices(world: World) -> Table:
    """All releases, newest first."""
    snapshot = world.snapshot
    rows = []
    for id in reversed(snapshot.release_ids()):
        release = snapshot.find_release(id)
        serves = [one.name for one in snapshot.environments() if one.stable == id]
        pins = " ".join(str(pin) for pin in release.pins()) if release else ""
        rows.append(
            Row(
                id,
                (
                    line(Part(id, "strong")),
                    line(Part(", ".join(serves), "good")) if serves else line(muted("–")),
                    line(muted(pins)),
                ),
            )
        )
    columns = (Column("", most=8), Column("", most=24), Column("", grow=1, least=8))
    return Table(columns, tuple(rows), line("no release yet"))


def rejected_choices(world: World) -> Table:
    """Releases that were rejected somewhere."""
    rows = tuple(
        Row(
            one.release,
            (line(Part(one.release, "strong")), line(f"rejected in {environment.name}"), line(one.reason)),
        )
        for environment in world.snapshot.environments()
        for one in environment.rejected
    )
    columns = (Column("", most=8), Column("", most=30), Column("", grow=1, least=8))
    return Table(columns, tuple({row.key: row for row in rows}.values()))
