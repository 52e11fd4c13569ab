"""Mark: the first of two phases. What is marked and still free a day later is archived."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from console.operations.index.keeping import file_of, known_check
from console.operations.index.sight import Content, Sight, look
from console.operations.plan import Plan, Stamp
from store.index_readiness import keeping
from store.records.keeping import Keeping, Mark, Returned
from store.workspace import Workspace

Versions = tuple[tuple[str, str], ...]
"""(index, version)"""


def plan(workspace: Workspace, sight: Sight, due: Sequence[Content]) -> Plan | None:
    """What marking the versions of `due`, and lifting marks off what is needed again, would do; None where
    there is nothing to change."""
    free = tuple(one for one in due if one in sight.main and sight.is_free(one))
    marked = _versions(sight, free, "over")
    lifted = tuple(_lifted(workspace, sight))
    if not marked and not lifted:
        return None

    def write(stamp: Stamp) -> Mapping[str, bytes]:
        files: dict[str, bytes] = {}
        for name, version in marked:
            served = sight.readiness[name].statuses[version].last_served
            if served is not None:
                mark = Mark(at=stamp.at, record=stamp.id, last_served=served)
                files |= file_of(_kept(sight, name, version).model_copy(update={"mark": mark}))
        for name, version in lifted:
            files |= file_of(_freed(_kept(sight, name, version), stamp))
        return files

    return Plan(
        verb="mark",
        tip=sight.snapshot.commit,
        title=_title(marked, lifted),
        summary=_title(marked, lifted),
        checks=(known_check(sight),),
        effects=("what is marked and still free in 24 hours is archived",),
        write=write,
        by=workspace.person.as_controller,
        goal=(marked, lifted),
        remake=lambda fresh: _remade(workspace, look(workspace.store, workspace.clock.now(), fresh), due),
    )


def _remade(workspace: Workspace, sight: Sight, due: Sequence[Content]) -> Plan:
    fresh = plan(workspace, sight, due)
    return fresh or Plan(verb="mark", tip=sight.snapshot.commit, title="Mark nothing", summary="")


def _lifted(workspace: Workspace, sight: Sight) -> Iterator[tuple[str, str]]:
    """Marked versions that are needed again, and archived ones whose sealed copy is still there."""
    from indexes.sealed import sealed_path

    for content, versions in sight.main.items():
        if sight.is_free(content):
            continue
        here = sealed_path(workspace.indexes, content.name, content.digest).is_dir()
        for version in versions:
            kept = sight.readiness[content.name].keepings.get(version)
            if kept is not None and (here if kept.archive else kept.mark):
                yield content.name, version


def _freed(kept: Keeping, stamp: Stamp) -> Keeping:
    back = Returned(at=stamp.at, record=stamp.id) if kept.archive else kept.restored
    return kept.model_copy(update={"mark": None, "archive": None, "restored": back})


def _versions(sight: Sight, contents: Sequence[Content], phase: str) -> Versions:
    return tuple(
        (content.name, version)
        for content in contents
        for version, status in sight.main[content].items()
        if status.phase == phase
    )


def _kept(sight: Sight, name: str, version: str) -> Keeping:
    return keeping(sight.snapshot, name, version)


def _title(marked: Versions, lifted: Versions) -> str:
    said = [f"Marked {_names(marked)}: their time is over"] if marked else []
    said += [f"Lifted the mark off {_names(lifted)}: needed again"] if lifted else []
    return "; ".join(said)


def _names(versions: Versions) -> str:
    return ", ".join(f"index/{name}@{version}" for name, version in versions)
