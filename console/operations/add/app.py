"""Add an application revision: a git commit or an image digest, never a tag."""

from __future__ import annotations

import re

from console.operations.add.landing import plan_version
from console.operations.plan import Plan
from store.bounded import write_toml
from store.errors import InputError
from store.records.component import Component, Kind, check_name
from store.records.versions import AppRevision
from store.text import one_line
from store.workspace import Workspace

_REVISION = re.compile(r"[0-9a-f]{40}|sha256:[0-9a-f]{64}")


def plan(workspace: Workspace, name: str, revision: str, *, repository: str = "", what: str = "") -> Plan:
    """What adding `revision` as the next version of `app/name` would do."""
    component = Component(Kind.APP, check_name(name, "app name"))
    if not _REVISION.fullmatch(revision):
        raise InputError(
            f"revision {one_line(revision, 60)!r} is not fixed: give the 40 hex digits of a git commit, or "
            "sha256: and the 64 of an image digest. Tags and branches move."
        )
    record = AppRevision(revision=revision, repository=repository, what_changed=what)
    return plan_version(
        workspace,
        component,
        {"version.toml": write_toml(record)},
        what or f"revision {revision.removeprefix('sha256:')[:12]}",
        f"lockgate add app {name} --revision {revision}",
    )
