"""A repository that somebody else made: refused or harmless, nothing is run, nothing lands outside."""

from __future__ import annotations

import resource
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pygit2
import pytest

from console.operations.init import init
from store.git.repository import MAIN, Store
from tests.hostile.conftest import Lockgate
from tests.hostile.payloads import ACTING
from tests.support.workspaces import OPEN_POLICY, add_basics, made, promote_to, stage_all

FILE, LINK, GITLINK, FOLDER = 0o100644, 0o120000, 0o160000, 0o040000
LOOKS = (("status",), ("check",), ("doctor",), ("history",), ("list", "prompt"), ("show", "prompt/support"))


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small store that serves a release."""
    folder = tmp_path_factory.mktemp("good")
    workspace = made(folder / "acme")
    add_basics(workspace, folder / "scratch")
    promote_to(
        workspace, stage_all(workspace, "prompt/support", "model/chat", "guardrail/default", "app/api")
    )
    return folder / "acme"


@pytest.fixture
def acme(good: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    shutil.copytree(good, tmp_path / "home" / "acme")
    return tmp_path / "home" / "acme"


def raw_tree(repo: pygit2.Repository, *entries: tuple[int, bytes, pygit2.Oid]) -> pygit2.Oid:
    """A tree as it stands, whatever its names are."""
    data = b"".join(b"%o %s\0%s" % (mode, name, id.raw) for mode, name, id in entries)
    return repo.odb.write(pygit2.enums.ObjectType.TREE, data)


def planted(root: Path, mode: int, name: bytes, id: pygit2.Oid, under: str = "") -> None:
    """Adds the entry to the root folder of `main`, or to its folder `under`, in a commit."""
    repo = Store(root / "store.git").repo
    tip = repo.references[MAIN].target
    top = repo[tip].peel(pygit2.Tree)
    if under:
        inner = [(one.filemode, one.name.encode(), one.id) for one in top[under] if one.name != name.decode()]
        folder = raw_tree(repo, *inner, (mode, name, id))
        mode, name, id = FOLDER, under.encode(), folder
    entries = [(one.filemode, one.name.encode(), one.id) for one in top if one.name.encode() != name]
    tree = raw_tree(repo, *entries, (mode, name, id))
    who = pygit2.Signature("mallory", "m@example.org", int(time.time()), 0)
    commit = repo.create_commit(None, who, who, "mine\n", tree, [tip])
    repo.references.create(MAIN, commit, force=True)


def blob(root: Path, data: bytes) -> pygit2.Oid:
    """The id of a file's bytes."""
    return Store(root / "store.git").repo.create_blob(data)


def nested(root: Path, depth: int) -> pygit2.Oid:
    """A folder in a folder in a folder."""
    repo = Store(root / "store.git").repo
    inner = raw_tree(repo, (FILE, b"x", repo.create_blob(b"x")))
    for _ in range(depth):
        inner = raw_tree(repo, (FOLDER, b"d", inner))
    return inner


CLIMBING, ABSOLUTE, ZERO_WIDTH = b"../../x", b"/tmp/lockgate-was-here", "sup\u200bport".encode()
POLICY_FILE, POINTER = b"lockgate.toml", b"production.toml"
TABLES = b"a = " + b"{a=" * 9_000 + b"1" + b"}" * 9_000
TREES: dict[str, Callable[[Path], None]] = {
    "climbing name": lambda root: planted(root, FILE, CLIMBING, blob(root, b"out")),
    "climbing folder": lambda root: planted(root, FOLDER, b"..", nested(root, 2), "prompts"),
    "dot git": lambda root: planted(root, FOLDER, b".git", nested(root, 1)),
    "absolute name": lambda root: planted(root, FILE, ABSOLUTE, blob(root, b"out")),
    "link": lambda root: planted(root, LINK, b"support", blob(root, b"/etc"), "prompts"),
    "link for a file": lambda root: planted(root, LINK, POLICY_FILE, blob(root, b"/etc/passwd")),
    "gitlink": lambda root: planted(root, GITLINK, b"support", blob(root, b"x"), "prompts"),
    "case twin": lambda root: planted(root, FOLDER, b"Support", nested(root, 1), "prompts"),
    "zero-width name": lambda root: planted(root, FOLDER, ZERO_WIDTH, nested(root, 1), "prompts"),
    "acting name": lambda root: planted(root, FOLDER, b"\x1b]52;c;eA==\x07", nested(root, 1), "prompts"),
    "deep folders": lambda root: planted(root, FOLDER, b"deep", nested(root, 1500), "prompts"),
    "huge file": lambda root: planted(root, FILE, POINTER, blob(root, b"# x\n" * 4_000_000), "environments"),
    "dotted bomb": lambda root: planted(root, FILE, POLICY_FILE, blob(root, b"a" + b".a" * 20_000 + b"=1")),
    "nested array": lambda root: planted(root, FILE, POLICY_FILE, blob(root, b"a = " + b"[" * 50_000)),
    "nested tables": lambda root: planted(root, FILE, POINTER, blob(root, TABLES), "environments"),
}
"""What a tree can hold that no Lockgate wrote."""


def footprint(lockgate: Lockgate, root: Path) -> tuple[float, float]:
    """Seconds and MiB that all looks at `root` take; each ends in sentences."""
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    for words in LOOKS:
        told = lockgate("-C", root, *words)
        assert told.code in (0, 1, 2, 4), (words, told)
        assert "unexpected" not in told.err, (words, told.err)
        assert not ACTING.search(told.out + told.err.replace("\r\x1b[2K", "")), words
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return time.perf_counter() - began, grown / 1024


@pytest.mark.parametrize("name", TREES)
def test_an_odd_tree_is_refused_or_harmless(
    name: str, good: Path, acme: Path, tmp_path: Path, lockgate: Lockgate
) -> None:
    usual, _ = footprint(lockgate, good)
    TREES[name](acme)
    outside = sorted(tmp_path.iterdir()), sorted((tmp_path / "home").iterdir())
    seconds, grown = footprint(lockgate, acme)
    told = lockgate("-C", acme, "check")
    assert told.code == 2 or told.code == 4, (name, told)
    assert seconds < 10 * usual + 1, (name, seconds, usual)
    assert grown < 120, (name, grown)
    assert outside == (sorted(tmp_path.iterdir()), sorted((tmp_path / "home").iterdir()))
    assert not Path("/tmp/lockgate-was-here").exists()


@pytest.mark.parametrize("name", TREES)
def test_an_odd_tree_of_a_remote_does_not_come_in_unseen(
    name: str, good: Path, tmp_path: Path, lockgate: Lockgate
) -> None:
    hub = tmp_path / "hub"
    shutil.copytree(good, hub)
    mine = tmp_path / "mine"
    init(mine, OPEN_POLICY, remote=str(hub / "store.git"))
    TREES[name](hub)
    before = sorted(tmp_path.iterdir())
    told = lockgate("-C", mine, "sync")
    assert "unexpected" not in told.err and not ACTING.search(told.out + told.err), told
    for words in LOOKS:
        assert "unexpected" not in lockgate("-C", mine, *words).err
    assert sorted(tmp_path.iterdir()) == before


CONFIG = """
[core]
\tfsmonitor = touch {marker}
\tsshCommand = touch {marker};
\tpager = touch {marker}
\teditor = touch {marker}
\taskPass = {script}
\talternateRefsCommand = touch {marker}
[credential]
\thelper = !touch {marker};
[filter "x"]
\tclean = touch {marker}
\tsmudge = touch {marker}
[diff "x"]
\ttextconv = touch {marker}
"""


def test_nothing_that_a_repository_names_is_run(acme: Path, tmp_path: Path, lockgate: Lockgate) -> None:
    marker, script = tmp_path / "marker", tmp_path / "script"
    script.write_text(f"#!/bin/sh\ntouch {marker}\n")
    script.chmod(0o755)
    store = acme / "store.git"
    (store / "hooks").mkdir(exist_ok=True)
    for hook in (
        "pre-commit",
        "post-commit",
        "reference-transaction",
        "pre-push",
        "post-checkout",
        "post-update",
    ):
        shutil.copy(script, store / "hooks" / hook)
    planted(acme, FILE, b".gitattributes", blob(acme, b"* filter=x diff=x\n"))
    with (store / "config").open("a") as config:
        config.write(CONFIG.format(marker=marker, script=script))
    settings = acme / "settings.toml"
    settings.write_text('remote = "ssh://git@127.0.0.1:9/x.git"\n' + settings.read_text())
    for words in (*LOOKS, ("sync",), ("hosts",), ("note", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "-m", "x")):
        told = lockgate("-C", acme, *words)
        assert "unexpected" not in told.err, told.err
        assert not marker.exists(), f"{words} ran what the repository names"
    refused = lockgate("-C", acme, "sync")
    assert refused.code == 4 and "git was not started" in refused.err, refused
    subprocess.run([str(script)], check=True)
    assert marker.exists(), "the canary sings when it is run"


@pytest.mark.parametrize(
    ("plant", "said"),
    [
        (lambda store: (store / "objects/info/alternates").write_text("/elsewhere\n"), "depend on another"),
        (lambda store: (store / "commondir").write_text("../store.git\n"), "depend on another"),
        (lambda store: _append(store, '[include]\n\tpath = /dev/null\n'), "config sets include.path"),
        (lambda store: _append(store, "[core]\n\tsshCommand = x\n"), "config sets core.sshcommand"),
        (lambda store: _append(store, '[url "ext::x"]\n\tinsteadOf = ssh\n'), "insteadof"),
        (lambda store: _hook(store), "it has hooks (post-commit)"),
        (lambda store: _moved(store), "is a link to another place"),
    ],
    ids=("alternates", "commondir", "include", "ssh", "insteadof", "hooks", "link"),
)  # fmt: skip
def test_the_doctor_says_what_is_odd(
    plant: Callable[[Path], None], said: str, acme: Path, lockgate: Lockgate
) -> None:
    assert lockgate("-C", acme, "doctor").code == 0
    plant(acme / "store.git")
    told = lockgate("-C", acme, "doctor")
    assert said in told.out + told.err, told


def test_a_redirect_is_no_store(acme: Path, tmp_path: Path, lockgate: Lockgate) -> None:
    (acme / "store.git").rename(tmp_path / "elsewhere")
    (acme / "store.git").write_text(f"gitdir: {tmp_path / 'elsewhere'}\n")
    told = lockgate("-C", acme, "status")
    assert told.code == 2 and "is no Lockgate workspace" in told.err


def _append(store: Path, text: str) -> None:
    with (store / "config").open("a") as config:
        config.write(text)


def _hook(store: Path) -> None:
    (store / "hooks").mkdir(exist_ok=True)
    (store / "hooks/post-commit").write_text("#!/bin/sh\n")
    (store / "hooks/post-commit").chmod(0o755)


def _moved(store: Path) -> None:
    store.rename(store.with_name("elsewhere"))
    store.symlink_to("elsewhere")
