"""What all verbs about kept versions share: writing their files, and the conditions that they ask."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from console.operations.index.sight import NEVER_SERVED, Content, Sight
from console.operations.index_look import index_pin
from console.operations.plan import Check
from store.bounded import write_toml
from store.index_readiness import keeping
from store.records.component import Pin
from store.records.keeping import Keeping, keeping_path
from store.snapshot import Snapshot


def content_of(sight: Sight, ref: str) -> tuple[Pin, Content]:
    """The version that `ref` (`name@vN`) names, and what lies in its folder. Raises InputError."""
    pin = index_pin(sight.snapshot, ref)
    return pin, Content(pin.component.name, sight.snapshot.index(pin).digest)


def written(snapshot: Snapshot, name: str, versions: Iterable[str], **fields: Any) -> Mapping[str, bytes]:
    """The files of `versions` with `fields` changed. Raises InputError when one is malformed."""
    changed = (keeping(snapshot, name, one).model_copy(update=fields) for one in versions)
    return {keeping_path(one.index, one.version): write_toml(one) for one in changed}


def file_of(kept: Keeping) -> Mapping[str, bytes]:
    """One file."""
    return {keeping_path(kept.index, kept.version): write_toml(kept)}


def known_check(sight: Sight) -> Check:
    """Whether all that might refer to bytes could be read, by a clock that can be believed."""
    if sight.trouble:
        return Check("roots", "unmet", f"Nothing is taken away: {'; '.join(sight.trouble)}.")
    return Check("roots", "ok", "every branch and pointer could be read")


def free_check(sight: Sight, content: Content, *, never_served: bool = False) -> Check:
    """Whether nothing needs `content`; `never_served` lets one go that nobody has been served."""
    kept = sight.kept(content)
    if never_served and not _is_new_elsewhere(sight, content):
        kept = tuple(one for one in kept if one != NEVER_SERVED)
    if kept:
        return Check("needed", "unmet", f"{sight.pins(content)} has to stay: {'; '.join(kept)}.")
    return Check("needed", "ok", "nothing refers to it")


def _is_new_elsewhere(sight: Sight, content: Content) -> bool:
    """Whether another branch knows it too, which may be about to serve it."""
    return len(sight.every.get(content, ())) > len(sight.main.get(content, {}))
