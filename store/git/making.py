"""Making a commit, signed where this machine signs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pygit2

from store.errors import LockgateError
from store.git import objects
from store.records.base import Person
from store.text import one_line

if TYPE_CHECKING:
    from store.signing.signer import Signing

Ask = Callable[[], "Signing | None"]
"""Who signs on this machine; None where nobody does. Raises InputError where settings.toml cannot be read."""


def nobody() -> None:
    """An Ask of a store whose commits are not signed."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A commit that is to be made."""

    author: pygit2.Signature
    committer: pygit2.Signature
    message: str
    tree: pygit2.Oid
    parents: Sequence[str]


@dataclass(frozen=True, slots=True)
class Made:
    """A commit that is in the repository; nothing points to it."""

    id: pygit2.Oid
    unsigned: str | None = None
    """Why it is not signed although this machine signs."""


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signs a commit, found out before it is drafted."""

    by: Signing | None
    trouble: str | None = None
    """Why nobody does although somebody may be meant to."""
    may_fail: bool = False


def asked(ask: Ask, *, may_fail: bool = False) -> Signature:
    """Who is to sign. With `may_fail` what goes wrong, now or later, is told instead of raised: what takes
    something back is not kept from it."""
    try:
        return Signature(ask(), may_fail=may_fail)
    except LockgateError as error:
        if not may_fail:
            raise
        return Signature(None, _unsigned(error.message.rstrip(".")), may_fail)


def commit(repo: pygit2.Repository, draft: Draft, signature: Signature) -> Made:
    """Writes `draft`. Raises SigningError unless that may fail, MachineryError for torn objects."""
    words = (draft.author, draft.committer, draft.message, draft.tree, list(draft.parents))
    trouble = signature.trouble
    if signature.by is not None:
        from store.signing.signer import SigningError

        text = repo.create_commit_string(*words)
        try:
            armored = signature.by.sign(text.encode())
        except SigningError as error:
            if not signature.may_fail:
                raise
            trouble = _unsigned(error.what)
        else:
            return Made(
                objects.stored(repo, lambda: repo.create_commit_with_signature(text, armored, "gpgsig"))
            )
    return Made(objects.stored(repo, lambda: repo.create_commit(None, *words)), trouble)


def who(person: Person, at: int) -> pygit2.Signature:
    """`person` at `at` (seconds since 1970), as commits name people."""
    return pygit2.Signature(_header(person.name) or "unknown", _header(person.email) or "-", at, 0)


def _header(text: str) -> str:
    """A name or address that git accepts in a commit header."""
    return "".join(c for c in one_line(text, 200) if c not in "<>").strip()


def _unsigned(why: str) -> str:
    return f"{why}; taking back does not wait for that, so its commit is not signed."
