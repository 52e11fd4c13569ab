"""The `git` program, for what goes over a network: bounded in time and in what it may say.

libgit2 hangs for ever on a silent server, runs no hooks and knows no credential helper; so fetch and
push are git's. It runs in a session of its own, without a terminal that anything below it could ask
on, and is killed with all that it started.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from store.errors import Cancelled, MachineryError
from store.git.foreign import refuse_acting
from store.git.remote_url import ALLOWED
from store.progress import Stop, never

_KEPT_BYTES = 1024 * 1024
"""Of each of its two outputs; what comes after that is read and dropped."""
_LOOK_SECONDS = 0.05
_LONGEST_SECONDS = 3600.0
_SETTINGS = {
    "protocol.ext.allow": "never",
    "protocol.fd.allow": "never",
    "transfer.fsckObjects": "true",
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.logAllRefUpdates": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "push.gpgSign": "false",
    "http.followRedirects": "initial",
}
_PASSED = (
    "GIT_ASKPASS",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_SYSTEM",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_SSH_VARIANT",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "GIT_SSL_CERT",
    "GIT_SSL_KEY",
)
"""What a machine says about its credentials; every other GIT_ variable could send git elsewhere."""


@dataclass(slots=True)
class Patience:
    """How long one exchange with a remote may take, over all its git processes."""

    seconds: float
    """Until it must be over; with `renewed`, without a sign of life."""
    renewed: bool = False
    """Whether every output of git begins the time anew: a large fetch takes its time, a dead one does not."""
    stop: Stop = never
    _until: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._until = time.monotonic() + self.seconds

    def left(self) -> float:
        """Seconds, never less than a few milliseconds."""
        return max(0.005, self._until - time.monotonic())

    def is_over(self) -> bool:
        """Whether nothing is left of it."""
        return time.monotonic() >= self._until

    def lived(self) -> None:
        """There was a sign of life."""
        if self.renewed:
            self._until = time.monotonic() + self.seconds


@dataclass(frozen=True, slots=True)
class Ran:
    """What one run came to."""

    code: int | None
    """None when it was killed because its time was over."""
    out: str
    err: str


def run(gitdir: Path, arguments: Sequence[str], patience: Patience, *, umask: int = 0o077) -> Ran:
    """Runs `git ARGUMENTS` in the repository `gitdir`; what it writes, it writes with `umask`.

    Raises MachineryError when there is no git, or the repository's own settings would run something (see
    `foreign`), Cancelled when `patience.stop` says so. Whatever ends it, a Ctrl+C too, nothing that it
    started is left running.
    """
    program = shutil.which("git")
    if program is None:
        raise MachineryError("the `git` program is not on this machine, and a remote wants it: install git.")
    refuse_acting(gitdir)
    settings = [part for key, value in _SETTINGS.items() for part in ("-c", f"{key}={value}")]
    try:
        running = subprocess.Popen(
            [program, *settings, f"--git-dir={gitdir}", *arguments],
            env=environment(os.environ),
            cwd=gitdir,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            umask=umask,
        )
    except OSError as error:
        raise MachineryError(f"git cannot be started: {error.strerror or error}.") from None
    try:
        return _heard(running, patience)
    finally:
        _kill(running)


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """`given` without what would send git elsewhere or make it ask."""
    kept = {key: value for key, value in given.items() if not key.startswith("GIT_") or key in _PASSED}
    return {
        **kept,
        "LC_ALL": "C",
        "LANGUAGE": "",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": ":".join(ALLOWED),
        "GIT_REFLOG_ACTION": "lockgate",
    }


def _heard(running: subprocess.Popen[bytes], patience: Patience) -> Ran:
    kept: dict[str, bytearray] = {"out": bytearray(), "err": bytearray()}
    end = time.monotonic() + _LONGEST_SECONDS
    with selectors.DefaultSelector() as selector:
        for name, stream in (("out", running.stdout), ("err", running.stderr)):
            assert stream is not None
            os.set_blocking(stream.fileno(), False)
            selector.register(stream, selectors.EVENT_READ, name)
        while True:
            is_over = running.poll() is not None  # before reading: what it said last is there by then
            said = _read(selector, kept, 0 if is_over else min(_LOOK_SECONDS, patience.left()))
            if said:
                patience.lived()
            if is_over and not said:  # somebody it started may keep the pipes open for ever
                break
            if patience.stop():
                raise Cancelled("stopped; nothing was changed by what was under way.")
            if not is_over and (patience.is_over() or time.monotonic() > end):
                return Ran(None, _text(kept["out"]), _text(kept["err"]))
    return Ran(running.returncode, _text(kept["out"]), _text(kept["err"]))


def _read(selector: selectors.BaseSelector, kept: dict[str, bytearray], wait: float) -> bool:
    """Reads what is there; True when there was something."""
    if not selector.get_map():
        time.sleep(wait)
        return False
    something = False
    for key, _ in selector.select(wait):
        data = os.read(key.fd, 65536)
        if not data:
            selector.unregister(key.fileobj)
            continue
        something = True
        room = _KEPT_BYTES - len(kept[key.data])
        kept[key.data] += data[: max(0, room)]
    return something


def _text(data: bytearray) -> str:
    return bytes(data).decode(errors="replace")


def _kill(running: subprocess.Popen[bytes]) -> None:
    """Ends the whole group; what has ended already takes no harm."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(running.pid, signal.SIGKILL)
    for stream in (running.stdout, running.stderr):
        if stream is not None:
            stream.close()
    running.wait()
