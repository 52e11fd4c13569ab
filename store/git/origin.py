"""Which store a repository is: clones of one store share their first commit, two stores never do."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pygit2

from store.errors import MachineryError
from store.git.repository import Store
from store.text import one_line


def origin(store: Store) -> str:
    """The id of the first commit of `main`, 40 hex digits. Raises MachineryError where it cannot be read."""
    return _first(store.path, store.tip())


@lru_cache(maxsize=16)
def _first(path: Path, tip: str) -> str:
    last = tip
    try:
        walk = pygit2.Repository(str(path)).walk(tip)
        walk.simplify_first_parent()
        for commit in walk:
            last = str(commit.id)
    except (pygit2.GitError, KeyError, ValueError) as error:
        raise MachineryError(f"{path}: its history cannot be read: {one_line(str(error))}.") from None
    return last
