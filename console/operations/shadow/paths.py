"""Where sampled requests, and what workers did with them, are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from store.workspace import Workspace

if TYPE_CHECKING:
    from evals.live.envelopes import Envelopes
    from evals.live.work_file import WorkFile


def envelopes_of(workspace: Workspace) -> Envelopes:
    """The sampled requests of this machine's applications."""
    from evals.live.envelopes import Envelopes

    return Envelopes(workspace.state / "requests.sqlite")


def work_file_of(workspace: Workspace) -> WorkFile:
    """What workers on this machine did with them."""
    from evals.live.work_file import WorkFile

    return WorkFile(workspace.state / "work.sqlite")
