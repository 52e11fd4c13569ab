"""One commit held against the rules of the store, whoever made it and with whatever program."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pygit2

from console.operations.audit.change import Change
from console.operations.audit.finding import Finding
from console.operations.audit.permitted import permitted
from console.operations.audit.truth import Said, immutable, recorded
from store.errors import LockgateError
from store.signing.allowed import Signers


def ruled(change: Change, signers: Signers) -> Iterator[Finding]:
    """What is wrong with `change`."""
    looks: tuple[Callable[[], Iterator[Said]], ...] = (
        lambda: immutable(change),
        lambda: recorded(change),
        lambda: permitted(change, signers),
    )
    for look in looks:
        try:
            yield from (Finding(change.id, what, why) for what, why in look())
        except LockgateError as error:
            yield Finding(change.id, "unreadable", error.message.rstrip("."))
            return
        except (KeyError, ValueError, pygit2.GitError):
            return  # an object that is damaged or missing is told where contents are read
