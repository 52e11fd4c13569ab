"""What a sync did, as data and in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from console.operations.counted import counted
from console.operations.sync.following import Relation, Way
from console.operations.sync.taken import Local
from store.git.repository import Store
from store.text import one_line

_DID = ("Took", "Replayed", "Pushed")
_WOULD = ("Would take", "Would replay", "Would push")


@dataclass(frozen=True, slots=True)
class Synced:
    """What a sync did, or with `dry` would do."""

    remote: str
    """Its address as it may be shown."""
    relation: Relation
    """How the two mains stood to each other before."""
    commit: str
    """The tip (40 hex) here."""
    pulled: int = 0
    pushed: int = 0
    moved: tuple[tuple[str, str], ...] = ()
    """(old, new) id of each commit that was replayed on what the remote had."""
    aside: tuple[str, ...] = ()
    """The refs that keep what was put aside."""
    put_aside: tuple[str, ...] = ()
    """What is not on main any more, one sentence for each commit."""
    kept_stable: tuple[str, ...] = ()
    """Environments that a kill file keeps on stable: what took their canary away was put aside."""
    problems: tuple[str, ...] = ()
    """What this machine could not follow up."""
    trouble: str | None = None
    """Why what is only here could not be pushed."""
    dry: bool = False

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            **({"dry_run": True} if self.dry else {}),
            "remote": self.remote,
            "relation": self.relation,
            "commit": self.commit,
            "pulled": self.pulled,
            "pushed": self.pushed,
            "replayed": [{"was": old, "is": new} for old, new in self.moved],
            "aside": list(self.aside),
            "put_aside": list(self.put_aside),
            "kept_stable": list(self.kept_stable),
            "problems": list(self.problems),
            "trouble": self.trouble,
        }

    def lines(self) -> Iterator[str]:
        """It in sentences."""
        took, replayed, pushed = _WOULD if self.dry else _DID
        if self.relation == "same":
            yield f"In step with {self.remote}."
        if self.pulled:
            yield f"{took} {counted(self.pulled, 'commit')} from {self.remote}."
        if self.moved:
            yield f"{replayed} {counted(len(self.moved), 'commit')} on top of that."
        if self.pushed:
            yield f"{pushed} {counted(self.pushed, 'commit')} to {self.remote}."
        for ref in self.aside:
            yield f"Put aside under {ref}:"
        if self.put_aside and not self.aside:
            yield "Would put aside:"
        for text in self.put_aside:
            yield f"  {text}"
        for name in self.kept_stable:
            yield (
                f"{name}: the remote still rolls out what was taken away here, so a kill file keeps this "
                "machine's users on stable; `lockgate tick` or `lockgate watch` here takes it away there."
            )


def told(
    store: Store,
    remote: str,
    ways: Sequence[Way],
    *,
    problems: tuple[str, ...] = (),
    trouble: str | None = None,
    dry: bool = False,
) -> Synced:
    """What `ways`, which were gone one after the other, came to."""
    kills = (name for one in ways for name, _ in one.kills)
    return Synced(
        remote=remote,
        relation=next((one.relation for one in ways if one.relation != "same"), "same"),
        commit=ways[-1].to if dry else store.tip(),
        pulled=sum(one.pulled for one in ways),
        pushed=ways[-1].ahead if trouble is None else 0,
        moved=_chained(ways),
        aside=tuple(one.ref for one in ways if one.ref is not None),
        put_aside=tuple(_sentence(local) for one in ways for local in one.aside),
        kept_stable=tuple(dict.fromkeys(kills)),
        problems=problems,
        trouble=trouble,
        dry=dry,
    )


def _chained(ways: Sequence[Way]) -> tuple[tuple[str, str], ...]:
    """From the ids that commits had first to those that they have last."""
    known: dict[str, str] = {}
    for one in ways:
        step = dict(one.moved)
        first = {new: old for old, new in known.items()}
        known = {old: step.get(new, new) for old, new in known.items()}
        known.update({old: new for old, new in step.items() if old not in first})
    return tuple(known.items())


def _sentence(local: Local) -> str:
    record = local.record
    if record is None:
        return f"commit {local.commit[:10]}, made with git"
    where = f" in {record.environment}" if record.environment else ""
    return f"record {record.id} ({record.kind}{where} by {one_line(record.by.name, 60)}): {record.summary}"
