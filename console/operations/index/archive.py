"""Archive: pack an index version, see that it unpacks, record it; `settle` takes its sealed copy away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from console.operations.index.keeping import content_of, free_check, known_check, written
from console.operations.index.sight import Content, Sight, look
from console.operations.plan import Check, Plan, Stamp
from store.progress import Report, Stop, never
from store.records.base import Person
from store.records.keeping import Archive
from store.snapshot import Snapshot
from store.workspace import Workspace

if TYPE_CHECKING:
    from indexes.archive import Packed


def plan(workspace: Workspace, ref: str, *, stop: Stop = never) -> Plan:
    """What archiving `ref` (`name@vN`) now would do, for a person: nobody waits for marks and ages, and one
    that never served may go too. What anything refers to stays."""
    sight = look(workspace.store, workspace.clock.now())
    _, content = content_of(sight, ref)
    return plan_content(workspace, sight, content, stop=stop)


def plan_content(
    workspace: Workspace,
    sight: Sight,
    content: Content,
    *,
    by: Person | None = None,
    packed: Callable[[], None] = lambda: None,
    stop: Stop = never,
) -> Plan:
    """The same for one content; `by` is the controller, which takes only what is marked. `packed` is called
    when the archive is written and checked."""
    made: list[Packed] = []

    def prepare(report: Report) -> None:
        from indexes.archive import archive

        manifest = sight.manifest(content)
        made.append(archive(workspace.indexes, content.name, manifest, report=report, stop=stop))
        packed()

    def planned(sight: Sight) -> Plan:
        def write(stamp: Stamp) -> Mapping[str, bytes]:
            one = made[-1]
            archive = Archive(
                at=stamp.at,
                record=stamp.id,
                digest=content.digest,
                size=one.size,
                sha256=one.sha256,
                keyframe=one.keyframe,
            )
            versions = _packing(sight, content)
            return written(sight.snapshot, content.name, versions, archive=archive, mark=None, restored=None)

        return Plan(
            verb="archive",
            tip=sight.snapshot.commit,
            title=f"Archive {sight.pins(content)}",
            summary=f"Archived {sight.pins(content)}: {_why(sight, content)}",
            checks=tuple(_checks(workspace, sight, content, by)),
            effects=(
                "its sealed folder is packed, unpacked again to see that it is whole, and taken away",
                f"to serve it again: `lockgate index restore index/{content.name}@vN -m WHY`",
            ),
            write=write,
            prepare=prepare,
            by=by,
            goal=(str(content),),
            remake=remake,
            command=f"lockgate index archive index/{content.name}@{next(iter(sight.main[content]))}",
        )

    def remake(fresh: Snapshot) -> Plan:
        return planned(look(workspace.store, workspace.clock.now(), fresh))

    return planned(sight)


def _packing(sight: Sight, content: Content) -> tuple[str, ...]:
    """The versions whose files are to say that they are archived."""
    return tuple(
        version for version, one in sight.main[content].items() if one.phase not in ("packed", "purged")
    )


def _why(sight: Sight, content: Content) -> str:
    served = max((one.last_served for one in sight.main[content].values() if one.last_served), default=None)
    return f"last needed on {served:%Y-%m-%d %H:%M} UTC" if served else "it never served"


def _checks(workspace: Workspace, sight: Sight, content: Content, by: Person | None) -> list[Check]:
    from indexes.sealed import sealed_path

    checks = [known_check(sight), free_check(sight, content, never_served=by is None)]
    if not _packing(sight, content):
        checks.append(Check("change", "unmet", f"{sight.pins(content)} is archived already."))
    elif by is not None and any(one.phase == "over" for one in sight.main[content].values()):
        checks.append(Check("mark", "unmet", f"{sight.pins(content)} is not marked any more."))
    if not sealed_path(workspace.indexes, content.name, content.digest).is_dir():
        checks.append(Check("bytes", "unmet", f"{sight.pins(content)} is not sealed on this machine."))
    return checks
