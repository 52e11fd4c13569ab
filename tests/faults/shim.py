"""The shim that lets the k-th call which changes files go wrong: how it is built and armed."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("shim.c")
_COUNT, _KILL_BEFORE, _KILL_AFTER, _TORN, _FAIL_ONCE, _FAIL_EVER = range(6)


@dataclass(frozen=True)
class Mode:
    """What happens at the point."""

    how: int
    error: int = 0

    @property
    def kills(self) -> bool:
        return self.how in (_KILL_BEFORE, _KILL_AFTER, _TORN)


MODES = {
    "count": Mode(_COUNT),
    "killed before": Mode(_KILL_BEFORE),
    "killed after": Mode(_KILL_AFTER),
    "torn": Mode(_TORN),
    "EIO once": Mode(_FAIL_ONCE, errno.EIO),
    "ENOSPC once": Mode(_FAIL_ONCE, errno.ENOSPC),
    "EIO from then on": Mode(_FAIL_EVER, errno.EIO),
    "ENOSPC from then on": Mode(_FAIL_EVER, errno.ENOSPC),
    "EROFS from then on": Mode(_FAIL_EVER, errno.EROFS),
}


def compiled(folder: Path) -> Path:
    """The shared library. Skips the test, loudly, where there is no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("NO C COMPILER: faults of the file system are not tested on this machine")
    library = folder / "shim.so"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O2", "-o", library, SOURCE, "-ldl", "-lpthread"], check=True
    )
    return library


def environment(library: Path) -> dict[str, str]:
    """For a process that is to be armed."""
    return {**os.environ, "LD_PRELOAD": str(library)}


def arm(root: Path, mode: str, point: int, log: int = -1) -> None:
    """From here on, the `point`-th call (from 1) that changes something below `root` goes wrong.

    `log` is a file handle for what was done, or -1.
    """
    chosen = MODES[mode]
    ctypes.CDLL(None).fault_arm(
        os.fsencode(root), chosen.how, ctypes.c_long(point), chosen.error, ctypes.c_int(log)
    )


def disarm() -> int:
    """Nothing goes wrong any more; returns how many calls there were."""
    library = ctypes.CDLL(None)
    library.fault_disarm()
    return int(library.fault_count())


def mark(text: str) -> None:
    """A line in the log."""
    ctypes.CDLL(None).fault_mark(os.fsencode(text))
