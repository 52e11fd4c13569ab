"""lockgate init, status, reconcile, doctor, version."""

from __future__ import annotations

import shlex

import click

from console.commands.options import changing, json_option, workspace
from console.commands.output import print_json, progress, say, table
from console.version import version
from store.errors import MachineryError


@click.command(name="init")
@click.argument("path")
@click.option(
    "--remote",
    metavar="URL",
    help="The git repository to share the store through: an empty one gets it, one with a store is cloned.",
)
@changing
def init_command(path: str, remote: str | None, why: str, dry_run: bool, as_json: bool) -> int:
    """Make a workspace: a git store, and folders for index bytes, live documents and caches."""
    from console.operations.init import init, plan

    layout = plan(path, remote=remote)
    if dry_run:
        if as_json:
            print_json(
                {
                    "dry_run": True,
                    "workspace": str(layout.root),
                    "environments": list(layout.environments),
                    "makes": [{"path": part, "what": purpose} for part, purpose in layout.parts],
                    **({"remote": layout.remote} if layout.remote else {}),
                }
            )
            return 0
        say(
            f"Make the workspace {layout.root}"
            + (f", shared through {layout.remote}" if layout.remote else "")
        )
        for part, purpose in layout.parts:
            say(f"  {part:<14} {purpose}")
        say("Dry run: nothing was changed.")
        return 0
    made = init(path, why=why, remote=remote, report=progress)
    if as_json:
        shared = {"remote": layout.remote} if layout.remote else {}
        print_json({"workspace": str(made.root), "commit": made.store.tip(), **shared})
        return 0
    say(f"Made {made.root}: environments {', '.join(made.store.at().policy.names)}.")
    if layout.remote:
        say(f"It is shared through {layout.remote}.")
    if any(pointer.stable for pointer in made.store.at().environments()):
        say(f"Next: cd {shlex.quote(path)} && lockgate reconcile")
    else:
        say(f"Next: cd {shlex.quote(path)} && lockgate add prompt NAME --from FOLDER")
    return 0


@click.command(name="status")
@json_option
def status_command(as_json: bool) -> int:
    """What each environment serves, and what needs a person."""
    from console.operations.status import status

    here = workspace()
    now = status(here)
    if as_json:
        print_json(now.as_json())
        return 0
    table(
        ("environment", "release", "since", "live", "components"),
        (
            (
                one.name,
                one.stable or "—",
                f"{one.since:%Y-%m-%d %H:%M}" if one.since else "—",
                one.live,
                "  ".join(one.components),
            )
            for one in now.environments
        ),
    )
    if now.remote is not None:
        say(f"{now.remote.name}: {now.remote.words(here.clock.now())}")
    for line in now.attention:
        say(f"! {line}")
    return 0


@click.command(name="reconcile")
@json_option
def reconcile_command(as_json: bool) -> int:
    """Make this machine true to the store: open index copies, write live documents."""
    from console.operations.reconcile import reconcile

    done = reconcile(workspace(), report=progress)
    if as_json:
        print_json({"published": list(done.published), "problems": list(done.problems)})
        return MachineryError.exit_code if done.problems else 0
    elif not done.problems:
        say(f"Published {', '.join(done.published)}." if done.published else "Everything is up to date.")
    if done.problems:
        raise MachineryError(" ".join(done.problems))
    return 0


@click.command(name="doctor")
@json_option
def doctor_command(as_json: bool) -> int:
    """Look at this machine: packages, disk, store, index bytes, live documents."""
    from console.operations.doctor import doctor

    lines = doctor(workspace(), report=progress)
    bad = [one for one in lines if not one.ok]
    if as_json:
        print_json([{"what": one.what, "ok": one.ok, "text": one.text} for one in lines])
        return MachineryError.exit_code if bad else 0
    for one in lines:
        say(f"{'✓' if one.ok else '✗'} {one.what}: {one.text}")
    if bad:
        raise MachineryError(f"{len(bad)} of {len(lines)} look-ups need attention.")
    return 0


@click.command(name="version")
@json_option
def version_command(as_json: bool) -> int:
    """The version of Lockgate."""
    if as_json:
        print_json({"version": version()})
    else:
        say(f"lockgate {version()}")
    return 0
