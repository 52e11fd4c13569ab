"""Where the demo's content is: prompts, rules and cases beside this file, and Lockgate's own docs pages."""

from __future__ import annotations

import shutil
from pathlib import Path

from store.errors import MachineryError

CONTENT = Path(__file__).parent / "content"
_NOT_ASKED_ABOUT = (
    "auditing.md",
    "benchmarks.md",
    "chroma-server.md",
    "ci.md",
    "comparing.md",
    "depot.md",
    "drift.md",
    "faults.md",
    "freezes.md",
    "import.md",
    "mutation.md",
    "notifications.md",
    "prometheus.md",
    "remote.md",
    "retention.md",
    "rights.md",
    "rollouts.md",
    "running-evals.md",
    "shadow.md",
    "signing.md",
)
"""Pages that no question of the demo is about; without them its model has less to read."""
_DOCS = (Path(__file__).parents[2] / "docs", Path(__file__).parent / "docs")


def docs_folder() -> Path:
    """The docs pages: of the checkout, or those that the installed package carries."""
    for folder in _DOCS:
        if (folder / "index.md").is_file():
            return folder
    raise MachineryError(
        "the docs pages that the demo answers from are not installed; install Lockgate again."
    )


def handbook(target: Path, without: tuple[str, ...] = ()) -> Path:
    """Copies the docs pages to the folder `target`, all but those named in `without`; returns it."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for page in sorted(docs_folder().glob("*.md")):
        if page.name not in (*without, *_NOT_ASKED_ABOUT):
            shutil.copyfile(page, target / page.name)
    return target


def missing_at_first() -> tuple[str, ...]:
    """The pages that the first index version does not have yet."""
    text = (CONTENT / "index_v1_without.txt").read_text(encoding="utf-8")
    return tuple(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))
