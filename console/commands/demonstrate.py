"""lockgate demo: the journey as text, then the console on its workspace."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import click

from console.commands.options import json_option
from console.commands.output import print_json, progress, say
from console.commands.verdict_text import show_verdict, verdict_as_json

_DEFAULT = Path("lockgate-demo")


@click.command(name="demo")
@click.option("--headless", is_flag=True, help="Tell the journey as text and end; open no console.")
@click.option(
    "--path", type=click.Path(path_type=Path), help="The demo's workspace.  [default: ./lockgate-demo]"
)
@click.option(
    "--traffic", is_flag=True, help="Then let users come: a good release goes out, a bad one is taken back."
)
@json_option
def demo_command(headless: bool, path: Path | None, traffic: bool, as_json: bool) -> int:
    """A real small application, from the first release to a rollback, on a model that comes along."""
    from itertools import chain

    from console.demo.journey import travel, workspace_at

    root = path or click.get_current_context().find_root().obj or _DEFAULT
    quiet = as_json
    started = time.monotonic()
    workspace, found = workspace_at(root)
    if not quiet:
        _introduce(root, found)
    told: list[dict[str, Any]] = []
    steps = travel(workspace, progress)
    if traffic:
        from console.demo.traffic import travel as travel_with_users

        steps = chain(steps, travel_with_users(workspace, progress, quietly if quiet else say_now))
    for one in steps:
        told.append(
            {
                "step": one.title,
                "done_before": one.done_before,
                "lines": list(one.lines),
                "verdicts": [verdict_as_json(verdict) for verdict in one.verdicts],
            }
        )
        if quiet:
            continue
        say(f"{'·' if one.done_before else '▸'} {one.title}{' (done before)' if one.done_before else ''}")
        for line in one.lines:
            say(f"    {line}")
        for verdict in one.verdicts:
            show_verdict(verdict)
    seconds = time.monotonic() - started
    if as_json:
        print_json({"workspace": str(root), "found": found, "seconds": round(seconds, 1), "steps": told})
        return 0
    _conclude(root, seconds)
    if headless:
        return 0
    if not sys.stdout.isatty():
        say(f"This is no terminal; `lockgate -C {root}` opens the console in one.")
        return 0
    from console.app import run

    return run(workspace)


def say_now(text: str) -> None:
    """One line at once, also where standard output is a file or a pipe."""
    say(text)
    sys.stdout.flush()


def quietly(_: str) -> None:
    """Nothing: --json prints one document at the end."""


def _introduce(root: Path, found: bool) -> None:
    say("A support assistant that answers questions from Lockgate's own docs pages, on a 135M model that")
    say("came with the installation. Nothing is downloaded and no key is needed. The demo's policy gates on")
    say("the smoke tier, a dozen cases, so that it is done in minutes; yours would use `full`.")
    say(f"{'Found' if found else 'Made'} the workspace {root}.\n")


def _conclude(root: Path, seconds: float) -> None:
    say(f"\nDone in {seconds:.0f} s. Look around:")
    for command in ("history", "status", "list index", "diff r1 r2", "show r3"):
        say(f"  lockgate -C {root} {command}")
    say(f"  lockgate -C {root}            the console")
