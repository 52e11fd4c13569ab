"""Hundreds of pages of real documentation (Debian's git-doc and python3-doc), through an index's life."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.commands.conftest import Lockgate

PLACES = (
    Path("/usr/share/doc/git/html"),
    Path("/usr/share/doc/git"),
    Path("/usr/share/doc/python3-doc/html"),
)
FEWEST = 300


def pages() -> list[Path]:
    found = {path.resolve() for place in PLACES if place.is_dir() for path in place.rglob("*.html")}
    return sorted(found)


@pytest.mark.heavy
def test_the_life_of_an_index_of_real_pages(tmp_path: Path, lockgate: Lockgate) -> None:
    real = pages()
    if len(real) < FEWEST:
        pytest.skip("needs Debian's git-doc and python3-doc: apt-get install git-doc python3-doc")
    source, acme = tmp_path / "pages", tmp_path / "acme"
    for number, path in enumerate(real):
        target = source / path.parent.name / f"{number:04d}-{path.name}"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    copies = sorted(source.rglob("*.html"))
    later, gone, changed = copies[-60:], copies[:5], copies[5:25]
    held = tmp_path / "later"
    held.mkdir()
    for path in later:
        shutil.move(path, held / path.name)

    def do(*words: object, code: int = 0) -> str:
        done = lockgate("-C", acme, *words)
        assert done.code == code, (words, done.out, done.err)
        return done.out

    assert lockgate("init", acme).code == 0
    settings = acme / "settings.toml"
    others = settings.read_text().replace('embedder = "minilm"\n', "")
    settings.write_text('embedder = "lexical"\n' + others)
    policy = tmp_path / "lockgate.toml"
    policy.write_text(
        '[[environments]]\nname = "production"\nproduction = true\n[environments.gate]\nrequired = false\n'
    )
    do("policy", "set", "--from", policy, "-m", "one environment, no gate")
    do("add", "index", "pages", "--from", source, "-m", "the first")
    do("stage", "--set", "index/pages", "-m", "x")

    for path in gone:
        path.unlink()
    for path in changed:
        path.write_text(
            path.read_text(errors="replace").replace("<body", "<p>A line more.</p><body", 1) + "<p>z</p>"
        )
    for path in held.iterdir():
        shutil.move(path, source / path.name)
    do("add", "index", "pages", "--from", source, "--parent", "v1", "-m", "the second")
    told = lockgate("-C", acme, "diff", "index/pages@v1", "index/pages@v2", "--json").out
    assert "added" in told and "removed" in told
    do("stage", "--set", "index/pages", "-m", "y")
    assert "r2" in do("status")

    do("index", "verify", "pages@v2", "--full")
    do("drill")
    do("rollback", "--env", "production", "--only", "index", "-m", "bad answers")
    assert "stable: r1" in do("show", "production")
    do("switch", "index/pages@v2", "--env", "production", "-m", "z", code=1)
    do("clear", "r2", "-m", "looked at it")
    do("switch", "index/pages@v2", "--env", "production", "-m", "z")
    do("index", "archive", "pages@v1", "-m", "room", code=1)  # production can go back to it
    do("add", "index", "pages", "--from", held.parent / "few", "-m", "x", code=2)

    few = tmp_path / "few"
    few.mkdir()
    (few / "page.md").write_text("# Few\n\nOne page.\n")
    do("add", "index", "other", "--from", few, "-m", "never served")
    do("index", "archive", "other@v1", "-m", "nobody needs it")
    do("index", "restore", "other@v1", "-m", "after all")
    do("index", "verify", "other@v1", "--full")
    assert do("index", "search", "pages@v2", "git rebase interactive", "-k", "3")
    do("check")
