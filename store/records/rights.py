"""Who may do what, as lockgate.toml says it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from store.records.base import Name

Action = Literal["stage", "eval", "promote", "approve", "override", "rollback", "freeze", "keep", "policy"]
"""stage: bind a release. eval: record verdicts. promote: move forward. approve: say yes to it.
override: answer for an unmet condition. rollback: take back, hold and pause. freeze: close and open an
environment. keep: pin, archive, restore and purge index versions. policy: change lockgate.toml."""

Who = Annotated[str, StringConstraints(pattern=r"^[^\s,!\"']{1,200}$")]
"""A role, an address, or a pattern of addresses such as `*@example.org`; `*` is everybody."""
Roles = Annotated[dict[Name, tuple[Who, ...]], Field(max_length=100)]
"""By role: whose it is."""
May = Annotated[dict[Action, tuple[Who, ...]], Field(max_length=20)]
"""By action: who may. What is not named, everybody may who can write to the store."""


def unknown_roles(
    roles: Mapping[str, tuple[str, ...]], mays: Iterable[Mapping[Action, tuple[str, ...]]]
) -> str:
    """The first thing that is neither an address, nor a role of `roles`; empty where all are well."""
    named = [who for may in mays for people in may.values() for who in people]
    for who in named:
        if "@" not in who and who != "*" and who not in roles:
            return f"{who!r} is neither an address nor one of [roles]"
    for role, people in roles.items():
        for who in people:
            if "@" not in who and who != "*":
                return f"the role {role} holds {who!r}, which is no address"
    return ""
