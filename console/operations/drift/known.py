"""Scores from before a change: what the journals of evals on this machine still know."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from console.operations.drift.reading import Watched, file_of
from store.workspace import Workspace

if TYPE_CHECKING:
    from evals.drift.file import Score
    from evals.running.lines import Line

_RUNS = "runs"
"""Where journals are, in state/."""


def keep_known(workspace: Workspace, one: Watched, until: datetime) -> int:
    """Keeps the scores that evals of the release gave up to `until`, as those from before a change, unless
    there are some already. Returns how many there are. Raises MachineryError."""
    from evals.drift.file import BEFORE, Run

    file = file_of(workspace)
    if known := file.scores(one.baseline.id, BEFORE):
        return len(known)
    found = journalled(workspace.state / _RUNS, one.release.id, until)
    if found:
        file.keep_scores(one.baseline.id, Run(BEFORE, until.timestamp(), one.release.id), found)
    return len(found)


def journalled(folder: Path, release: str, until: datetime) -> list[Score]:
    """What evals of `release` that began up to `until` scored: of each case the answers of the newest."""
    newest: dict[tuple[str, str], tuple[datetime, list[Score]]] = {}
    for lines in _journals(folder):
        for key, (at, scores) in _scored(lines, release, until).items():
            if key not in newest or newest[key][0] < at:
                newest[key] = (at, scores)
    return [score for _, scores in newest.values() for score in scores]


def _journals(folder: Path) -> list[list[Line]]:
    from evals.running.journal import read_lines

    found = []
    for path in sorted(folder.glob("*.jsonl")):
        try:
            with path.open("rb") as file:
                found.append(list(read_lines(file)))
        except OSError:
            continue
    return found


def _scored(
    lines: list[Line], release: str, until: datetime
) -> dict[tuple[str, str], tuple[datetime, list[Score]]]:
    """By suite and case: when the run began, and its scores of `release`."""
    from evals.drift.file import Score
    from evals.running.journal import entries
    from evals.running.lines import Start

    # A run that went on later, went on with the model of later.
    start = next((line for line in reversed(lines) if isinstance(line, Start)), None)
    if start is None or start.at > until or release not in (start.release, start.baseline):
        return {}
    arm = "candidate" if start.release == release else "baseline"
    pins = {name.partition("@")[0]: name for name in start.suites}
    found: dict[tuple[str, str], tuple[datetime, list[Score]]] = {}
    for entry in entries(lines).values():
        if entry.arm == arm and entry.score is not None and entry.suite in pins:
            score = Score(pins[entry.suite], entry.case, entry.score)
            found.setdefault((score.suite, entry.case), (start.at, []))[1].append(score)
    return found
