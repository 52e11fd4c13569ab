"""One exchange with the remote: what it has is fetched, looked at, and followed."""

from __future__ import annotations

from console.operations.sync.following import Way, follow, way
from console.operations.sync.local import NotOurs
from store.errors import MachineryError
from store.git.program import Patience
from store.git.remote import Behind, Remote
from store.git.tracking import forget, seen
from store.progress import Progress, Report, silent
from store.workspace import Workspace


class Rewritten(MachineryError):
    """The remote's main does not stand on what it was when it was last seen."""


def bring(
    workspace: Workspace,
    remote: Remote,
    asking: Patience,
    fetching: Patience,
    *,
    take_remote: bool = False,
    report: Report = silent,
) -> Way:
    """Makes `main` here follow the remote's; nothing is pushed.

    Raises Unreachable, Rewritten, Conflict, MachineryError; nothing was changed then.
    """
    head = fetched(workspace, remote, asking, fetching, report=report)
    store = workspace.store
    with store.writing() as writer:
        return follow(workspace, writer, chosen(workspace, remote, store.tip(), head, take_remote))


def chosen(workspace: Workspace, remote: Remote, tip: str, head: str | None, take_remote: bool) -> Way:
    """`way`, naming the remote where it holds something else."""
    try:
        return way(workspace, tip, head, take_remote=take_remote)
    except NotOurs as error:
        if head is not None:
            forget(workspace.store, head)
        raise MachineryError(
            f"the remote {remote.name} is not followed, nothing was changed: {error.message} Name the right "
            "one in settings.toml."
        ) from None


def fetched(
    workspace: Workspace, remote: Remote, asking: Patience, fetching: Patience, *, report: Report = silent
) -> str | None:
    """The remote's main, which is here now; None where it has none yet.

    Raises Unreachable, Rewritten.
    """
    store = workspace.store
    known = seen(store)
    report(Progress("asking the remote"))
    head = remote.head(asking)
    if head == known:
        return head
    if head is None:
        raise Rewritten(_lost(remote, str(known), "it has no main any more"))
    report(Progress("fetching"))
    if remote.fetch(fetching):
        return seen(store)
    now, head = seen(store), remote.head(fetching)
    if now is None or head is None or head not in store.repo:
        raise Behind("the remote's main moved while it was being fetched.")
    if not store.is_ancestor(now, head):
        raise Rewritten(_lost(remote, now, f"it has {head[:10]} now"))
    raise Behind("the remote's main moved while it was being fetched.")


def _lost(remote: Remote, known: str, now: str) -> str:
    return (
        f"the main of the remote {remote.name} was rewritten: {known[:10]} was seen there and {now}; nothing "
        f"was changed. Put {known[:10]} back there with git; or, if it was meant, forget what was seen (`git "
        "--git-dir=store.git update-ref -d refs/remotes/origin/main`) and run `lockgate sync --take-remote`."
    )
