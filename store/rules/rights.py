"""Who may do an operation. Pure: the policy is the one that was in force before it."""

from __future__ import annotations

from collections.abc import Iterator

from store.records.operation import Operation, OperationKind
from store.records.policy import Policy
from store.records.rights import Action
from store.signing.patterns import matches

WANTS: dict[OperationKind, tuple[Action, ...]] = {
    "stage": ("stage",),
    "block": ("stage", "eval"),
    "eval": ("eval", "stage"),
    "promote": ("promote",),
    "switch": ("promote",),
    "advance": ("promote",),
    "resume": ("promote",),
    "clear": ("promote",),
    "shadow": ("promote",),
    "approve": ("approve",),
    "review": ("override", "approve"),
    "rollback": ("rollback",),
    "pause": ("rollback", "promote"),
    "abort": ("rollback", "promote"),
    "fail": ("rollback", "promote"),
    "error": ("rollback", "promote"),
    "unshadow": ("rollback", "promote"),
    "freeze": ("freeze", "rollback"),
    "unfreeze": ("freeze",),
    "pin": ("keep",),
    "unpin": ("keep",),
    "mark": ("keep",),
    "archive": ("keep",),
    "restore": ("keep", "rollback"),
    "purge": ("keep",),
    "policy": ("policy",),
}
"""By kind of record: the rights of which one is enough. Kinds that are not named want none: they bring
something in that nothing serves, or remark on what is there."""


def wanted(kind: OperationKind, *, served_before: bool = False, overrides: bool = False) -> tuple[
    tuple[Action, ...], ...
]:  # fmt: skip
    """Groups of rights; of each group one is needed. Going to what served before is as good as going back."""
    first = WANTS.get(kind, ())
    if kind == "switch" and served_before:
        first = ("promote", "rollback")
    return (*((first,) if first else ()), *((("override",),) if overrides else ()))


def wanted_by(record: Operation) -> tuple[tuple[Action, ...], ...]:
    """What the operation of `record` needed."""
    before = record.gate == "served before"
    return wanted(record.kind, served_before=before, overrides=bool(record.overrides))


def may(policy: Policy, action: Action, environment: str | None, email: str) -> bool:
    """Whether the person at `email` has the right to `action` in `environment`."""
    people = named(policy, action, environment)
    return people is None or any(matches(email.casefold(), one.casefold()) for one in _people(policy, people))


def named(policy: Policy, action: Action, environment: str | None) -> tuple[str, ...] | None:
    """The roles and addresses that may; None for everybody."""
    here = policy.environment(environment) if environment else None
    for mays in (here.may if here else None, policy.may):
        if mays is not None and action in mays:
            return mays[action]
    return None


def lacking(
    policy: Policy, groups: tuple[tuple[Action, ...], ...], environment: str | None, email: str
) -> Iterator[str]:
    """A sentence without its full stop for each right that the person at `email` does not have."""
    for group in groups:
        if any(may(policy, action, environment, email) for action in group):
            continue
        who = sorted({one for action in group for one in named(policy, action, environment) or ()})
        where = f" in {environment}" if environment else ""
        yield f"{email or 'who has no address'} has no right to {group[0]}{where}; {_told(who)}"


def _people(policy: Policy, people: tuple[str, ...]) -> Iterator[str]:
    """Addresses and patterns, with roles taken apart."""
    for one in people:
        yield from (policy.roles or {}).get(one, (one,))


def _told(who: list[str]) -> str:
    return f"lockgate.toml gives it to {', '.join(who)}" if who else "lockgate.toml gives it to nobody"
