"""The overview: components by environments, what needs a person, what happened last."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from console.actions import Place
from console.operations.status import next_release
from console.views.ages import age, span, stamp
from console.views.first_paint import Overview
from console.views.line import Line, Part, line, muted
from console.views.marks import DIFFERENCE, gate_mark, kind_mark
from console.views.table import Column, Row, Table
from console.views.words import counted
from console.views.world import World
from store.records.component import Component, Kind, Pin
from store.records.environment import Environment
from store.records.release import Release
from store.records.verdict import Verdict
from store.rules.rejection import rejected_by
from store.rules.windows import Frozen, frozen
from store.snapshot import Snapshot
from store.text import one_line

RELEASE, GATE, DRILL, FROZEN = "release", "gate", "drill", "frozen"
"""The keys of the rows that are no components."""
_SOON = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that wants a person."""

    key: str
    text: Line
    place: Place
    """The screen on which it is dealt with."""
    target: str
    """What to put the cursor on there."""


def needs(world: World) -> tuple[Need, ...]:
    """Everything that wants a person, the most urgent first."""
    return (
        *_beginning(world),
        *_behind(world),
        *_hosts(world),
        *_drills(world),
        *_rollouts(world),
        *_reviews(world),
        *_holds(world),
        *_rejections(world),
        *_undecided(world),
        *_ending(world),
    )


def needs_table(world: World) -> Table:
    """`needs` as a table."""
    rows = tuple(Row(need.key, (need.text,)) for need in needs(world))
    return Table((Column("Needs you", grow=1),), rows, line(Part("✓ nothing needs you", "good")))


def _beginning(world: World) -> Iterator[Need]:
    """What comes next in a workspace that serves nothing yet."""
    snapshot = world.snapshot
    if not snapshot.components():
        text = line(
            Part("○ ", "accent"), "no component yet: ", Part("lockgate add prompt NAME --from DIR", "key")
        )
        yield Need("begin/add", line(*text, " begins"), "stage", "")
    elif not any(one.stable for one in snapshot.environments()):
        first = world.environments[0]
        text = line(
            Part("○ ", "accent"), Part(first, "strong"), "  serves nothing yet: ⏎ picks a first release"
        )
        yield Need("begin/stage", text, "stage", "")


def _behind(world: World) -> Iterator[Need]:
    for name in world.behind:
        yield Need(
            f"behind/{name}",
            line(
                Part("! ", "bad"),
                Part(name, "strong"),
                "  its live document is behind the store: ⏎ writes it",
            ),
            "overview",
            name,
        )


def _hosts(world: World) -> Iterator[Need]:
    """Other machines that serve something else, or that nobody has heard of lately."""
    for host in world.hosts:
        name = host.report.host
        said = f"silent for {age(world.now, host.report.at)}" if host.silent else "; ".join(host.lags)
        text = line(Part("! ", "bad"), Part(name, "strong"), f"  {said}: ", Part("lockgate hosts", "key"))
        yield Need(f"host/{name}", text, "overview", world.environments[0])


def _drills(world: World) -> Iterator[Need]:
    """Rollbacks that would not have held when they were rehearsed last."""
    for name, drill in world.drills.items():
        if drill is not None and not drill.holds:
            first = drill.broken[0]
            text = line(
                Part("✗ ", "bad"), Part(name, "strong"), f"  could not go back ({first.what}): {first.said}"
            )
            yield Need(f"drill/{name}", text, "overview", name)


def _rollouts(world: World) -> Iterator[Need]:
    """Promotions on their way: how far they are, what stops them, and whether anybody looks after them."""
    for environment in world.snapshot.environments():
        rollout = environment.rollout
        if rollout is None or not rollout.active:
            continue
        halted = rollout.state != "progressing"
        state = rollout.state if rollout.pause is None else f"paused ({rollout.pause})"
        reason = f": {rollout.reason}" if halted and rollout.reason else ""
        yield Need(
            f"rollout/{environment.name}",
            line(
                Part("‖ " if halted else "▶ ", "warn" if halted else "accent"),
                Part(environment.name, "strong"),
                f"  {rollout.release} is {state}, {rollout.percent:g} % of users{reason}",
            ),
            "rollout",
            environment.name,
        )
        if world.unattended:
            yield Need(
                f"unattended/{environment.name}",
                line(
                    Part("! ", "bad"),
                    Part(environment.name, "strong"),
                    "  no controller looks after its rollout: ",
                    Part("lockgate watch", "key"),
                ),
                "rollout",
                environment.name,
            )


def _holds(world: World) -> Iterator[Need]:
    for environment in world.snapshot.environments():
        for hold in environment.holds:
            what = "everything" if hold.component == "*" else hold.component
            yield Need(
                f"hold/{environment.name}/{hold.component}",
                line(
                    Part("■ ", "warn"),
                    Part(environment.name, "strong"),
                    f"  {what} held for {age(world.now, hold.at)} by {hold.by.name}: ",
                    hold.reason,
                ),
                "history",
                hold.record,
            )


def _reviews(world: World) -> Iterator[Need]:
    """What was done with broken glass and nobody else has looked at."""
    for environment in world.snapshot.environments():
        for one in environment.reviews:
            yield Need(
                f"review/{one.record}",
                line(
                    Part("! ", "warn"),
                    Part(environment.name, "strong"),
                    f"  {one.by.name} broke the glass {age(world.now, one.at)} ago (w reviews it): ",
                    one.reason,
                ),
                "history",
                one.record,
            )


def _rejections(world: World) -> Iterator[Need]:
    """What was rolled back and would be promoted next all the same; the rest is history."""
    pointers = world.snapshot.environments()
    for place, environment in enumerate(pointers):
        coming = next_release(world.snapshot, pointers, place)
        refused = rejected_by(pointers, coming) if coming is not None else None
        if coming is None or refused is None:
            continue
        where, rejection = refused
        what = "" if rejection.release == coming.id else f" what {rejection.release} held,"
        yield Need(
            f"rejected/{environment.name}/{coming.id}",
            line(
                Part("✗ ", "bad"),
                Part(coming.id, "strong"),
                f"  next for {environment.name};{what} rejected in {where} "
                f"{age(world.now, rejection.at)} ago (c clears it): ",
                rejection.reason,
            ),
            "history",
            rejection.record,
        )


def _undecided(world: World) -> Iterator[Need]:
    snapshot = world.snapshot
    newest = snapshot.release_ids()[-1:]
    shown = {one.stable for one in snapshot.environments() if one.stable} | set(newest)
    for id in sorted(shown, key=lambda one: int(one[1:])):
        verdict = next(iter(snapshot.verdicts(id)), None)
        if verdict is not None and verdict.outcome == "inconclusive":
            reason = verdict.reasons[0] if verdict.reasons else "its evals did not decide"
            yield Need(
                f"undecided/{id}",
                line(Part("? ", "warn"), Part(id, "strong"), "  gate inconclusive: ", reason),
                "stage",
                id,
            )


def _ending(world: World) -> Iterator[Need]:
    for name, versions in world.statuses.items():
        for version, status in versions.items():
            if status.status == "rollback_ready" and status.left is not None and status.left <= _SOON:
                yield Need(
                    f"ending/{name}/{version}",
                    line(
                        Part("↺ ", "warn"),
                        Part(f"index/{name} {version}", "strong"),
                        f"  ready to roll back for {span(status.left)} more",
                    ),
                    "indexes",
                    f"index/{name}@{version}",
                )


def overview(world: World) -> Overview:
    """All that the overview shows."""
    return Overview(needs_table(world), grid(world), recent(world))


# -- the grid -----------------------------------------------------------------------------------


def grid(world: World) -> Table:
    """Rows are components, columns environments; first the release, last its gate."""
    environments = world.snapshot.environments()
    releases = tuple(_stable(world.snapshot, one) for one in environments)
    columns = (
        Column("", least=12, most=30),
        *(Column(one.name, grow=1, least=16, most=40) for one in environments),
    )
    rows = [Row(RELEASE, (line(muted("release")), *(_release_cell(world, one) for one in environments)))]
    rows += [
        Row(str(one), (line(str(one)), *_cells(world, one, environments, releases)))
        for one in world.snapshot.components()
    ]
    gates = (
        _gate_cell(world.snapshot, one, release) for one, release in zip(environments, releases, strict=True)
    )
    rows.append(Row(GATE, (line(muted("gate")), *gates)))
    if any(world.drills.values()):
        drills = (_drill_cell(world, one.name) for one in environments)
        rows.append(Row(DRILL, (line(muted("rehearsed")), *drills)))
    closed = [_frozen(world, one) for one in environments]
    if any(closed):
        cells = (_frozen_cell(world, one) for one in closed)
        rows.append(Row(FROZEN, (line(muted("frozen")), *cells)))
    return Table(columns, tuple(rows))


def _frozen(world: World, environment: Environment) -> Frozen | None:
    policy = world.snapshot.policy.environment(environment.name)
    return frozen(environment.freezes, policy.windows if policy else (), world.now)


def _frozen_cell(world: World, closed: Frozen | None) -> Line:
    if closed is None:
        return line(muted("–"))
    until = f"until {stamp(world.now, closed.opens)}" if closed.opens else "for long"
    return line(Part("= ", "warn"), until, muted(f" · {one_line(closed.reason, 60)}"))


def environment_at(world: World, column: int) -> str | None:
    """The environment of a grid column; None for the column of names."""
    names = world.environments
    return names[column - 1] if 1 <= column <= len(names) else None


def _stable(snapshot: Snapshot, environment: Environment) -> Release | None:
    return snapshot.find_release(environment.stable) if environment.stable else None


def _release_cell(world: World, environment: Environment) -> Line:
    if environment.stable is None:
        return line(muted("nothing yet"))
    since = next((one.since for one in environment.served if one.until is None), None)
    return line(Part(environment.stable, "strong"), muted(f" · {age(world.now, since)}" if since else ""))


def _cells(
    world: World,
    component: Component,
    environments: tuple[Environment, ...],
    releases: tuple[Release | None, ...],
) -> Iterator[Line]:
    before: str | None = None
    for place, (environment, release) in enumerate(zip(environments, releases, strict=True)):
        version = release.version_of(component) if release else None
        word = difference(version, before) if place and release else ""
        if any(hold.component in ("*", str(component)) for hold in environment.holds):
            word = "held"
        yield _cell(world.snapshot, component, version, word)
        before = version


def difference(version: str | None, before: str | None) -> str:
    """How `version` stands to the one of the environment before: a key of marks.DIFFERENCE, or nothing."""
    if version == before:
        return ""
    if version is None:
        return "not here"
    if before is None:
        return "only here"
    return "ahead" if int(version[1:]) > int(before[1:]) else "behind"


def _cell(snapshot: Snapshot, component: Component, version: str | None, word: str) -> Line:
    mark = DIFFERENCE.get(word)
    tail = (Part(f" {mark.text}", mark.tone),) if mark else ()
    if version is None:
        return line(muted("–"), *tail)
    about = about_version(snapshot, Pin(component, version))
    return line(Part(version, "strong"), *tail, muted(f"  {about}" if about else ""))


def about_version(snapshot: Snapshot, pin: Pin) -> str:
    """A version in a few words: the model's id, the revision, the number of passages, else what changed."""
    kind = pin.component.kind
    if kind is Kind.MODEL:
        return snapshot.model(pin).id
    if kind is Kind.APP:
        return snapshot.app(pin).revision.removeprefix("sha256:")[:7]
    if kind is Kind.INDEX:
        return counted(snapshot.index(pin).documents, "document")
    return str(getattr(snapshot.version(pin), "what_changed", ""))


def _gate_cell(snapshot: Snapshot, environment: Environment, release: Release | None) -> Line:
    if release is None:
        return line(muted("–"))
    verdict = verdict_of(snapshot, release)
    if verdict is None:
        record = snapshot.operation(environment.record) if environment.record else None
        return gate_mark(record.gate if record else "none").line()
    return gate_mark(verdict.outcome).line(f" · {counted(verdict.cases, 'case')}")


def _drill_cell(world: World, environment: str) -> Line:
    """How old the last rehearsal of its rollbacks is, and whether all would have held."""
    drill = world.drills.get(environment)
    if drill is None:
        return line(muted("never"))
    mark = Part("✓ ", "good") if drill.holds else Part("✗ ", "bad")
    word = "all hold" if drill.holds else f"{len(drill.broken)} would not hold"
    return line(mark, word, muted(f" · {age(world.now, drill.at)}"))


def verdict_of(snapshot: Snapshot, release: Release) -> Verdict | None:
    """The newest verdict on exactly these components."""
    found = snapshot.verdicts(release.id)
    return next((one for one in found if one.release_digest == release.digest), None)


# -- what happened last --------------------------------------------------------------------------


def recent(world: World) -> Table:
    """The newest operations, one line each."""
    rows = tuple(
        Row(
            entry.id or entry.commit,
            (
                line(muted(stamp(world.now, entry.at))),
                line(entry.author),
                line(Part(kind_mark(entry.kind).text, kind_mark(entry.kind).tone)),
                line(entry.summary),
            ),
        )
        for entry in world.recent
    )
    return Table(
        (
            Column("latest", most=12),
            Column("", most=14, drop=1),
            Column("", most=12),
            Column("", grow=1, least=20),
        ),
        rows,
        line("nothing yet: ", Part("lockgate add prompt NAME --from DIR", "key"), " begins"),
    )
