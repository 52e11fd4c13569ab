"""What somebody may have planted in a repository that came from elsewhere: nothing here runs any of it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pygit2

from store.errors import MachineryError
from store.text import one_line

_ACTS = re.compile(
    r"core\.(?:sshcommand|askpass|gitproxy|alternaterefscommand|editor|pager|worktree|hookspath)"
    r"|credential\.(?:.*\.)?helper|(?:filter|diff|merge)\..*\.(?:clean|smudge|process|textconv|command|driver)"
    r"|gpg\.(?:.*\.)?(?:program|defaultkeycommand)|include(?:if\..*)?\.path|url\..*\.(?:push)?insteadof"
    r"|remote\..*\.(?:uploadpack|receivepack|vcs|proxy)|http\.(?:.*\.)?(?:proxy|sslverify|sslcainfo|extraheader)"
    r"|uploadpack\.packobjectshook|protocol\..*|alias\..*",
    re.IGNORECASE,
)
"""Settings that make git run a program, read another file, or go to another place."""
_LARGEST_BYTES = 64 * 1024
_BORROWED = ("objects/info/alternates", "objects/info/http-alternates", "commondir")


def acting_setting(gitdir: Path) -> str | None:
    """The first setting of the repository's own configuration that would run something, or lead git away."""
    path = gitdir / "config"
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            return f"(a configuration of over {_LARGEST_BYTES // 1024} KiB)"
        entries = [(entry.name or "", entry.value or "") for entry in pygit2.Config(str(path))]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, pygit2.GitError):
        return "(a configuration that cannot be read)"
    for name, value in entries:
        if _ACTS.fullmatch(name) or (name == "core.fsmonitor" and value.lower() not in ("", "false", "0")):
            return one_line(name, 80)
    return None


def refuse_acting(gitdir: Path) -> None:
    """Raises MachineryError where git, started in `gitdir`, would obey a setting of that kind."""
    if (name := acting_setting(gitdir)) is not None:
        raise MachineryError(
            f"{gitdir / 'config'} sets {name}, which could run a program or lead git elsewhere; git was not "
            "started. Remove it there, or set it in your own ~/.gitconfig if you want it."
        )


def oddities(gitdir: Path) -> Iterator[str]:
    """One sentence for each thing about the repository at `gitdir` that a store made by Lockgate has not."""
    if gitdir.is_symlink():
        yield f"{gitdir.name} is a link to another place: move the repository itself here"
    for borrowed in _BORROWED:
        if (gitdir / borrowed).exists():
            yield f"{borrowed} makes it depend on another repository: clone it instead"
    if (objects := gitdir / "objects").is_symlink():
        yield f"{objects.name} is a link to another place: clone it instead"
    owner = gitdir.stat().st_uid
    if owner not in (os.geteuid(), 0):
        yield f"it belongs to the account {owner}, not to you: whoever that is can change it"
    if (name := acting_setting(gitdir)) is not None:
        yield f"its config sets {name}, which could run a program or lead git elsewhere: remove it"
    hooks = sorted(_hooks(gitdir))
    if hooks:
        yield f"it has hooks ({one_line(', '.join(hooks), 80)}); Lockgate runs none, plain git would"


def _hooks(gitdir: Path) -> Iterator[str]:
    try:
        found = list(os.scandir(gitdir / "hooks"))
    except OSError:
        return
    for one in found:
        if not one.name.endswith(".sample") and one.is_file() and os.access(one.path, os.X_OK):
            yield one.name
