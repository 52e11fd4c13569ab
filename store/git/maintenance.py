"""Packing: libgit2 writes every object as a file of its own and never packs them.

3,000 commits are over 20,000 files and 111 MB until `git gc` makes 7.5 MB of them (measured). So the
`git` program packs now and then, in the background. It needs no lock of ours: it takes nothing away
that a branch reaches or that is younger than two weeks, a running reader finds the packs by itself, and
the branch's own file is left alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from pathlib import Path

from store.clock import SystemClock
from store.text import one_line

LOOSE = 4096
"""Loose objects from which packing is due: about 500 operations."""
_PACKS = 50
"""Packs from which packing is due: fetches leave one each."""
_SAMPLE = "17"
"""One of the 256 folders that objects are spread over evenly; it is counted for all, as git does."""
_GIVEN_UP_HOURS = 24
"""How long git does not try again after it failed, by its own default (gc.logExpiry)."""
_SETTINGS = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "gc.recentObjectsHook": "",
    "gc.auto": str(LOOSE),
    "gc.autoPackLimit": str(_PACKS),
    "gc.autoDetach": "true",
    "gc.packRefs": "false",
    "gc.pruneExpire": "2.weeks.ago",
    "gc.logExpiry": f"{_GIVEN_UP_HOURS}.hours.ago",
}


def pack_when_due(gitdir: Path) -> bool:
    """Starts packing the repository at `gitdir` in a process of its own if that is due; True if it did.

    Returns at once and never raises: packing is for speed and space, not for truth. Call it after a
    change, with no lock held.
    """
    if not is_due(gitdir) or shutil.which("git") is None:
        return False
    try:
        running = subprocess.Popen(
            _command(gitdir),
            env=_environment(),
            cwd=gitdir,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return False
    threading.Thread(target=running.wait, name="git gc", daemon=True).start()  # so that no zombie stays
    return True


def is_due(gitdir: Path) -> bool:
    """Whether there is much to pack and git has not just failed at it. Costs two short listings."""
    much = _loose(gitdir) > LOOSE or _packs(gitdir) > _PACKS
    return much and _failure(gitdir) is None


def trouble(gitdir: Path) -> str | None:
    """One sentence where the repository at `gitdir` is not packed as it should be; else None."""
    if shutil.which("git") is None:
        return (
            "the `git` program is not on this machine, so nothing packs the store "
            f"(about {_loose(gitdir):,} loose objects): install git."
        )
    if (failure := _failure(gitdir)) is not None:
        return f"git could not pack the store: {one_line(failure)}. Run `git gc` in {gitdir.name} to see why."
    return None


def _loose(gitdir: Path) -> int:
    return 256 * _count(gitdir / "objects" / _SAMPLE, "")


def _packs(gitdir: Path) -> int:
    return _count(gitdir / "objects" / "pack", ".pack")


def _count(folder: Path, ending: str) -> int:
    try:
        with os.scandir(folder) as found:
            return sum(1 for one in found if one.name.endswith(ending))
    except OSError:
        return 0


def _failure(gitdir: Path) -> str | None:
    """What git said when it failed to pack a short while ago."""
    log = gitdir / "gc.log"
    try:
        if SystemClock().now().timestamp() - log.stat().st_mtime > _GIVEN_UP_HOURS * 3600:
            return None
        return log.read_text(errors="replace")[:2000].strip() or None
    except OSError:
        return None


def _command(gitdir: Path) -> list[str]:
    settings = [part for key, value in _SETTINGS.items() for part in ("-c", f"{key}={value}")]
    return ["git", *settings, f"--git-dir={gitdir}", "gc", "--auto", "--quiet"]


def _environment() -> dict[str, str]:
    """The environment without what would send git elsewhere or make it ask."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    return {**kept, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_NOSYSTEM": "1"}
