"""What somebody with write access and a text editor could land on `main`."""

from __future__ import annotations

from collections.abc import Mapping

import pygit2

from store.git import tree
from store.git.repository import MAIN
from store.workspace import Workspace
from tests.signing.keyring import Key
from tests.signing.stores import signed_by


def forge(
    workspace: Workspace,
    files: Mapping[str, bytes],
    *,
    by: Key | None = None,
    email: str = "ana@example.org",
    message: str = "Mend things\n",
    minutes: int = 1,
) -> str:
    """A commit of `files` on `main`, signed where a key is given; its id."""
    repo = workspace.store.repo
    tip = repo.references[MAIN].target
    parent = repo[tip]
    root = tree.with_files(repo, parent.tree, files)
    who = pygit2.Signature("Somebody", email, parent.commit_time + 60 * minutes, 0)
    text = repo.create_commit_string(who, who, message, root, [tip])
    made = signed_by(repo, text, by)
    repo.references.create(MAIN, made, force=True)
    return made
