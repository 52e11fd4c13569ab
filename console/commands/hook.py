"""lockgate hook."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from console.commands.options import FILE, FOLDER, json_option
from console.commands.output import print_json, say
from store.errors import Blocked

_MOST = 20
_signers = click.option(
    "--allowed-signers",
    "signers",
    type=FILE,
    required=True,
    help="Who may sign, in OpenSSH's format; on this machine, never in the store.",
)


@click.group(name="hook")
def hook_command() -> None:
    """Keep the store's rules where everybody pushes to."""


@hook_command.command()
@click.argument("repository", type=FOLDER)
@_signers
@json_option
def install(repository: Path, signers: Path, as_json: bool) -> int:
    """Write hooks/pre-receive into a bare repository.

    From then on a push to main lands only if each commit is signed by somebody who may, stands on what is
    there, and is an operation that lockgate.toml allows its author.
    """
    from console.operations.hook.install import install

    hook = install(repository, signers)
    if as_json:
        print_json({"hook": str(hook), "allowed_signers": str(signers)})
    else:
        say(f"Wrote {hook}.")
    return 0


@hook_command.command()
@_signers
def receive(signers: Path) -> int:
    """What git calls: reads what a push wants from standard input, and ends with 1 where it may not land."""
    from console.operations.hook.receive import asked, refused
    from store.signing.settled import signers_in

    reasons = refused(Path.cwd(), asked(sys.stdin), signers_in(signers))
    for reason in reasons[:_MOST]:
        say(f"lockgate: {reason}")
    if len(reasons) > _MOST:
        say(f"lockgate: … and {len(reasons) - _MOST:,} more")
    return Blocked.exit_code if reasons else 0


__all__ = ["hook_command"]
