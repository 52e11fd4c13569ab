"""Between kill file and commit: users are on stable already, and the record that says why is due."""

from __future__ import annotations

from collections.abc import Iterator

from console.operations.plan import Check
from store.errors import InputError
from store.kill_file import KillFile, read_kill
from store.records.environment import Environment
from store.text import one_line
from store.workspace import Workspace


def taking_back(workspace: Workspace, pointer: Environment) -> KillFile | None:
    """The kill file of the rollout of `pointer` whose commit is not written yet; None where there is none."""
    kill, rollout = read_kill(workspace.live(pointer.name)), pointer.rollout
    if kill is None or rollout is None or kill.attempt != rollout.attempt or not rollout.active:
        return None
    return kill


def by_hand(environment: str, said: str) -> str:
    """One sentence of a kill file that is not Lockgate's and says `said`."""
    return (
        f"a kill file that a person wrote keeps everybody in {environment} on stable ({said}); remove "
        f"live/{environment}.kill, then `lockgate rollout resume --env {environment}`"
    )


def demand_not_taken_back(workspace: Workspace, pointer: Environment) -> None:
    """Raises InputError while the rollout of `pointer` is being taken back."""
    for check in taking_back_check(workspace, pointer):
        raise InputError(check.text)


def taking_back_check(workspace: Workspace, pointer: Environment) -> Iterator[Check]:
    """Says so where the rollout of `pointer` is being taken back: nothing may overtake that."""
    kill = taking_back(workspace, pointer)
    if kill is not None and pointer.rollout is not None:
        yield Check(
            "taking back",
            "unmet",
            f"{pointer.rollout.release} is being taken back in {pointer.name}: users are on stable already, "
            f"and `lockgate tick` writes it down ({one_line(kill.reason, 400)}).",
        )
