"""Which approvals count. Pure: who signed is asked of the caller, and time is passed in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from store.records.approval import Approval
from store.text import one_line

Judge = Callable[[Approval], "Yes | No"]
"""Whose yes it is: by signature or by name."""


@dataclass(frozen=True, slots=True)
class Yes:
    """Somebody's."""

    person: str
    """What tells people apart: a key's fingerprint, or an address."""


@dataclass(frozen=True, slots=True)
class No:
    """It counts for nothing."""

    why: str
    """One clause: "its key is not allowed"."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an approval has to name to count."""

    environment: str
    release: str
    release_digest: str
    policy_digest: str
    step: int
    attempt: str | None
    count: int
    """How many people."""
    author: str
    """The address of who made the release."""
    oldest: datetime
    """What was given before that does not count any more."""
    used: frozenset[str] = frozenset()
    """Ids that carried a promotion already."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What there is of what is wanted."""

    wanted: int
    given: tuple[Approval, ...]
    """One for each person, oldest first."""
    left_out: tuple[str, ...]
    """Why the others do not count, one sentence without its full stop each."""

    @property
    def enough(self) -> bool:
        """Whether that is all that is wanted."""
        return len(self.given) >= self.wanted

    @property
    def missing(self) -> int:
        """How many more people."""
        return max(0, self.wanted - len(self.given))


def counted(wanted: Wanted, approvals: Iterable[Approval], judge: Judge) -> Counted:
    """The approvals that count towards `wanted`, and why the rest does not."""
    given: dict[str, Approval] = {}
    left_out: list[str] = []
    for one in sorted(approvals, key=lambda one: one.id):
        why = _void(wanted, one)
        judged = No(why) if why else judge(one)
        if isinstance(judged, No):
            left_out.append(f"the yes of {one_line(one.by.name, 60)} does not count: {judged.why}")
        elif judged.person not in given:
            given[judged.person] = one
    return Counted(wanted.count, tuple(given.values()), tuple(left_out))


def _void(wanted: Wanted, one: Approval) -> str | None:
    if (one.environment, one.release, one.step, one.attempt) != (
        wanted.environment, wanted.release, wanted.step, wanted.attempt,
    ):  # fmt: skip
        return "it is for something else"
    if one.release_digest != wanted.release_digest:
        return f"it is for another {wanted.release}"
    if one.policy_digest != wanted.policy_digest:
        return f"what lockgate.toml demands of {wanted.environment} was changed after it"
    if one.id in wanted.used:
        return "it carried a promotion already"
    if one.at < wanted.oldest:
        return f"it was given on {one.at:%Y-%m-%d}, too long ago"
    if one.by.email.casefold() == wanted.author.casefold():
        return f"{one_line(one.by.name, 60)} made the release"
    return None
