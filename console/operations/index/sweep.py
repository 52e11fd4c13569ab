"""Sweep: mark what is over, archive what was marked a day ago, take sealed copies away. Nothing else does.

Bytes go only after their archive was unpacked and compared, and after the record that says so; before each
step all that could refer to them is read again. What cannot be read, or a clock that cannot be believed,
stops it with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from console.operations.apply import apply
from console.operations.index import archive, mark
from console.operations.index.ages import is_due, read_ages, write_ages
from console.operations.index.server_gc import remove_collection, unneeded_collections
from console.operations.index.settle import Point, nowhere, settle, settles
from console.operations.index.sight import Content, Sight, look
from store.boot_clock import BootClock, boot_time
from store.errors import Blocked, Cancelled, LockgateError, StaleTip
from store.git.lock import held
from store.progress import Report, Stop, never, silent
from store.rules.ageing import Ages, age, looked
from store.rules.retention import SWEPT_AFTER
from store.workspace import Workspace

_MARKED = "a mark of its own accord: nothing needed it any more"
_ARCHIVED = "its time is over and nothing refers to it"


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that may go, later."""

    pins: str
    text: str
    """For what, in words."""


@dataclass(slots=True)
class Swept:
    """What was done."""

    marked: list[str] = field(default_factory=list)
    archived: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    """Whose sealed copy is gone."""
    waiting: list[Waiting] = field(default_factory=list)
    stopped: str | None = None
    """Why nothing was taken away."""
    problems: list[str] = field(default_factory=list)


def sweep(
    workspace: Workspace,
    *,
    boot: BootClock = boot_time,
    decides: bool = True,
    only_when_due: bool = False,
    report: Report = silent,
    stop: Stop = never,
    point: Point = nowhere,
) -> Swept:
    """One sweep. `decides` is False on a machine that only follows: it takes its own copies of what others
    recorded. `only_when_due` does nothing within an hour of the last one.

    Raises MachineryError when the store or state/ cannot be read or written; single versions that fail are
    problems.
    """
    done = Swept()
    if only_when_due and not is_due(read_ages(workspace), boot()):
        return done
    with held(workspace.state / "retention.lock"):
        _clear_leftovers(workspace)
        sight, ages = _remembered(workspace, boot)
        point("looked")
        over = _old_enough(sight, ages, done)
        if sight.trouble or ages.distrust:
            done.stopped = _stopped(sight, ages, over, done)
            return done
        steps = _Steps(workspace, done, report, stop, point)
        if decides:
            steps.mark(sight, over.to_mark)
            steps.archive(over.to_archive)
            _remembered(workspace, boot)  # the day of what was marked begins now
        steps.settle(over.to_settle, ours=decides)
        if decides:
            steps.take_collections()
    return done


def _clear_leftovers(workspace: Workspace) -> None:
    """What builds and archives that were killed left behind: nobody may work on that index again."""
    from indexes.scratch import sweep as clear

    for folder in workspace.indexes.glob("*/tmp"):
        clear(folder)


def _remembered(workspace: Workspace, boot: BootClock) -> tuple[Sight, Ages]:
    """What is there now, and for how long it has been seen so."""
    sight = look(workspace.store, workspace.clock.now())
    ages = looked(read_ages(workspace), _idle(workspace, sight), sight.now, boot())
    write_ages(workspace, ages)
    return sight, ages


def preview(workspace: Workspace, boot: BootClock = boot_time) -> Swept:
    """What a sweep would do now, without doing it."""
    done = Swept()
    sight = look(workspace.store, workspace.clock.now())
    ages = looked(read_ages(workspace), _idle(workspace, sight), sight.now, boot())
    over = _old_enough(sight, ages, done)
    if sight.trouble or ages.distrust:
        done.stopped = _stopped(sight, ages, over, done)
        return done
    done.marked += [sight.pins(one) for one in over.to_mark]
    done.archived += [sight.pins(one) for one in over.to_archive]
    done.removed += [sight.pins(one) for one in over.to_settle]
    return done


@dataclass(frozen=True, slots=True)
class _Over:
    to_mark: tuple[Content, ...]
    to_archive: tuple[Content, ...]
    to_settle: tuple[Content, ...]

    @property
    def any(self) -> bool:
        return bool(self.to_mark or self.to_archive or self.to_settle)


def _stopped(sight: Sight, ages: Ages, over: _Over, done: Swept) -> str | None:
    """Why nothing may go. A clock that is not believed is no news while nothing is due or waits."""
    if sight.trouble:
        return "; ".join(sight.trouble)
    return f"the clock is not believed: {ages.trouble}" if over.any or done.waiting else None


def _idle(workspace: Workspace, sight: Sight) -> Mapping[str, str]:
    """What nothing refers to and has its bytes here, with what its age stands on."""
    return {
        str(content): _basis(sight, content)
        for content in sight.main
        if sight.is_idle(content) and _is_here(workspace, content)
    }


def _basis(sight: Sight, content: Content) -> str:
    """Idle since it last served; then since it was marked; then since it was archived elsewhere."""
    kept = sight.readiness[content.name].keepings
    versions = sight.main[content]
    served = max((one.last_served.isoformat() for one in versions.values() if one.last_served), default="")
    if any(one.phase in (None, "over") for one in versions.values()):
        return f"idle {served}"
    marks = [one.mark.record for version in versions if (one := kept.get(version)) and one.mark]
    archives = [one.archive.record for version in versions if (one := kept.get(version)) and one.archive]
    return f"marked {max(marks)}" if marks else f"archived {max(archives, default=served)}"


def _old_enough(sight: Sight, ages: Ages, done: Swept) -> _Over:
    mark: list[Content] = []
    archive: list[Content] = []
    settle: list[Content] = []
    for content, versions in sight.main.items():
        if str(content) not in ages.idle or not sight.is_free(content):
            continue
        phases = {one.phase for one in versions.values()}
        seen = age(ages, str(content))
        if "over" in phases:
            wanted, into, what = sight.snapshot.policy.retention_of(content.name), mark, "marked"
        elif "marked" in phases:
            wanted, into, what = SWEPT_AFTER, archive, "archived"
        else:
            wanted, into, what = SWEPT_AFTER, settle, "taken away here"
        if seen >= wanted:
            into.append(content)
        else:
            left = _hours(wanted - seen)
            done.waiting.append(
                Waiting(sight.pins(content), f"{what} after {left} more of this machine's time")
            )
    return _Over(tuple(mark), tuple(archive), tuple(settle))


def _hours(span: timedelta) -> str:
    hours = max(1, -int(-span.total_seconds() // 3600))
    return f"{hours // 24} d {hours % 24} h" if hours >= 24 else f"{hours} h"


def _is_here(workspace: Workspace, content: Content) -> bool:
    from indexes.sealed import sealed_path

    return sealed_path(workspace.indexes, content.name, content.digest).is_dir()


class _Steps:
    """What changes something, each step on the store as it is then."""

    def __init__(self, workspace: Workspace, done: Swept, report: Report, stop: Stop, point: Point) -> None:
        self._workspace, self._done = workspace, done
        self._report, self._stop, self._point = report, stop, point

    def _look(self) -> Sight:
        return look(self._workspace.store, self._workspace.clock.now())

    def mark(self, sight: Sight, due: Iterable[Content]) -> None:
        plan = mark.plan(self._workspace, sight, tuple(due))
        if plan is None:
            return
        try:
            applied = apply(self._workspace, plan, _MARKED, report=self._report)
        except (StaleTip, Blocked):
            return  # somebody needs something; the next sweep looks again
        except LockgateError as error:
            self._done.problems.append(error.message)
            return
        self._done.marked.append(applied.record.summary)
        self._point("marked")

    def archive(self, due: Iterable[Content]) -> None:
        for content in due:
            sight = self._look()
            if content not in sight.main or not sight.is_free(content):
                continue
            plan = archive.plan_content(
                self._workspace,
                sight,
                content,
                by=self._workspace.person.as_controller,
                packed=lambda: self._point("packed"),
                stop=self._stop,
            )
            try:
                applied = apply(self._workspace, plan, _ARCHIVED, report=self._report)
            except Cancelled:
                return
            except (StaleTip, Blocked):
                continue
            except LockgateError as error:
                self._done.problems.append(error.message)
                continue
            self._done.archived.append(sight.pins(content))
            self._done.problems.extend(applied.problems)
            self._point("recorded")

    def settle(self, due: Iterable[Content], *, ours: bool) -> None:
        """Takes away the copies of `due`; with `ours`, also of all that was packed here."""
        sight = self._look()
        waiting = frozenset(due)
        for content in sight.main:
            if content not in waiting and not (ours and self._is_ours(sight, content)):
                continue
            try:
                gone = settle(
                    self._workspace,
                    sight,
                    content,
                    report=self._report,
                    stop=self._stop,
                    point=self._point,
                )
            except Cancelled:
                return
            except LockgateError as error:
                self._done.problems.append(error.message)
                continue
            if gone:
                self._done.removed.append(sight.pins(content))

    def take_collections(self) -> None:
        """Takes away the collections on the server that nobody needs, if there is a server."""
        try:
            for one in unneeded_collections(self._workspace, self._look()):
                if not self._stop() and remove_collection(self._workspace, one):
                    self._done.removed.append(f"{one.collection} on the server")
        except LockgateError as error:
            self._done.problems.append(error.message)

    def _is_ours(self, sight: Sight, content: Content) -> bool:
        """Whether its archive is on this machine already: what others recorded waits for its day here."""
        from indexes.archive import has_archive

        if not settles(self._workspace, sight, content):
            return False
        purged = all(one.phase == "purged" for one in sight.main[content].values())
        return purged or has_archive(self._workspace.indexes, content.name, content.digest)
