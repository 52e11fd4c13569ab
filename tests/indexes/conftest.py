from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from making_indexes import Built, build_here, write_folder


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Built once; tests take copies."""
    folder = tmp_path_factory.mktemp("template")
    home = folder / "indexes"
    return Built(home, build_here(home, write_folder(folder / "source")))


@pytest.fixture
def built(template: Built, tmp_path: Path) -> Built:
    """A sealed index that the test may harm."""
    home = tmp_path / "indexes"
    shutil.copytree(template.home, home)
    return Built(home, template.manifest)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "indexes"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "source")


@pytest.fixture
def change_bytes() -> Callable[[Path, int], None]:
    """Flips one bit of the byte at a share (per thousand) of a file."""

    def flip(path: Path, per_mille: int) -> None:
        path.chmod(0o644)
        data = bytearray(path.read_bytes())
        data[min(len(data) - 1, len(data) * per_mille // 1000)] ^= 1
        path.write_bytes(data)

    return flip
