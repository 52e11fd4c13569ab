"""The shim, and a fork server under it, once a test process."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.point import Lab, in_memory, laboratory
from tests.faults.shim import compiled


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    if sys.platform != "linux":
        pytest.skip("LD_PRELOAD AND /proc ARE LINUX'S: faults of the file system are not tested here")
    library = compiled(tmp_path_factory.mktemp("shim"))
    memory = in_memory()
    folder = Path(tempfile.mkdtemp(prefix="faults-", dir=memory or tmp_path_factory.getbasetemp()))
    try:
        with laboratory(library, folder) as found:
            yield found
    finally:
        shutil.rmtree(folder, ignore_errors=True)
