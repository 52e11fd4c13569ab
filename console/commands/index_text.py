"""What `lockgate index gc` prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from console.commands.output import print_json, say
from console.operations.index.gc import Litter
from console.operations.index.sweep import Swept
from store.errors import Blocked, MachineryError


def show_collected(done: Swept, leftovers: Sequence[Litter], dry_run: bool, as_json: bool) -> int:
    """What was done, or would be; returns the exit code. Raises MachineryError for what failed, Blocked
    where the sweep stopped."""
    if as_json:
        found = [asdict(one) for one in leftovers]
        print_json({"dry_run": dry_run, **asdict(done), "leftovers": found})
        return MachineryError.exit_code if done.problems else Blocked.exit_code if done.stopped else 0
    would = "would be " if dry_run else ""
    for one in done.marked:
        say(f"{would}marked: {one}" if dry_run else one)
    for what, names in (("archived", done.archived), ("unsealed", done.removed)):
        for one in names:
            say(f"{would}{what}: {one}")
    for waiting in done.waiting:
        say(f"  {waiting.pins}: {waiting.text}")
    for litter in leftovers:
        verb = "stays" if litter.stays else f"{would}deleted"
        why = f" ({litter.stays})" if litter.stays else ""
        say(f"{verb}: {litter.what}, {litter.size / 1_000_000:,.1f} MB{why}")
    if not (done.marked or done.archived or done.removed or leftovers):
        say("Nothing was taken away." if done.stopped else "Nothing is due.")
    if done.problems:
        raise MachineryError(" ".join(done.problems))
    if done.stopped:
        raise Blocked(f"the sweep stopped: {done.stopped}.")
    return 0
