"""Files that tell of a run of evals, written beside what a command does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from console.commands.output import warn
from store.errors import LockgateError
from store.records.verdict import Verdict
from store.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path

    from console.operations.evaluate import Task
    from console.operations.stage import Composition


def write_reports(
    here: Workspace,
    verdict: Verdict,
    paths: Sequence[Path],
    *,
    kept_as: str | None = None,
    look: Task | None = None,
) -> int:
    """Writes the reports that were asked for. What came of the run stands, so trouble is told, not raised:
    returns the code that a passed run then ends with."""
    if not paths:
        return 0
    from console.operations.evals.reporting import write_verdict

    try:
        write_verdict(here, verdict, paths, kept_as=kept_as, look=look)
    except LockgateError as error:
        return _unwritten(error, verdict.release if kept_as else None)
    return 0


def write_staged(
    here: Workspace, composition: Composition, verdicts: Sequence[Verdict], paths: Sequence[Path]
) -> int:
    """As `write_reports`, of the first of `verdicts` on what was staged, or was to be."""
    if not paths:
        return 0
    if not verdicts:
        warn("no report was written: no evals had to be run.")
        return 0
    from console.operations.evals.reporting import write_candidate

    try:
        write_candidate(here, composition.release, verdicts[0], paths)
    except LockgateError as error:
        return _unwritten(error, None)
    return 0


def _unwritten(error: LockgateError, kept: str | None) -> int:
    again = f" `lockgate evals report {kept} --report FILE` writes it." if kept else ""
    warn(f"the report was not written: {error.message}{again}")
    return error.exit_code
