"""A file that is there whole or not at all, and never in place of another one."""

from __future__ import annotations

from pathlib import Path

import pytest

from store import new_file as module
from store.new_file import new_file


@pytest.fixture(params=["nameless", "with a name beside", "without links"])
def disk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What file systems can do."""
    if request.param != "nameless":
        monkeypatch.delattr(module.os, "O_TMPFILE")
    if request.param == "without links":

        def refused(*_: object, **__: object) -> None:
            raise PermissionError("this file system has no links")

        monkeypatch.setattr(module.os, "link", refused)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.usefixtures("disk")
def test_it_appears_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    with new_file(path) as file:
        file.write("whole\n")
        assert not path.exists()
    assert path.read_text() == "whole\n" and path.stat().st_mode & 0o777 == 0o600
    assert names(tmp_path) == ["new.csv"]


@pytest.mark.usefixtures("disk")
def test_what_goes_wrong_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyError), new_file(tmp_path / "new.csv") as file:
        file.write("half")
        raise KeyError
    assert names(tmp_path) == []


@pytest.mark.usefixtures("disk")
@pytest.mark.parametrize("kind", ["file", "link to nowhere"])
def test_nothing_is_written_over(tmp_path: Path, kind: str) -> None:
    early, late = tmp_path / "early", tmp_path / "late"

    def other(path: Path) -> None:
        path.write_text("another") if kind == "file" else path.symlink_to("nowhere")

    other(early)
    with pytest.raises(FileExistsError), new_file(early):
        pytest.fail("it was opened")
    with pytest.raises(FileExistsError), new_file(late) as file:
        file.write("ours")
        other(late)
    assert names(tmp_path) == ["early", "late"]
    for path in (early, late):
        assert path.read_text() == "another" if kind == "file" else path.is_symlink()
