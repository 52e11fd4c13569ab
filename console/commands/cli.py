"""The top of the command line. Families are imported when one of their commands is asked for."""

from __future__ import annotations

import importlib
from pathlib import Path

import click

_HOME = {
    "init": "workspace",
    "status": "workspace",
    "reconcile": "workspace",
    "doctor": "workspace",
    "check": "check",
    "audit": "audit",
    "hook": "hook",
    "version": "workspace",
    "demo": "demonstrate",
    "add": "add",
    "list": "browse",
    "show": "browse",
    "diff": "diff",
    "stage": "stage",
    "eval": "evaluate",
    "evals": "evals",
    "plan": "release",
    "promote": "release",
    "approve": "approve",
    "review": "approve",
    "switch": "release",
    "rollback": "release",
    "drill": "drill",
    "clear": "release",
    "freeze": "freeze",
    "unfreeze": "freeze",
    "policy": "policy",
    "history": "log",
    "note": "log",
    "index": "index",
    "rollout": "rollout",
    "watch": "rollout",
    "tick": "rollout",
    "why": "rollout",
    "shadow": "shadow",
    "compare": "compare",
    "notify": "notify",
    "sync": "sync",
    "hosts": "hosts",
    "drift": "drift",
}
"""Command to the module of console.commands that holds it."""


class Families(click.Group):
    """A group that knows its commands by name and imports only the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_HOME)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        module = _HOME.get(cmd_name)
        if module is None:
            return None
        found = getattr(importlib.import_module(f"console.commands.{module}"), f"{cmd_name}_command")
        return found if isinstance(found, click.Command) else None


@click.group(
    cls=Families, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.option(
    "-C",
    "path",
    type=click.Path(path_type=Path),
    help="The workspace; else LOCKGATE_WORKSPACE or this folder.",
)
@click.option("--version", "asked", is_flag=True, help="Print the version and end.")
@click.option("--readonly", is_flag=True, help="Open the console without any operation.")
@click.pass_context
def cli(context: click.Context, path: Path | None, asked: bool, readonly: bool) -> int | None:
    """Lockgate: releases for LLM applications. Without a command it opens the console."""
    context.obj = path
    if asked:
        from console.version import version

        click.echo(f"lockgate {version()}")
        context.exit()
    if context.invoked_subcommand is not None:
        return None
    from console.app import run
    from store.workspace import Workspace

    return run(Workspace.find(path), readonly=readonly)
