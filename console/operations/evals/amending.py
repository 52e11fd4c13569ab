"""The next version of a suite, made from its newest one: whatever landed meanwhile is in it too."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from console.operations.add.evals import plan_files
from console.operations.plan import Plan
from evals.suite import Suite, parse_suite
from store.records.component import Component
from store.snapshot import Snapshot
from store.workspace import Workspace


@dataclasses.dataclass(frozen=True, slots=True)
class Amended:
    """What the next version has."""

    files: dict[str, bytes]
    """By name; those that are not named stay."""
    what: str
    """What changed, in half a sentence."""
    effects: tuple[str, ...] = ()
    """What a person sees of it before it lands, one sentence each."""


Amend = Callable[[Suite, dict[str, bytes]], Amended]
"""Of the newest version and its files. Raises InputError where there is nothing to change."""


def plan(workspace: Workspace, component: Component, amend: Amend) -> Plan:
    """What landing the newest version of `component`, amended, as the next one would do.

    Where the store moves meanwhile it is amended anew, so nobody's change is taken back. Raises
    InputError as `amend` and the reading of suites do.
    """
    return _plan(workspace, workspace.store.at(), component, amend)


def _plan(workspace: Workspace, snapshot: Snapshot, component: Component, amend: Amend) -> Plan:
    pin = snapshot.newest(component)
    before = snapshot.files(pin)
    suite = parse_suite(before, str(pin))
    known = suite.coverage()  # what the version before lacks already is no news
    amended = amend(suite, before)
    files = {**before, **amended.files}
    made = plan_files(workspace, component, files, str(component), amended.what)
    return dataclasses.replace(
        made,
        checks=tuple(check for check in made.checks if check.text not in known),
        effects=(*amended.effects, *made.effects),
        remake=lambda fresh: _plan(workspace, fresh, component, amend),
    )
