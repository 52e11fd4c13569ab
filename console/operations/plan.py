"""What an operation would do, before it does it: the same object for screens and commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Literal

from store.errors import Blocked, Inconclusive, InputError, StaleTip
from store.progress import Report
from store.records.approval import Approval
from store.records.base import Person
from store.records.operation import Change, OperationKind, Override, RolloutMark
from store.snapshot import Snapshot

GateWord = Literal["pass", "block", "inconclusive", "none", "override", "served before"]
"""How a change got past the gate."""


class Risk(IntEnum):
    """What a plan can cost, which decides how it is confirmed."""

    REVERSIBLE = 0
    """Not production, easily undone."""
    ROLLBACK = 1
    """Back to what is known to be good."""
    FORWARD = 2
    """A forward change in production: its name is typed."""
    DANGEROUS = 3
    """Everything at once, or an overridden gate: environment/release is typed."""


@dataclass(frozen=True, slots=True)
class Check:
    """One condition that was looked at."""

    name: str
    """Short: gate, note, rejected, freeze, hold, index, …"""
    verdict: Literal["ok", "warn", "unmet", "undecided"]
    """`undecided` is a gate that came out inconclusive: it holds (exit 3), never passes."""
    text: str
    """One sentence, with the way out where it is not ok."""
    overridable: bool = False
    breakable: bool = False
    """Whether breaking the glass answers for it."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What is only known when a plan is applied."""

    id: str
    """The record's ULID."""
    at: datetime
    by: Person
    why: str


class Overtaken(StaleTip):
    """Somebody else did it first; there is nothing left to do."""


def _nothing(_: Stamp) -> Mapping[str, bytes]:
    return {}


def no_approvals(_: Stamp) -> tuple[Approval, ...]:
    """Of a plan that neither gives nor needs any."""
    return ()


def _unmarked(_: Stamp) -> RolloutMark | None:
    return None


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole change, computed on the commit `tip`. Nothing has happened yet."""

    verb: OperationKind
    tip: str
    """The commit (40 hex) that it was computed on."""
    title: str
    """One line: "Promote r3 to production"."""
    summary: str
    """The sentence that the record will carry."""
    environment: str | None = None
    release: str | None = None
    before: str | None = None
    after: str | None = None
    changes: tuple[Change, ...] = ()
    checks: tuple[Check, ...] = ()
    effects: tuple[str, ...] = ()
    """What users and machines will notice, one sentence each."""
    risk: Risk = Risk.REVERSIBLE
    confirm: str | None = None
    """What a person types to go ahead; None where Enter is enough."""
    note_required: bool = False
    write: Callable[[Stamp], Mapping[str, bytes]] = _nothing
    """The tree entries that it writes, by path; the record itself is added when it is applied."""
    mark: Callable[[Stamp], RolloutMark | None] = _unmarked
    """Where the rollout stands afterwards, for the record."""
    ended: RolloutMark | None = None
    """How the attempt ends whose place this takes, for the record."""
    by: Person | None = None
    """Who does it; None is the person at the workspace."""
    evidence: tuple[str, ...] = ()
    gate: GateWord = "none"
    overrides: tuple[Override, ...] = ()
    emergency: bool = False
    """The glass is broken: somebody else has to review it."""
    approvals: Callable[[Stamp], tuple[Approval, ...]] = no_approvals
    """The one that it gives, or those that carry it, for the record."""
    about: str | None = None
    """For a note: the record that it remarks on."""
    prepare: Callable[[Report], None] | None = None
    """Slow work that must succeed before the commit (open and verify an index copy)."""
    remake: Callable[[Snapshot], Plan] | None = None
    """Computes the same plan on a newer commit."""
    goal: tuple[object, ...] = ()
    """What it aims at beyond releases: a rollout's state and step."""
    relative: bool = False
    """It goes on from where things are ("one further back"), so it is never made again unseen."""
    command: str = ""
    """The equivalent shell command."""

    @property
    def unmet(self) -> tuple[Check, ...]:
        """The conditions that stand in the way."""
        return tuple(check for check in self.checks if check.verdict in ("unmet", "undecided"))

    def effect(self) -> tuple[object, ...]:
        """What it comes to: two plans with an equal effect are the same decision."""
        return (*self.outcome(), self.before, self.changes, self.gate)

    def outcome(self) -> tuple[object, ...]:
        """What the world looks like afterwards, wherever it started from, and what a person answered for."""
        answered = tuple(one.condition for one in self.overrides)
        return (
            self.verb, self.environment, self.release, self.after, self.goal, self.about,
            self.note_required, answered,
        )  # fmt: skip

    def demand(self) -> None:
        """Raises Blocked or Inconclusive with every unmet condition at once, InputError when there is
        nothing to change."""
        if not self.unmet:
            return
        reasons = tuple(check.text for check in self.unmet)
        message = f"{self.title}: " + " ".join(reasons) + " Nothing was changed."
        if all(check.name == "change" for check in self.unmet):
            raise InputError(message)
        if all(check.verdict == "undecided" for check in self.unmet):
            raise Inconclusive(message, reasons)
        raise Blocked(message, reasons)
