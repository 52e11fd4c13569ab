"""Write hooks/pre-receive into a shared bare repository."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from store.errors import InputError, MachineryError
from store.git.durability import write_atomically
from store.signing.settled import signers_in
from store.text import one_line

_MARK = "# Written by lockgate hook install."
_EXECUTABLE = 0o755


def install(repository: Path, signers: Path, python: str = sys.executable) -> Path:
    """Makes `repository` refuse what breaks the store's rules, by the signers' file; returns the hook.

    An older hook of ours is replaced. Raises InputError for what is no bare repository, for signers that
    cannot be read, and for a hook that somebody else wrote; MachineryError when the disk fails.
    """
    root = repository.expanduser().resolve()
    shown = one_line(str(root))
    if not (root / "objects").is_dir() or not (root / "HEAD").is_file():
        raise InputError(
            f"{shown} is no bare git repository; `git init --bare {shlex.quote(shown)}` makes one."
        )
    file = signers.expanduser().resolve()
    signers_in(file)
    hook = root / "hooks" / "pre-receive"
    try:
        if hook.exists() and _MARK not in hook.read_text(errors="replace"):
            raise InputError(
                f"{one_line(str(hook))} is somebody else's; move it away, or call `lockgate hook receive "
                f"--allowed-signers {shlex.quote(one_line(str(file)))}` from it."
            )
        hook.parent.mkdir(exist_ok=True)
        write_atomically(hook, _script(file, python).encode())
        hook.chmod(_EXECUTABLE)
    except OSError as error:
        raise MachineryError(f"{one_line(str(hook))} cannot be written: {one_line(str(error))}.") from None
    return hook


def _script(signers: Path, python: str) -> str:
    words = [python, "-m", "console", "hook", "receive", "--allowed-signers", str(signers)]
    return f"#!/bin/sh\n{_MARK}\nexec {shlex.join(words)}\n"
