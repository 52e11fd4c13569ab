"""For all tests."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import settings

MEMORY = Path("/dev/shm")
NEEDED = 4 * 1024**3
"""Bytes that must be free there: two workers were seen to need less than half of it."""

settings.register_profile("lockgate", deadline=None)  # a busy machine is no failure
settings.load_profile("lockgate")


def use_memory_for_files() -> None:
    """Lets temporary files be in memory where there is room and `TMPDIR` says nothing else.

    The tests flush thousands of small files; on a disk more than a third of their time is waiting for it.
    Read before any worker starts, so that all of them inherit it.
    """
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK) or not hasattr(os, "getuid"):
        return
    if shutil.disk_usage(MEMORY).free < NEEDED:
        return
    folder = MEMORY / f"lockgate-tests-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if folder.is_symlink() or found.st_uid != os.getuid() or found.st_mode & 0o077:
        return  # somebody else's: a shared folder of this name is not trusted
    os.environ["TMPDIR"] = str(folder)
    tempfile.tempdir = None  # asks the variable again


use_memory_for_files()
