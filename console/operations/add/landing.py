"""What all kinds share: the next version number, no equal twin, the same files for ever."""

from __future__ import annotations

from collections.abc import Mapping

from console.operations.describe import sentence
from console.operations.plan import Check, Plan, Stamp
from prompts.secrets import find_secrets
from store.canonical import digest_of_files
from store.errors import InputError
from store.records.component import Component, Pin
from store.records.operation import Change
from store.snapshot import Snapshot
from store.text import one_line
from store.workspace import Workspace


def plan_version(
    workspace: Workspace,
    component: Component,
    files: Mapping[str, bytes],
    what: str,
    command: str,
    checks: tuple[Check, ...] = (),
) -> Plan:
    """What landing `files` as the next version of `component` would do.

    `files` are by path in the version's folder, or the one file `version.toml`.
    Raises InputError when the newest version has exactly these files, or one of them, or `what`, holds what
    looks like a key.
    """
    for name, data in {**files, "what changed": what.encode(errors="replace")}.items():
        for secret in find_secrets(data.decode(errors="replace")):
            raise InputError(
                f"{component}, {one_line(name, 80)}, line {secret.line}: this looks like {secret.what}; "
                "nothing was added. Take it out, and revoke it if it is real."
            )
    return _plan(workspace, workspace.store.at(), component, dict(files), what, command, checks)


def _plan(
    workspace: Workspace,
    snapshot: Snapshot,
    component: Component,
    files: dict[str, bytes],
    what: str,
    command: str,
    checks: tuple[Check, ...],
) -> Plan:
    versions = snapshot.versions(component)
    before = versions[-1] if versions else None
    if before and snapshot.files(Pin(component, before)) == files:
        raise InputError(f"{component}@{before} has exactly these files already; nothing was added.")
    pin = Pin(component, snapshot.next_version(component))
    change = Change(
        component=str(component),
        before=before,
        after=pin.version,
        after_digest=digest_of_files(files),
        what=what or ("first version" if before is None else ""),
    )

    def write(_: Stamp) -> Mapping[str, bytes]:
        if component.kind.is_folder:
            return {f"{pin.path}/{name}": data for name, data in files.items()}
        return {pin.path: files["version.toml"]}

    return Plan(
        verb="add",
        tip=snapshot.commit,
        title=f"Add {pin}",
        summary=sentence("Added", (change,)),
        changes=(change,),
        checks=checks,
        effects=("nothing serves it yet; `lockgate stage` puts it into a release",),
        write=write,
        remake=lambda fresh: _plan(workspace, fresh, component, files, what, command, checks),
        command=command,
    )
