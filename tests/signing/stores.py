"""Stores of signed commits, and what somebody with access to the files could make of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pygit2

from console.operations.audit.verify import Verified, verify
from console.operations.init import init
from store.clock import FixedClock
from store.git.repository import MAIN
from store.signing.commits import parse
from store.workspace import Workspace
from tests.signing.keyring import Key, key
from tests.support.workspaces import NOON, OPEN_POLICY


@dataclass
class Case:
    """A workspace whose commits Ana signs, and a file that allows her."""

    workspace: Workspace
    signers: Path
    ids: list[str] = field(default_factory=list)
    """Commits, the oldest first."""

    @property
    def repo(self) -> pygit2.Repository:
        return self.workspace.store.repo

    def verify(self, start: str | None = None, **more: bool) -> Verified:
        """With everything opened anew, as a command would."""
        return verify(Workspace(self.workspace.root, self.workspace.clock), start, **more)

    def wrong(self, start: str | None = None) -> list[tuple[str, str]]:
        """(commit, what), as found."""
        return [(one.commit, one.what) for one in self.verify(start).findings]

    def move(self, to: str) -> None:
        """Points `main` somewhere else, as `git push --force` does."""
        self.repo.references.create(MAIN, to, force=True)


def signed_by(case_or_repo: pygit2.Repository, text: str, by: Key | None, namespace: str = "git") -> str:
    """The id of the commit `text`, signed."""
    if by is None:
        return str(case_or_repo.write(pygit2.enums.ObjectType.COMMIT, text.encode()))
    armored = by.sign(text.encode(), namespace).strip()
    return str(case_or_repo.create_commit_with_signature(text, armored, "gpgsig"))


def add(
    case: Case,
    parent: str,
    name: str,
    at: datetime,
    *,
    by: Key | None = None,
    namespace: str = "git",
    email: str = "ana@example.org",
    message: str | None = None,
    content: str | None = None,
    unsigned: bool = False,
) -> str:
    """A commit on `parent` that adds the file `name`; nothing points to it."""
    repo = case.repo
    builder = repo.TreeBuilder(repo[parent].tree)
    builder.insert(name, repo.create_blob((content or name).encode()), pygit2.enums.FileMode.BLOB)
    who = pygit2.Signature("Somebody", email, int(at.timestamp()), 0)
    text = repo.create_commit_string(who, who, message or f"Add {name}\n", builder.write(), [parent])
    return signed_by(repo, text, None if unsigned else by or key("ana"), namespace)


def case_at(path: Path, count: int = 4) -> Case:
    """The first commit, by `init`, and `count` more, a minute apart."""
    signers = path / "allowed_signers"
    signers.parent.mkdir(parents=True, exist_ok=True)
    signers.write_text(key("ana").allowed("ana@example.org"))
    signers.chmod(0o600)
    root = path / "acme"
    root.mkdir()
    (root / "settings.toml").write_text(
        f'signing_key = "{key("ana").path}"\nallowed_signers = "{signers}"\n'
        'author = {name = "Ana", email = "ana@example.org"}\n'
    )
    case = Case(init(root, OPEN_POLICY, FixedClock(NOON)), signers)
    case.ids.append(case.workspace.store.tip())
    grow(case, count)
    return case


def grow(case: Case, count: int) -> None:
    """`count` more commits on `main`."""
    for _ in range(count):
        number = len(case.ids)
        case.ids.append(add(case, case.ids[-1], f"f{number}", NOON + timedelta(minutes=number)))
    case.move(case.ids[-1])


def rewritten(case: Case, ids: Sequence[str], onto: str, by: Key | None) -> list[str]:
    """The commits `ids` once more, on `onto`; signed anew by `by`, or with the signatures they had."""
    made = []
    for id in ids:
        raw = parse(case.repo[id].read_raw())
        old = raw.payload.decode()
        builder = case.repo.TreeBuilder(case.repo[onto].tree)
        before = {one.name for one in case.repo[id].parents[0].tree}
        for one in case.repo[id].tree:
            if one.name not in before:
                builder.insert(one.name, one.id, one.filemode)
        text = old.replace(raw.tree, str(builder.write())).replace(raw.parents[0], onto)
        onto = (
            signed_by(case.repo, text, by)
            if by is not None
            else str(case.repo.create_commit_with_signature(text, str(raw.signature).strip(), "gpgsig"))
        )
        made.append(onto)
    return made
